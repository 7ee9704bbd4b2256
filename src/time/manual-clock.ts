import { type Cancel, type Clock, type Instant, instant, later } from "./clock.ts";

interface Timer {
  readonly at: Instant;
  readonly order: number;
  readonly run: () => void;
}

/**
 * A clock that stands still until it is told to move. Everything that Teal does in process (planner, controllers, store,
 * in-process API server) waits only on this clock and on promises, so one turn of the event loop lets all consequences
 * of a timer happen before the next timer runs.
 */
export class ManualClock implements Clock {
  #now: Instant;
  #order = 0;
  readonly #timers = new Set<Timer>();
  readonly #random: () => number;

  /** `random`: always 0 unless given, so that waits have their full length. */
  constructor(start: Instant = instant(Date.UTC(2026, 0, 1)), random: () => number = () => 0) {
    this.#now = start;
    this.#random = random;
  }

  now(): Instant {
    return this.#now;
  }

  random(): number {
    return this.#random();
  }

  at(at: Instant, run: () => void): Cancel {
    const timer: Timer = { at, order: this.#order++, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Number of timers not yet run. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Lets everything happen that needs no time to pass. */
  async settle(): Promise<void> {
    for (;;) {
      await eventLoopTurn();
      const due = this.#next(this.#now);
      if (due === undefined) return;
      this.#timers.delete(due);
      due.run();
    }
  }

  /** Moves time on by `seconds`, stopping at each timer on the way and settling there. */
  async advance(seconds: number): Promise<void> {
    const until = later(this.#now, seconds);
    await this.settle();
    for (let due = this.#next(until); due !== undefined; due = this.#next(until)) {
      if (due.at > this.#now) this.#now = due.at;
      await this.settle();
    }
    this.#now = until;
  }

  #next(until: Instant): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.at > until) continue;
      if (
        first === undefined ||
        timer.at < first.at ||
        (timer.at === first.at && timer.order < first.order)
      ) {
        first = timer;
      }
    }
    return first;
  }
}

// A macrotask starts only when no promise has anything left to run.
function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
