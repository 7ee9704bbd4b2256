// The public test suite of RFC 6902: github.com/json-patch/json-patch-tests.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import specification from "json-patch-test-suite/spec_tests.json" with { type: "json" };
import tests from "json-patch-test-suite/tests.json" with { type: "json" };
import { applyJsonPatch, PatchFailed } from "./json-patch.ts";

interface Case {
  readonly comment?: string;
  readonly doc: unknown;
  readonly patch: readonly unknown[];
  readonly expected?: unknown;
  /** Why it has to fail. */
  readonly error?: string;
  /** It asks for what JSON.parse cannot tell, such as a key that is there twice. */
  readonly disabled?: boolean;
}

describe("the public suite of RFC 6902", () => {
  const cases = ([...specification, ...tests] as readonly Case[]).filter(({ disabled }) => disabled !== true);
  for (const { comment, doc, patch, expected, error } of cases) {
    it(comment ?? error ?? JSON.stringify(patch), () => {
      const before = structuredClone(doc);
      if (error !== undefined) assert.throws(() => applyJsonPatch(doc, patch), PatchFailed, error);
      else {
        const result = applyJsonPatch(doc, patch);
        if (expected !== undefined) assert.deepEqual(result, expected);
      }
      assert.deepEqual(doc, before, "the document is left as it is");
    });
  }
});
