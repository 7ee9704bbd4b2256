import { type Instant, later } from "../../../time/clock.ts";

const shortestSeconds = 10;
const longestSeconds = 300;
// After twice the longest delay without trouble everything is forgiven.
const forgivenAfterSeconds = 2 * longestSeconds;

/** The kubelet's back-off: the first repetition comes at once, the next ones after 10 s, 20 s, 40 s … 300 s. */
export class BackOff {
  #seconds = 0;
  #updatedAt: Instant | undefined;

  /** Seconds to wait after a failure at `failedAt` before the next try; 0 for at once. */
  secondsAfter(failedAt: Instant): number {
    return this.#isForgiven(failedAt) ? 0 : this.#seconds;
  }

  /** Notes a try at `now`, which makes the next wait longer. */
  tried(now: Instant): void {
    this.#seconds = this.#isForgiven(now) ? shortestSeconds : Math.min(this.#seconds * 2, longestSeconds);
    this.#updatedAt = now;
  }

  #isForgiven(at: Instant): boolean {
    return this.#updatedAt === undefined || at > later(this.#updatedAt, forgivenAfterSeconds);
  }
}

/** A span as the kubelet prints it: `10s`, `1m20s`, `5m0s`. */
export function formatSeconds(seconds: number): string {
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
