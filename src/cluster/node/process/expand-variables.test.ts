import assert from "node:assert/strict";
import { it } from "node:test";
import { expandVariables } from "./expand-variables.ts";

for (const [text, expanded] of [
  ["$(A)", "one"],
  ["x$(A)y$(A)", "xoneyone"],
  ["$$(A)", "$(A)"],
  ["$$$(A)", "$one"],
  ["$(B)", "$(B)"],
  ["$A $ $", "$A $ $"],
] as const) {
  it(`makes ${expanded} of ${text} when A is one`, () => {
    assert.equal(expandVariables(text, { A: "one" }), expanded);
  });
}
