import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { Readable } from "node:stream";
import { type Clock, later } from "../../../time/clock.ts";
import { mountFlagsOf } from "./mount-flags.ts";
import type { Binding } from "./root-folder.ts";

/** How this machine lets a program have a root of its own: as root, in a user namespace, or not at all. */
export type RootPermission = "as-root" | "in-user-namespace" | "none";

/** As its own process sees it. */
export interface Program {
  readonly command: readonly string[];
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
}

export interface WrappedCommand {
  readonly command: readonly string[];
  /** What the program itself gets is among its words. */
  readonly environment: Readonly<Record<string, string>>;
}

const toolPath = "/usr/sbin:/usr/bin:/sbin:/bin";
const probeSeconds = 5;
const failedWord = "failed";

/** Why the program did not begin, from what was written to the third descriptor up to its end; undefined when it began. */
export function failureIn(report: string): string | undefined {
  const lines = report.trimEnd().split("\n");
  return lines.at(-1) === failedWord ? lines.slice(0, -1).join("; ") : undefined;
}

// The words: mount table, root, folder, the program's PATH, the program; then its variables and command. `env` gives the
// program its variables: a shell passes on only those whose names it understands itself.
const enter = `
fail() { echo "$1" >&3; echo ${failedWord} >&3; exit 125; }
mount -a -T "$1" >&3 2>&1 && cd "$2" && pivot_root . . >&3 2>&1 && umount -l . >&3 2>&1 || fail "its root cannot be made"
cd "$3" 2>/dev/null || fail "no folder $3"
case "$5" in
  */*) [ -e "$5" ] || fail "no such program"; [ -x "$5" ] && [ ! -d "$5" ] || fail "it is not executable" ;;
  *) PATH="$4" command -v -- "$5" >/dev/null 2>&1 || fail "no such program" ;;
esac
shift 5
exec env -i -- "$@" 3>&-`;

/** The command that runs a program in a mount namespace of its own, whose root is the folder of `makeRoot`. Its process stays the same one. */
export function inPrivateRoot(
  permission: Exclude<RootPermission, "none">,
  root: string,
  bindings: readonly Binding[],
  program: Program,
): WrappedCommand {
  const table = `${root}.mounts`;
  writeFileSync(table, bindings.map(tableLine).join(""));
  const user = permission === "as-root" ? [] : ["--user", "--map-root-user"];
  return {
    command: [
      "unshare",
      ...user,
      "--mount",
      "sh",
      "-c",
      enter,
      "sh",
      table,
      root,
      program.folder,
      program.environment["PATH"] ?? toolPath,
      program.command[0] ?? "",
      ...variablesAndWords(program),
    ],
    environment: { PATH: toolPath },
  };
}

/** The command that runs another program where the process `pid`, of a private root, runs. */
export function besideProcess(
  permission: Exclude<RootPermission, "none">,
  pid: number,
  program: Program,
): WrappedCommand {
  const user = permission === "as-root" ? [] : ["--user", "--preserve-credentials"];
  return {
    command: [
      "nsenter",
      "--target",
      String(pid),
      ...user,
      "--mount",
      "sh",
      "-c",
      'cd "$1" || exit 125\nshift\nexec env -i -- "$@"',
      "sh",
      program.folder,
      ...variablesAndWords(program),
    ],
    environment: { PATH: toolPath },
  };
}

function variablesAndWords({ environment, command }: Program): readonly string[] {
  return [...Object.entries(environment).map(([name, value]) => `${name}=${value}`), ...command];
}

/** Finds out by trying: what a kernel offers, its owner may have forbidden. */
export async function rootPermission(
  tryRoot: (permission: Exclude<RootPermission, "none">) => WrappedCommand,
  clock: Clock,
): Promise<RootPermission> {
  if (process.platform !== "linux") return "none";
  const candidates =
    process.getuid?.() === 0 ? (["as-root", "in-user-namespace"] as const) : (["in-user-namespace"] as const);
  for (const candidate of candidates) if (await works(tryRoot(candidate), clock)) return candidate;
  return "none";
}

function works({ command, environment }: WrappedCommand, clock: Clock): Promise<boolean> {
  const [program = "", ...args] = command;
  return new Promise((resolve) => {
    // The third descriptor must be there; what is told on it does not matter here.
    const child = spawn(program, args, { env: environment, stdio: ["ignore", "ignore", "ignore", "pipe"] });
    const report = child.stdio[3];
    if (report instanceof Readable) report.resume();
    const cancel = clock.at(later(clock.now(), probeSeconds), () => child.kill("SIGKILL"));
    child.once("error", () => {
      cancel();
      resolve(false);
    });
    child.once("exit", (code) => {
      cancel();
      resolve(code === 0);
    });
  });
}

function tableLine({ source, target, isReadOnly }: Binding): string {
  const options = ["rbind", ...(isReadOnly ? ["ro", ...mountFlagsOf(source)] : [])];
  return `${escaped(source)} ${escaped(target)} none ${options.join(",")} 0 0\n`;
}

// As fstab(5) writes them.
function escaped(path: string): string {
  return path.replaceAll(
    /[\s\\#]/g,
    (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, "0")}`,
  );
}
