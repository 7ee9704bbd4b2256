import assert from "node:assert/strict";
import { it } from "node:test";

/** A test of what should be and is not yet. It fails as soon as it is so, and then loses this mark. */
export function stillFails(title: string, because: string, run: () => void | Promise<void>): void {
  it(`${title} (not yet: ${because})`, async () => {
    const fails = () => true;
    await assert.rejects(async () => run(), fails, "this holds now: take the mark away");
  });
}
