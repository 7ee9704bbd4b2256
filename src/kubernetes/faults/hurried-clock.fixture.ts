import { type Cancel, type Clock, type Instant, instant } from "../../time/clock.ts";

/** A clock on which so many seconds pass in each second: deadlines and waits are as real as they are short. */
export class HurriedClock implements Clock {
  readonly #factor: number;
  readonly #random: () => number;
  readonly #start = performance.now();

  constructor(factor: number, random: () => number) {
    this.#factor = factor;
    this.#random = random;
  }

  now(): Instant {
    return instant(Date.UTC(2026, 0, 1) + (performance.now() - this.#start) * this.#factor);
  }

  random(): number {
    return this.#random();
  }

  at(at: Instant, run: () => void): Cancel {
    const timer = setTimeout(run, Math.max(0, (at - this.now()) / this.#factor));
    return () => clearTimeout(timer);
  }
}
