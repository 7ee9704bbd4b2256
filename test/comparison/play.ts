import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parse, stringify } from "yaml";
import { type ToolSet, toolFolder } from "../acceptance/kubectl-binary.ts";
import type { Case } from "./case-files.ts";
import { normalise } from "./normalise.ts";

/** What a command line has answered, normalised. */
export interface Answer {
  readonly line: string;
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const lineSeconds = 60;
const pollMilliseconds = 100;

/** Where lines are typed, and what a new namespace there has before anybody uses it. */
export interface Target {
  readonly kubeconfig: string;
  readonly firstObjects: readonly string[];
}

/**
 * Types the lines of a case, against the cluster of a kubeconfig, in a new namespace and a new folder, both of which are gone
 * afterwards.
 * @throws Error when something that is not compared fails, or a line does not end.
 */
export async function play(one: Case, target: Target, tools: ToolSet): Promise<readonly Answer[]> {
  const shell = await CaseShell.open(one, target, tools);
  try {
    const answers: Answer[] = [];
    for (const step of one.run) {
      if (typeof step === "string") answers.push(await shell.answer(step));
      else if ("quiet" in step) await shell.succeed(step.quiet);
      else await shell.until(step.await, step.says);
    }
    return answers;
  } finally {
    for (const line of one.cleanup) await shell.run(line);
    await shell.close();
  }
}

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A folder with the files of a case, a kubeconfig that stands in its namespace, and the tools on the path. */
class CaseShell {
  readonly #folder: string;
  readonly #name: string;
  readonly #environment: NodeJS.ProcessEnv;

  private constructor(folder: string, name: string, tools: string) {
    this.#folder = folder;
    this.#name = name;
    this.#environment = {
      PATH: `${tools}:/usr/local/bin:/usr/bin:/bin`,
      HOME: folder,
      KUBECONFIG: join(folder, ".kube", "config"),
      TERM: "dumb",
      EDITOR: "true",
      LANG: "C.UTF-8",
      TZ: "UTC",
    };
  }

  static async open(one: Case, { kubeconfig, firstObjects }: Target, set: ToolSet): Promise<CaseShell> {
    const tools = toolFolder(set);
    if ("missingBecause" in tools) throw new Error(tools.missingBecause);
    const folder = await realpath(await mkdtemp(join(tmpdir(), `teal-${one.name}-`)));
    const config = parse(await readFile(kubeconfig, "utf8")) as {
      contexts: { context: Record<string, unknown> }[];
    };
    for (const { context } of config.contexts) context["namespace"] = one.name;
    const files = { ...one.files, ".kube/config": stringify(config) };
    for (const [file, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, file)), { recursive: true });
      await writeFile(join(folder, file), text, { mode: 0o600 });
    }
    const shell = new CaseShell(folder, one.name, tools.path);
    await shell.succeed(`kubectl create namespace ${one.name}`);
    if (firstObjects.length > 0)
      await shell.succeed(`kubectl wait --for=create --timeout=30s ${firstObjects.join(" ")}`);
    return shell;
  }

  async close(): Promise<void> {
    await this.run(`kubectl delete namespace ${this.#name} --wait=false`);
    await rm(this.#folder, { recursive: true });
  }

  async answer(line: string): Promise<Answer> {
    const { code, out, err } = await this.run(line);
    return { line, code, out: normalise(out, this.#folder), err: normalise(err, this.#folder) };
  }

  async succeed(line: string): Promise<void> {
    const { code, err } = await this.run(line);
    if (code !== 0) throw new Error(`${line}: ${err}`);
  }

  async until(line: string, text: string): Promise<void> {
    const end = Date.now() + lineSeconds * 1000;
    for (;;) {
      const { out, err } = await this.run(line);
      if (out.trim() === text) return;
      if (Date.now() > end) throw new Error(`${line} does not say ${text}: ${out}${err}`);
      await pause(pollMilliseconds);
    }
  }

  run(line: string): Promise<Ended> {
    const { promise, resolve, reject } = Promise.withResolvers<Ended>();
    const child = spawn("/bin/bash", ["-c", line], {
      cwd: this.#folder,
      env: this.#environment,
      stdio: ["ignore", "pipe", "pipe"],
      // With a group of its own, so that what the line has started ends with it.
      detached: true,
    });
    const timeout = setTimeout(() => {
      reject(new Error(`${line} did not end within ${lineSeconds} s`));
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    }, lineSeconds * 1000);
    const pieces = { out: "", err: "" };
    child.stdout.setEncoding("utf8").on("data", (piece: string) => (pieces.out += piece));
    child.stderr.setEncoding("utf8").on("data", (piece: string) => (pieces.err += piece));
    child.once("error", reject);
    child.once("close", (code) => {
      clearTimeout(timeout);
      resolve({ code: code ?? -1, ...pieces });
    });
    return promise;
  }
}
