import type { Cancel, Instant } from "../time/clock.ts";
import { ManualClock } from "../time/manual-clock.ts";

/** Tells when somebody wants to be woken at a time. */
export class ObservedClock extends ManualClock {
  readonly #asked = new Map<Instant, PromiseWithResolvers<void>>();

  override at(at: Instant, run: () => void): Cancel {
    this.#wish(at).resolve();
    return super.at(at, run);
  }

  whenAsked(at: Instant): Promise<void> {
    return this.#wish(at).promise;
  }

  #wish(at: Instant): PromiseWithResolvers<void> {
    const wish = this.#asked.get(at) ?? Promise.withResolvers<void>();
    this.#asked.set(at, wish);
    return wish;
  }
}
