import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, fstatSync } from "node:fs";
import { backoffSeconds } from "../../time/backoff.ts";
import { type Cancel, type Clock, later } from "../../time/clock.ts";
import { Heartbeat } from "./heartbeat.ts";
import { type KnownProcess, knownProcess } from "./known-process.ts";
import { lastLine, openLog } from "./log-file.ts";
import { type FromPart, isFromPart, type ToPart } from "./messages.ts";
import { RestartNews } from "./restart-news.ts";

const firstBackoffSeconds = 0.1;
const longestBackoffSeconds = 10;
/** A part that stays ready for so long starts again at once when it ends. */
const steadySeconds = 10;
/** Ends without becoming ready, one after another, until a part that never was is given up. */
const mostFailuresToStart = 5;

/** What else goes over the channel to a part. */
export interface PartChannel {
  /** The part has a new process. */
  opened(child: ChildProcess): void;
  /** `handle` is what came along with the message. */
  received(message: FromPart, handle: unknown, child: ChildProcess): void;
}

export interface PartOptions {
  readonly name: string;
  /** Program and arguments. */
  readonly command: readonly [string, ...string[]];
  /** Arguments until the part has been ready once, and not for those that come after. */
  readonly firstArguments?: readonly string[];
  readonly logFile: string;
  readonly clock: Clock;
  readonly channel?: PartChannel | undefined;
  /** The part has another process, or none. */
  readonly onProcess: (known: KnownProcess | undefined) => void;
  /** Its process does its work. */
  readonly onReady?: () => void;
  /** One line for people about a part that ended and is started again, and one when it is ready again. */
  readonly onRestart: (line: string) => void;
}

export type Facts = Readonly<Record<string, string>>;

/** A part does not start and has not said why; its log may tell. */
export class PartFailed extends Error {}

/**
 * One process of the cluster, started again whenever it ends or does not answer any more, until it is stopped. Once it has been
 * ready it is tried for ever, ever more seldom while that fails.
 */
export class PartProcess {
  readonly #options: PartOptions;
  readonly #first = Promise.withResolvers<Facts>();
  readonly #stopped = Promise.withResolvers<void>();
  readonly #news: RestartNews;
  #child: ChildProcess | undefined;
  #cancelRestart: Cancel = () => {};
  #cancelSteady: Cancel = () => {};
  /** Since the part was steady last. */
  #endsInARow = 0;
  #wasReady = false;
  #isStopping = false;

  constructor(options: PartOptions) {
    this.#options = options;
    const { name, logFile, onRestart } = options;
    this.#news = new RestartNews(name, logFile, onRestart);
  }

  get name(): string {
    return this.#options.name;
  }

  /** Resolves when the part is ready for the first time. Rejects with the reason when it cannot become so. */
  start(): Promise<Facts> {
    this.#spawn();
    return this.#first.promise;
  }

  /** Asks the part to end, and kills it when it has not after `seconds`, or does not answer. */
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
    const { clock, channel, logFile, onProcess } = this.#options;
    const log = this.#openLog();
    const logStart = typeof log === "number" ? fstatSync(log).size : 0;
    const child = this.#startProcess(log);
    if (typeof log === "number") closeSync(log);
    if (child instanceof Error) {
      this.#ended(child.message, false);
      return;
    }
    this.#child = child;
    let isReady = false;
    let reason: string | undefined;
    const heartbeat = new Heartbeat(clock, child, (why) => {
      reason = why;
      child.kill("SIGKILL");
    });
    child.on("message", (message, handle) => {
      if (!isFromPart(message)) return;
      if (message.is === "failed") reason = message.reason;
      else if (message.is === "alive") heartbeat.answered();
      else if (message.is === "ready") {
        isReady = true;
        heartbeat.isStarted = true;
        this.#ready(message.facts);
      } else channel?.received(message, handle, child);
    });
    const ended = (cause: string): void => {
      heartbeat.stop();
      this.#child = undefined;
      onProcess(undefined);
      this.#ended(cause, isReady, reason !== undefined);
    };
    // Also for what cannot be sent to a process that is about to end; `exit` tells of that.
    child.on("error", (error) => {
      if (child.pid === undefined) ended(error.message);
    });
    child.on("exit", (code, signal) => ended(reason ?? causeOf(code, signal, lastWords(logFile, logStart))));
    if (child.pid === undefined) return;
    const known = identified(child.pid);
    if (known !== undefined) onProcess(known);
    channel?.opened(child);
  }

  /** The process, or why the system takes no more: out of memory, for one. */
  #startProcess(log: number | "ignore"): ChildProcess | Error {
    const { command, firstArguments = [] } = this.#options;
    const [program, ...args] = command;
    try {
      // In a session of its own, because Ctrl-C must reach the parts in the supervisor's order only.
      return spawn(program, [...args, ...(this.#wasReady ? [] : firstArguments)], {
        stdio: ["ignore", log, log, "ipc"],
        detached: true,
      });
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  /** A part without a log, as on a full disk, is better than none. */
  #openLog(): number | "ignore" {
    try {
      return openLog(this.#options.logFile);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#news.noLog(why);
      return "ignore";
    }
  }

  #ready(facts: Facts): void {
    const { clock } = this.#options;
    if (this.#wasReady) this.#news.ready();
    this.#wasReady = true;
    this.#first.resolve(facts);
    this.#options.onReady?.();
    this.#cancelSteady = clock.at(later(clock.now(), steadySeconds), () => {
      this.#endsInARow = 0;
      this.#news.steady();
    });
  }

  #ended(cause: string, wasReady: boolean, hasReason = false): void {
    const { clock, logFile } = this.#options;
    this.#cancelSteady();
    if (this.#isStopping) {
      this.#stopped.resolve();
      return;
    }
    this.#endsInARow += 1;
    if (!this.#wasReady && (hasReason || this.#endsInARow >= mostFailuresToStart)) {
      this.#first.reject(
        hasReason
          ? new Error(`${this.name} cannot start: ${cause}`)
          : new PartFailed(
              `${this.name} cannot start, ${this.#endsInARow} times in a row: ${cause} (log: ${logFile})`,
            ),
      );
      return;
    }
    const seconds = backoffSeconds(this.#endsInARow, firstBackoffSeconds, longestBackoffSeconds);
    this.#news.ended(cause, wasReady, seconds);
    this.#cancelRestart = clock.at(later(clock.now(), seconds), () => this.#spawn());
  }
}

/** Undefined where the system does not tell, as when no more files can be opened: the part runs all the same. */
function identified(pid: number): KnownProcess | undefined {
  try {
    return knownProcess(pid);
  } catch {
    return undefined;
  }
}

function causeOf(code: number | null, signal: NodeJS.Signals | null, line: string | undefined): string {
  const how = signal === null ? `exit code ${code}` : `killed by ${signal}`;
  return line === undefined ? how : `${how}, last line of its log: "${line}"`;
}

/** Nothing of a log that cannot be read: what it says is a help and no more. */
function lastWords(logFile: string, from: number): string | undefined {
  try {
    return lastLine(logFile, from);
  } catch {
    return undefined;
  }
}
