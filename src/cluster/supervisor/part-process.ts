import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, fstatSync } from "node:fs";
import { backoffSeconds } from "../../time/backoff.ts";
import { type Cancel, type Clock, later } from "../../time/clock.ts";
import { type KnownProcess, knownProcess } from "./known-process.ts";
import { lastLine, openLog } from "./log-file.ts";
import { isFromPart, type ToPart } from "./messages.ts";

const firstBackoffSeconds = 0.1;
const longestBackoffSeconds = 10;
/** A part that worked for so long starts again at once when it ends. */
const steadySeconds = 10;
/** Ends without becoming ready, one after another, until the supervisor gives up. */
const mostFailuresToStart = 5;

export interface PartOptions {
  readonly name: string;
  /** Program and arguments. */
  readonly command: readonly [string, ...string[]];
  readonly logFile: string;
  readonly clock: Clock;
  /** The part has another process, or none. */
  readonly onProcess: (known: KnownProcess | undefined) => void;
  /** One line for people about a part that ended and is started again, and one when it is ready again. */
  readonly onRestart: (line: string) => void;
  /** The part was ready once and cannot be brought back. */
  readonly onLost: (error: Error) => void;
}

export type Facts = Readonly<Record<string, string>>;

/** One process of the cluster, started again whenever it ends, until it is stopped. */
export class PartProcess {
  readonly #options: PartOptions;
  readonly #first = Promise.withResolvers<Facts>();
  readonly #stopped = Promise.withResolvers<void>();
  #child: ChildProcess | undefined;
  #cancelRestart: Cancel = () => {};
  /** Ends soon after the start, one after another. */
  #endsInARow = 0;
  /** Of these, the last ones that came before the part was ready. */
  #failedStarts = 0;
  #wasReady = false;
  #isStopping = false;

  constructor(options: PartOptions) {
    this.#options = options;
  }

  get name(): string {
    return this.#options.name;
  }

  /** Resolves when the part is ready for the first time. Rejects with the reason when it cannot become so. */
  start(): Promise<Facts> {
    this.#spawn();
    return this.#first.promise;
  }

  /** Asks the part to end, and kills it when it has not after `seconds`. */
  async stop(seconds: number): Promise<void> {
    this.#isStopping = true;
    this.#cancelRestart();
    this.#first.promise.catch(() => undefined);
    this.#first.reject(new Error(`${this.name} was stopped before it was ready`));
    const child = this.#child;
    if (child === undefined) return;
    if (child.connected) child.send({ is: "stop" } satisfies ToPart, () => undefined);
    else child.kill("SIGTERM");
    const { clock } = this.#options;
    const cancel = clock.at(later(clock.now(), seconds), () => child.kill("SIGKILL"));
    await this.#stopped.promise;
    cancel();
  }

  #spawn(): void {
    const { clock, command, logFile, onProcess } = this.#options;
    const [program, ...args] = command;
    const log = this.#openLog();
    const logStart = typeof log === "number" ? fstatSync(log).size : 0;
    // In a session of its own, because Ctrl-C must reach the parts in the supervisor's order only.
    const child = spawn(program, args, { stdio: ["ignore", log, log, "ipc"], detached: true });
    if (typeof log === "number") closeSync(log);
    this.#child = child;
    const began = clock.now();
    let isReady = false;
    let reason: string | undefined;
    child.on("message", (message) => {
      if (!isFromPart(message)) return;
      if (message.is === "failed") {
        reason = message.reason;
        return;
      }
      if (this.#wasReady) this.#options.onRestart(`${this.name} is ready again`);
      isReady = true;
      this.#wasReady = true;
      this.#first.resolve(message.facts);
    });
    child.on("error", (error) => {
      reason ??= error.message;
      if (child.pid === undefined) ended(null, null);
    });
    const ended = (code: number | null, signal: NodeJS.Signals | null): void => {
      this.#child = undefined;
      onProcess(undefined);
      if (this.#isStopping) {
        this.#stopped.resolve();
        return;
      }
      const cause = reason ?? causeOf(code, signal, lastLine(logFile, logStart));
      this.#endsInARow = clock.now() >= later(began, steadySeconds) ? 1 : this.#endsInARow + 1;
      this.#failedStarts = isReady ? 0 : this.#failedStarts + 1;
      this.#again(cause, isReady, reason !== undefined);
    };
    child.on("exit", ended);
    if (child.pid !== undefined) onProcess(knownProcess(child.pid));
  }

  /** A part without a log, as on a full disk, is better than none. */
  #openLog(): number | "ignore" {
    const { logFile, onRestart } = this.#options;
    try {
      return openLog(logFile);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      onRestart(`${this.name} runs without a log: ${why}`);
      return "ignore";
    }
  }

  #again(cause: string, wasReady: boolean, hasReason: boolean): void {
    const { clock, logFile, onLost, onRestart } = this.#options;
    const isHopeless = !this.#wasReady && hasReason;
    if (!wasReady && (isHopeless || this.#failedStarts >= mostFailuresToStart)) {
      const tries = isHopeless ? "" : `, ${this.#failedStarts} times in a row`;
      const error = new Error(`${this.name} cannot start${tries}: ${cause} (log: ${logFile})`);
      if (this.#wasReady) onLost(error);
      else this.#first.reject(error);
      return;
    }
    const seconds = backoffSeconds(this.#endsInARow, firstBackoffSeconds, longestBackoffSeconds);
    onRestart(`${this.name} ended: ${cause}. It starts again in ${seconds} s (log: ${logFile})`);
    this.#cancelRestart = clock.at(later(clock.now(), seconds), () => this.#spawn());
  }
}

function causeOf(code: number | null, signal: NodeJS.Signals | null, line: string | undefined): string {
  const how = signal === null ? `exit code ${code}` : `killed by ${signal}`;
  return line === undefined ? how : `${how}, last line of its log: "${line}"`;
}
