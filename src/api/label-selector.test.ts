import assert from "node:assert/strict";
import { test } from "node:test";
import type { LabelSelector } from "./core.ts";
import { selectorText, selects } from "./label-selector.ts";

const labels = { app: "web", tier: "front" };
type Operator = NonNullable<LabelSelector["matchExpressions"]>[number]["operator"];
const expression = (key: string, operator: Operator, ...values: string[]): LabelSelector => ({
  matchExpressions: [{ key, operator, values }],
});

const cases: readonly (readonly [string, LabelSelector, boolean])[] = [
  ["every label matches", { matchLabels: { app: "web" } }, true],
  ["one label differs", { matchLabels: { app: "web", tier: "back" } }, false],
  ["nothing is asked for", {}, true],
  ["the value is in the list", expression("tier", "In", "front", "back"), true],
  ["the value is not in the list", expression("tier", "In", "back"), false],
  ["the value must not be in the list and is not", expression("tier", "NotIn", "back"), true],
  ["the value must not be in the list and the label is missing", expression("zone", "NotIn", "a"), true],
  ["the value must not be in the list and is", expression("tier", "NotIn", "front"), false],
  ["the label must be there and is", expression("app", "Exists"), true],
  ["the label must be there and is not", expression("zone", "Exists"), false],
  ["the label must not be there and is not", expression("zone", "DoesNotExist"), true],
  ["the label must not be there and is", expression("app", "DoesNotExist"), false],
];

for (const [title, selector, taken] of cases) {
  test(`${taken ? "takes" : "leaves"} an object when ${title}`, () => {
    assert.equal(selects(selector, labels), taken);
  });
}

test("writes a selector as kubectl takes it, sorted by key", () => {
  const text = selectorText({
    matchLabels: { tier: "front", app2: "x", app: "web" },
    matchExpressions: [
      { key: "zone", operator: "NotIn", values: ["b", "a"] },
      { key: "old", operator: "DoesNotExist" },
      { key: "stage", operator: "In", values: ["two", "one"] },
      { key: "kept", operator: "Exists" },
    ],
  });
  assert.equal(text, "app=web,app2=x,kept,!old,stage in (one,two),tier=front,zone notin (a,b)");
  assert.equal(selectorText({}), "");
});
