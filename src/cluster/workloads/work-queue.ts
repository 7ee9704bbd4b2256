import { ApiError } from "../../kubernetes/errors.ts";
import { backoffSeconds } from "../../time/backoff.ts";
import { type Cancel, type Clock, type Instant, later } from "../../time/clock.ts";

/** What is to be done for one key. Answers when to do it again even if nothing tells to. */
export type Work = (key: string) => Promise<Instant | undefined>;

const firstRetrySeconds = 0.05;
const longestRetrySeconds = 30;

/**
 * Does the work of one controller, one key at a time. A key that is added while it waits is done once; one that is added
 * while it is being worked on is done again. Work that throws is reported and done again, after longer and longer waits.
 */
export class WorkQueue {
  readonly #clock: Clock;
  readonly #work: Work;
  readonly #onProblem: (problem: string) => void;
  readonly #waiting = new Set<string>();
  readonly #timers = new Map<string, Cancel>();
  readonly #failures = new Map<string, number>();
  #running: Promise<void> | undefined;
  #stopped = false;

  constructor(options: { clock: Clock; work: Work; onProblem: (problem: string) => void }) {
    this.#clock = options.clock;
    this.#work = options.work;
    this.#onProblem = options.onProblem;
  }

  add(key: string): void {
    if (this.#stopped) return;
    this.#waiting.add(key);
    this.#running ??= this.#run();
  }

  /** Drops what waits and resolves when the work under way has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#waiting.clear();
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    await this.#running;
  }

  async #run(): Promise<void> {
    // Everything that one change adds is added before any of it is worked on.
    await Promise.resolve();
    for (const key of this.#waiting) {
      this.#waiting.delete(key);
      const recheckAt = await this.#attempt(key);
      if (recheckAt !== undefined) this.#arm(key, recheckAt);
    }
    this.#running = undefined;
  }

  async #attempt(key: string): Promise<Instant | undefined> {
    this.#disarm(key);
    try {
      const recheckAt = await this.#work(key);
      this.#failures.delete(key);
      return recheckAt;
    } catch (error) {
      const failures = (this.#failures.get(key) ?? 0) + 1;
      this.#failures.set(key, failures);
      if (!isConflict(error))
        this.#onProblem(`${key}: ${error instanceof Error ? error.message : String(error)}`);
      return later(this.#clock.now(), backoffSeconds(failures, firstRetrySeconds, longestRetrySeconds));
    }
  }

  #arm(key: string, at: Instant): void {
    if (this.#stopped) return;
    this.#timers.set(
      key,
      this.#clock.at(at, () => {
        this.#timers.delete(key);
        this.add(key);
      }),
    );
  }

  #disarm(key: string): void {
    this.#timers.get(key)?.();
    this.#timers.delete(key);
  }
}

// Somebody else wrote first: everyday life, and the next attempt sees what they wrote.
function isConflict(error: unknown): boolean {
  return error instanceof ApiError && error.kind === "conflict";
}
