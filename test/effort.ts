/** `TEAL_TEST=full npm test`: all seeds, and everything that needs installed tools. Without it, what takes minutes. */
export const isFull = process.env["TEAL_TEST"] === "full";

/** Of a property with random input: so many runs every day, and many more in the full test. */
export function runs(everyday: number): { readonly numRuns: number; readonly seed: number } {
  const timesMore = 10;
  // A fixed seed, so that what was green yesterday is green today unless the code has changed.
  return { numRuns: isFull ? everyday * timesMore : everyday, seed: 20260101 };
}
