import { type ChildProcess, spawn } from "node:child_process";
import type { LoadAnswer, LoadQuestion } from "./load-command.ts";
import type { LoadReport } from "./load-report.ts";

/** Nanoseconds of the monotonic clock that all processes of this machine share. */
export function moment(): bigint {
  return process.hrtime.bigint();
}

/** The load generator's process, seen from the one that started it. */
export class LoadProcess {
  readonly #child: ChildProcess;
  readonly #trafficEnds: readonly bigint[];
  readonly #pending = new Map<number, PromiseWithResolvers<LoadReport>>();
  #nextId = 1;
  #end: Error | undefined;

  /** `program` is Node and Teal's main file; `trafficEnds`, which grows, when the process that carries traffic has ended. */
  constructor([node, main]: readonly [string, string], address: string, trafficEnds: readonly bigint[] = []) {
    this.#trafficEnds = trafficEnds;
    this.#child = spawn(node, [main, "load", address], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    this.#child.on("message", ({ id, report }: LoadAnswer) => {
      this.#pending.get(id)?.resolve(report);
      this.#pending.delete(id);
    });
    this.#child.on("error", (error) => this.#ended(error));
    this.#child.on("exit", (code, signal) =>
      this.#ended(new Error(`the load generator has ended (${signal ?? `exit code ${code}`})`)),
    );
  }

  /** What became of all requests; with respect to `since` where that matters. */
  report(since: bigint): Promise<LoadReport> {
    return this.#ask("report", since);
  }

  /** Lets requests under way finish, ends the process and answers the last counts. */
  async stop(): Promise<LoadReport> {
    const last = await this.#ask("stop", moment());
    await this.kill();
    return last;
  }

  /** Ends the process as it is. */
  kill(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#end !== undefined || this.#child.pid === undefined) return resolve();
      this.#child.on("exit", () => resolve());
      this.#child.kill("SIGTERM");
    });
  }

  #ask(ask: LoadQuestion["ask"], since: bigint): Promise<LoadReport> {
    const pending = Promise.withResolvers<LoadReport>();
    if (this.#end !== undefined) {
      pending.reject(this.#end);
      return pending.promise;
    }
    const id = this.#nextId++;
    this.#pending.set(id, pending);
    const trafficEnds = this.#trafficEnds.map(String);
    this.#child.send({ id, ask, moment: String(since), trafficEnds } satisfies LoadQuestion);
    return pending.promise;
  }

  #ended(error: Error): void {
    this.#end = error;
    for (const pending of this.#pending.values()) pending.reject(error);
    this.#pending.clear();
  }
}
