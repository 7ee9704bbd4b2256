import type { Clock } from "./clock.ts";

/** Seconds to wait after the given number of failures in a row (1 = the first): doubles from `first` up to `limit`. */
export function backoffSeconds(failures: number, first: number, limit: number): number {
  return Math.min(limit, first * 2 ** Math.max(0, failures - 1));
}

export interface Retry {
  /** In a row, this one included. */
  readonly failures: number;
  /** Seconds to wait after the first failure, and at most. */
  readonly first: number;
  readonly limit: number;
  /** Seconds that the other side has asked to be left alone. */
  readonly retryAfter?: number | undefined;
}

/**
 * Seconds to wait before a request is sent again. Chance takes off up to half of `backoffSeconds`, so that the many who
 * have failed together do not come back together; what the other side has asked for is waited out in full before that.
 */
export function retrySeconds(
  clock: Pick<Clock, "random">,
  { failures, first, limit, retryAfter = 0 }: Retry,
): number {
  return retryAfter + backoffSeconds(failures, first, limit) * (1 - clock.random() / 2);
}
