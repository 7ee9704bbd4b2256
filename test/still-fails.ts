import assert from "node:assert/strict";
import { it } from "node:test";

/** A test of what should be and is not yet. It fails as soon as it is so, and then loses this mark. */
export function stillFails(title: string, because: string, run: () => void | Promise<void>): void {
  it(`${title} (not yet: ${because})`, async () => {
    await assert.rejects(async () => run(), isAssertion, "this holds now: take the mark away");
  });
}

/** A claim that does not hold, on its own or found by a property; not a test that is broken itself. */
function isAssertion(error: unknown): boolean {
  if (error instanceof assert.AssertionError) return true;
  return error instanceof Error && error.cause instanceof assert.AssertionError;
}
