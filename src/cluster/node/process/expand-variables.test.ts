import assert from "node:assert/strict";
import { it } from "node:test";
import { ContainerError } from "../pod-driver.ts";
import { Expansion } from "./expand-variables.ts";

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
    assert.equal(new Expansion().expand(text, { A: "one" }), expanded);
  });
}

it("takes any name for a name", () => {
  const variables = JSON.parse('{"__proto__":"p","constructor":"c"}') as Record<string, string>;
  assert.equal(new Expansion().expand("$(__proto__)$(constructor)", variables), "pc");
});

it("refuses, before it is made, what no program could be started with", () => {
  const expansion = new Expansion();
  const variables: Record<string, string> = { E0: "x".repeat(100) };
  assert.throws(
    () => {
      for (let n = 1; n < 30; n += 1)
        variables[`E${n}`] = expansion.expand(`$(E${n - 1})`.repeat(10), variables);
    },
    (error) => error instanceof ContainerError && /\$\(E3\).*more than 131072 characters/.test(error.message),
  );
  assert.ok(Object.values(variables).join("").length < 200_000);
});

it("refuses many long texts together", () => {
  const expansion = new Expansion();
  const variables = { E: "x".repeat(100_000) };
  assert.throws(() => {
    for (let n = 0; n < 40; n += 1) expansion.expand("$(E)", variables);
  }, /more than 2097152 characters/);
});
