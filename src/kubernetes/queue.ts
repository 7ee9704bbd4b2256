import { backoffSeconds } from "../time/backoff.ts";
import { type Cancel, type Clock, type Instant, later } from "../time/clock.ts";

/** How one pass over a key went, and when the next one is due if nothing happens before. */
export type PassResult =
  | { readonly is: "done"; readonly recheckAt?: Instant | undefined }
  /** Nothing was decided; a pass that was due earlier stays due. */
  | { readonly is: "postponed"; readonly recheckAt: Instant }
  /** To be tried again after waits that double; `slowly` when trying again soon cannot help. */
  | { readonly is: "failed"; readonly slowly: boolean };

export interface QueueOptions {
  readonly clock: Clock;
  /** How many keys are worked on at a time. */
  readonly concurrency: number;
  /** The wait after a first failure, and the least there is between two passes of which nothing but time is the cause. */
  readonly firstRetrySeconds: number;
  readonly longestRetrySeconds: number;
  /** Works on a key. Must not reject: what goes wrong is a result. */
  readonly pass: (key: string) => Promise<PassResult>;
}

interface Timer {
  readonly at: Instant;
  readonly cancel: Cancel;
}

/**
 * Keys that need a pass: first come, first served; each key once however often it was added, and never two passes over
 * one key at the same time. A key that is added during its pass gets another one.
 */
export class Queue {
  readonly #options: QueueOptions;
  readonly #ready = new Set<string>();
  readonly #running = new Map<string, Promise<void>>();
  readonly #timers = new Map<string, Timer>();
  readonly #failures = new Map<string, number>();
  #isRunning = false;

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  /** Keys that are added before this call wait for it. */
  start(): void {
    this.#isRunning = true;
    this.#pump();
  }

  /** Begins no further pass; fulfilled when those under way have ended. */
  async stop(): Promise<void> {
    this.#isRunning = false;
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    this.#ready.clear();
    await Promise.all(this.#running.values());
  }

  add(key: string): void {
    this.#ready.add(key);
    this.#pump();
  }

  #pump(): void {
    if (!this.#isRunning) return;
    for (const key of this.#ready) {
      if (this.#running.size >= this.#options.concurrency) return;
      if (this.#running.has(key)) continue;
      this.#ready.delete(key);
      this.#running.set(key, this.#run(key));
    }
  }

  async #run(key: string): Promise<void> {
    // Changes that arrive together, as after a list, lead to one pass.
    await Promise.resolve();
    this.#ready.delete(key);
    const result = this.#isRunning ? await this.#options.pass(key) : undefined;
    this.#running.delete(key);
    if (!this.#isRunning || result === undefined) return;
    this.#schedule(key, result);
    this.#pump();
  }

  #schedule(key: string, result: PassResult): void {
    const { clock, firstRetrySeconds, longestRetrySeconds } = this.#options;
    if (result.is === "failed") {
      const failures = (this.#failures.get(key) ?? 0) + 1;
      this.#failures.set(key, failures);
      const wait = result.slowly
        ? longestRetrySeconds
        : backoffSeconds(failures, firstRetrySeconds, longestRetrySeconds);
      this.#wake(key, later(clock.now(), wait));
      return;
    }
    if (result.is === "done") {
      this.#failures.delete(key);
      this.#timers.get(key)?.cancel();
      this.#timers.delete(key);
    }
    // A wish for the past that does not come true must not become a busy loop.
    const soonest = later(clock.now(), firstRetrySeconds);
    const { recheckAt } = result;
    if (recheckAt !== undefined) this.#wake(key, recheckAt > soonest ? recheckAt : soonest);
  }

  #wake(key: string, at: Instant): void {
    const present = this.#timers.get(key);
    if (present !== undefined && present.at <= at) return;
    present?.cancel();
    const cancel = this.#options.clock.at(at, () => {
      this.#timers.delete(key);
      this.add(key);
    });
    this.#timers.set(key, { at, cancel });
  }
}
