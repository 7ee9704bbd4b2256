import { createContext, Script } from "node:vm";

/** It took longer than it may. */
export class BudgetExceeded extends Error {}

const call = new Script("work()");
const context: { work: () => unknown } = { work: () => undefined };
createContext(context);

/**
 * Runs `work`, which may be nested loops over long lists, and ends it after `milliseconds` wherever it stands. What it was
 * working with must be thrown away then. Throws `BudgetExceeded`, and what `work` throws.
 */
export function withinBudget<T>(milliseconds: number, work: () => T): T {
  context.work = work;
  try {
    return call.runInContext(context, { timeout: milliseconds }) as T;
  } catch (error) {
    // Not `instanceof Error`: it comes of the other context.
    const { code } = error as { code?: unknown };
    if (code === "ERR_SCRIPT_EXECUTION_TIMEOUT")
      throw new BudgetExceeded(`took longer than ${milliseconds} ms`);
    throw error;
  }
}
