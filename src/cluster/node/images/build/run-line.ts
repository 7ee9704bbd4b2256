import { spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { ImagePaths } from "../image-paths.ts";

export interface RunLine {
  /** The program first; a shell with its line for most. */
  readonly command: readonly string[];
  readonly root: string;
  readonly folder: string;
  /** Of the image, with the build's arguments. */
  readonly environment: Readonly<Record<string, string>>;
  /** A Python environment of the image's own decides where to install to. */
  readonly usesOwnPython: boolean;
  /** For files of the build itself that are no part of the image. */
  readonly scratch: string;
  readonly output: (text: string) => void;
}

// Of the person's own environment only what says how to reach registries, and where things are kept from build to build.
const handedOn =
  /^(LANG|LC_.*|TZ|TMPDIR|https?_proxy|no_proxy|HTTPS?_PROXY|NO_PROXY|SSL_CERT_.*|NODE_EXTRA_CA_CERTS|GOPROXY|GOSUMDB|GOFLAGS|GONOSUMDB|PYENV_.*|RBENV_.*|npm_config_registry|PIP_(INDEX_URL|EXTRA_INDEX_URL|TRUSTED_HOST|CERT|FIND_LINKS|NO_INDEX))$/i;

// Into the image, whatever the machine has already, which may be gone tomorrow.
const intoImage = { PIP_USER: "1", PIP_IGNORE_INSTALLED: "1", PIP_BREAK_SYSTEM_PACKAGES: "1" };

/** Where programs are found that the image does not have itself: Teal's own Node first. */
export function machinePath(): string {
  const folders = (process.env["PATH"] ?? "/usr/local/bin:/usr/bin:/bin").split(delimiter);
  // What an activated Python environment offers is its owner's, not the machine's.
  const shared = folders.filter((each) => !existsSync(join(each, "../pyvenv.cfg")));
  return [dirname(process.execPath), ...shared].join(delimiter);
}

/** Runs a line of a Dockerfile on this machine. Resolves when it has ended well; throws Error with how it ended. */
export async function runLine(line: RunLine): Promise<void> {
  const [program = "", ...args] = line.command;
  const child = spawn(program, args, {
    cwd: line.folder,
    env: environmentOf(line),
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  child.stdout.setEncoding("utf8").on("data", line.output);
  child.stderr.setEncoding("utf8").on("data", line.output);
  const stop = (): void => {
    // The whole group: a package manager has children of its own.
    if (child.pid !== undefined) process.kill(-child.pid, "SIGTERM");
  };
  process.once("SIGINT", stop).once("SIGTERM", stop);
  try {
    const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (...end) => resolve(end));
    });
    if (signal !== null) throw new Error(`ended by ${signal}`);
    if (code !== 0) throw new Error(`ended with exit code ${code}`);
  } finally {
    process.off("SIGINT", stop).off("SIGTERM", stop);
  }
}

function environmentOf({ root, environment, usesOwnPython, scratch }: RunLine): Record<string, string> {
  const own = Object.fromEntries(
    Object.entries(process.env).filter(([name, value]) => handedOn.test(name) && value !== undefined),
  ) as Record<string, string>;
  const machine = machinePath();
  const image = new ImagePaths(root).variables(environment, machine);
  // Whatever writes into its home writes into the image.
  const home = join(root, "root");
  mkdirSync(home, { recursive: true });
  const search = new ImagePaths(root).searchPath(
    `${environment["PATH"] ?? ""}:/usr/local/bin:/usr/local/sbin`,
    machine,
  );
  return {
    ...own,
    HOME: home,
    ...caches(scratch),
    ...(usesOwnPython ? {} : intoImage),
    PIP_NO_WARN_SCRIPT_LOCATION: "1",
    PIP_DISABLE_PIP_VERSION_CHECK: "1",
    PIP_ROOT_USER_ACTION: "ignore",
    PYTHONUSERBASE: join(root, "usr/local"),
    npm_config_prefix: join(root, "usr/local"),
    npm_config_update_notifier: "false",
    npm_config_fund: "false",
    ...image,
    PATH: search,
  };
}

/** What package managers have fetched before, where they keep it for this user. */
function caches(scratch: string): Record<string, string> {
  const home = homedir();
  const { env } = process;
  const found: Record<string, string> = {
    npm_config_cache: env["npm_config_cache"] ?? join(home, ".npm"),
    PIP_CACHE_DIR: env["PIP_CACHE_DIR"] ?? join(home, ".cache/pip"),
    GOMODCACHE: env["GOMODCACHE"] ?? join(env["GOPATH"] ?? join(home, "go"), "pkg/mod"),
    GOCACHE: env["GOCACHE"] ?? join(home, ".cache/go-build"),
    CARGO_HOME: env["CARGO_HOME"] ?? join(home, ".cargo"),
    RUSTUP_HOME: env["RUSTUP_HOME"] ?? join(home, ".rustup"),
    YARN_CACHE_FOLDER: env["YARN_CACHE_FOLDER"] ?? join(home, ".cache/yarn"),
    PYENV_ROOT: env["PYENV_ROOT"] ?? join(home, ".pyenv"),
  };
  // How to reach the registry, and as whom; a copy, so that nothing is written into the person's own.
  const settings = env["npm_config_userconfig"] ?? join(home, ".npmrc");
  if (existsSync(settings)) copyFileSync(settings, join(scratch, "npmrc"));
  found["npm_config_userconfig"] = join(scratch, "npmrc");
  const pip = [env["PIP_CONFIG_FILE"], join(home, ".config/pip/pip.conf"), join(home, ".pip/pip.conf")];
  const pipSettings = pip.find((each) => each !== undefined && existsSync(each));
  if (pipSettings !== undefined) found["PIP_CONFIG_FILE"] = pipSettings;
  return found;
}
