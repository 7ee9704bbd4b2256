import { retrySeconds } from "../time/backoff.ts";
import { type Cancel, type Clock, type Instant, later } from "../time/clock.ts";
import { warnOfBug } from "./internal-error.ts";
import type { Telemetry } from "./telemetry.ts";

/** How one pass over a key went, and when the next one is due if nothing happens before. */
export type PassResult =
  | { readonly is: "done"; readonly recheckAt?: Instant | undefined }
  /** Nothing was decided; a pass that was due earlier stays due. */
  | { readonly is: "postponed"; readonly recheckAt: Instant }
  /**
   * To be tried again after waits that double; `slowly` when trying again soon cannot help; not before the seconds of
   * `retryAfter` have passed, whatever happens, when the server has asked to be left alone.
   */
  | {
      readonly is: "failed";
      readonly slowly: boolean;
      readonly retryAfter?: number | undefined;
      /** It has got further all the same: the waits begin anew. */
      readonly hasActed?: boolean;
    };

export interface QueueOptions {
  /** Told of every pass, under this name. */
  readonly telemetry?: { readonly name: string; readonly to: Telemetry };
  readonly clock: Clock;
  /** How many keys are worked on at a time. */
  readonly concurrency: number;
  /** The wait after a first failure, and the least there is between two passes of which nothing but time is the cause. */
  readonly firstRetrySeconds: number;
  readonly longestRetrySeconds: number;
  /** Works on a key. What goes wrong is a result; one that rejects is told as a warning of the process and tried again slowly. */
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
  /** Keys that are left alone until their timer runs. */
  readonly #held = new Set<string>();
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
    this.#held.clear();
    this.#ready.clear();
    await Promise.all(this.#running.values());
  }

  add(key: string): void {
    this.#ready.add(key);
    this.#pump();
  }

  #pump(): void {
    if (!this.#isRunning) return;
    this.#begin();
    const { telemetry } = this.#options;
    telemetry?.to.queued?.({ queue: telemetry.name, keys: this.#ready.size });
  }

  #begin(): void {
    for (const key of this.#ready) {
      if (this.#running.size >= this.#options.concurrency) return;
      if (this.#running.has(key) || this.#held.has(key)) continue;
      this.#ready.delete(key);
      this.#running.set(key, this.#run(key));
    }
  }

  async #run(key: string): Promise<void> {
    // Changes that arrive together, as after a list, lead to one pass.
    await Promise.resolve();
    this.#ready.delete(key);
    const began = this.#options.clock.now();
    const result = this.#isRunning ? await this.#pass(key) : undefined;
    this.#running.delete(key);
    if (!this.#isRunning || result === undefined) return;
    const { clock, telemetry } = this.#options;
    const seconds = (clock.now() - began) / 1000;
    telemetry?.to.passed?.({ queue: telemetry.name, result: result.is, seconds });
    this.#schedule(key, result);
    this.#pump();
  }

  async #pass(key: string): Promise<PassResult> {
    try {
      return await this.#options.pass(key);
    } catch (bug) {
      warnOfBug(bug);
      return { is: "failed", slowly: true };
    }
  }

  #schedule(key: string, result: PassResult): void {
    const { clock, firstRetrySeconds, longestRetrySeconds } = this.#options;
    if (result.is === "failed") {
      const failures = (result.hasActed === true ? 0 : (this.#failures.get(key) ?? 0)) + 1;
      this.#failures.set(key, failures);
      const { slowly, retryAfter = 0 } = result;
      const first = slowly ? longestRetrySeconds : firstRetrySeconds;
      const wait = retrySeconds(clock, { failures, first, limit: longestRetrySeconds, retryAfter });
      const at = later(clock.now(), wait);
      if (retryAfter > 0) this.#hold(key);
      this.#wake(key, at);
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

  #hold(key: string): void {
    this.#held.add(key);
    this.#timers.get(key)?.cancel();
    this.#timers.delete(key);
  }

  #wake(key: string, at: Instant): void {
    const present = this.#timers.get(key);
    if (present !== undefined && present.at <= at) return;
    present?.cancel();
    const cancel = this.#options.clock.at(at, () => {
      this.#timers.delete(key);
      this.#held.delete(key);
      this.add(key);
    });
    this.#timers.set(key, { at, cancel });
  }
}
