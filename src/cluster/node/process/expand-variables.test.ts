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
  ["$(constructor)$(__proto__)$(toString)", "$(constructor)$(__proto__)$(toString)"],
] as const) {
  it(`makes ${expanded} of ${text} when A is one`, () => {
    assert.equal(expandVariables(text, { A: "one" }), expanded);
  });
}

it("takes any name for a name", () => {
  const variables = JSON.parse('{"__proto__":"p","constructor":"c"}') as Record<string, string>;
  assert.equal(expandVariables("$(__proto__)$(constructor)", variables), "pc");
});
