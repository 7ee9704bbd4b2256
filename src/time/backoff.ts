/** Seconds to wait after the given number of failures in a row (1 = the first): doubles from `first` up to `limit`. */
export function backoffSeconds(failures: number, first: number, limit: number): number {
  return Math.min(limit, first * 2 ** Math.max(0, failures - 1));
}
