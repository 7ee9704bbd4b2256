import { type FSWatcher, statSync, watch } from "node:fs";
import { type Cancel, type Clock, instant, later } from "../../../time/clock.ts";
import { largestLogBytes, limitLog } from "./log-size.ts";
import { LogTimes } from "./log-times.ts";

/** A log is looked at as soon as it grows, and not again before so long: times are no more precise for a fast writer. */
const restSeconds = 0.02;

/** The log of one run of a container, which the container itself writes. */
export class RunLog {
  readonly path: string;
  readonly times: LogTimes;
  readonly #clock: Clock;
  readonly #waiting = new Set<() => void>();
  #watcher: FSWatcher | undefined;
  #cancelRest: Cancel | undefined;
  #isStirred = false;
  #isOpen = false;

  constructor(path: string, clock: Clock) {
    this.path = path;
    this.#clock = clock;
    this.times = new LogTimes(path);
    const { size = 0, mtimeMs = 0 } = statSync(path, { throwIfNoEntry: false }) ?? {};
    // Written when nobody looked.
    this.times.grown(this.times.base + size, instant(Math.floor(mtimeMs)));
  }

  /** Whether its container may still write. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Looks from now on when it grows. */
  open(): void {
    this.#isOpen = true;
    try {
      this.#watcher = watch(this.path, { persistent: false }, () => this.#stir());
      // The file is gone with its pod, or the system watches no more files: it is looked at when somebody reads.
      this.#watcher.on("error", () => this.#watcher?.close());
    } catch {
      this.#watcher = undefined;
    }
  }

  /** Its container has ended. */
  close(): void {
    this.look();
    this.release();
    this.#isOpen = false;
    this.#tell();
  }

  /** Looks no more; the container may go on. */
  release(): void {
    this.#watcher?.close();
    this.#cancelRest?.();
    this.#cancelRest = undefined;
  }

  /** Takes note of what was written until now. Answers to which byte. */
  look(): number {
    const size = statSync(this.path, { throwIfNoEntry: false })?.size ?? 0;
    const end = this.times.base + size;
    if (end > this.times.end) {
      this.times.grown(end, this.#clock.now());
      this.#tell();
    }
    return end;
  }

  /** Moves the older part aside when it has grown too large; throws when that part is lost. */
  limit(): void {
    this.look();
    const { times } = this;
    try {
      limitLog(this.path, largestLogBytes, (bytes, kept) => {
        const base = times.base + bytes;
        times.cut(base, base - kept);
      });
    } finally {
      this.#tell();
    }
  }

  /** Resolves when there may be more to read, or when none is to come, or when `signal` aborts. */
  changed(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const done = (): void => {
      this.#waiting.delete(done);
      signal.removeEventListener("abort", done);
      resolve();
    };
    this.#waiting.add(done);
    signal.addEventListener("abort", done);
    if (signal.aborted) done();
    return promise;
  }

  #stir(): void {
    this.#isStirred = true;
    if (this.#cancelRest !== undefined) return;
    this.#isStirred = false;
    this.look();
    this.#cancelRest = this.#clock.at(later(this.#clock.now(), restSeconds), () => {
      this.#cancelRest = undefined;
      if (this.#isStirred) this.#stir();
    });
  }

  #tell(): void {
    for (const done of this.#waiting) done();
  }
}

/** The logs of the containers that run now, by their path. */
export class RunLogs {
  readonly #clock: Clock;
  readonly #open = new Map<string, RunLog>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** For a container that runs: its log is looked after from now on. */
  open(path: string): RunLog {
    const log = this.at(path);
    if (!log.isOpen) log.open();
    this.#open.set(path, log);
    return log;
  }

  close(path: string): void {
    this.#open.get(path)?.close();
    this.#open.delete(path);
  }

  /** Of a run that goes on, or of one that has ended. */
  at(path: string): RunLog {
    return this.#open.get(path) ?? new RunLog(path, this.#clock);
  }

  /** Looks after none any more. */
  release(): void {
    for (const log of this.#open.values()) log.release();
  }
}
