import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

const main = join(import.meta.dirname, "../../../bin/main.mjs");
const shownLines = 12;
/** More than one request without an answer takes. */
const stopSeconds = 60;

const running = new Set<ChildProcess>();

// A run that is broken off leaves no processes behind.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.once(signal, () => {
    for (const child of running) child.kill("SIGKILL");
    process.kill(process.pid, signal);
  });

/** A controller of one namespace, as a process: Teal's, or one to compare it with. */
export class ControllerProcess {
  readonly #command: string;
  readonly #args: readonly string[];
  #child: ChildProcess | undefined;
  #log = "";
  /** Rejects when the process ends without having been told to. */
  readonly #death = Promise.withResolvers<never>();

  constructor(command: string, args: readonly string[]) {
    this.#command = command;
    this.#args = args;
    this.#death.promise.catch(() => {});
  }

  static teal(namespace: string, kubeconfig: string): ControllerProcess {
    const args = [main, "controller", "--namespace", namespace, "--kubeconfig", kubeconfig];
    return new ControllerProcess(process.execPath, args);
  }

  get death(): Promise<never> {
    return this.#death.promise;
  }

  /** The last that it said. */
  get log(): string {
    return this.#log.trimEnd().split("\n").slice(-shownLines).join("\n");
  }

  start(): void {
    const child = spawn(this.#command, this.#args, { stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    running.add(child);
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (text) => (this.#log += String(text)));
    child.on("exit", (code, signal) => {
      running.delete(child);
      if (this.#child !== child) return;
      this.#child = undefined;
      this.#death.reject(new Error(`the controller ended by itself: ${signal ?? `exit code ${code}`}`));
    });
  }

  /** As when its machine dies. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** As Kubernetes stops a pod; the exit code, which is null when it had to be killed. */
  async stop(): Promise<number | null> {
    return this.#end("SIGTERM");
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child;
    if (child === undefined) return 0;
    this.#child = undefined;
    const ended = once(child, "exit");
    child.kill(signal);
    const timer = setTimeout(() => {
      this.#log += `it did not end within ${stopSeconds} s and was killed\n`;
      child.kill("SIGKILL");
    }, stopSeconds * 1000);
    const [code] = (await ended) as [number | null];
    clearTimeout(timer);
    return code;
  }
}
