import assert from "node:assert/strict";
import { test } from "node:test";
import { equalJson } from "./equal-json.ts";

const pairs: readonly [unknown, unknown, boolean][] = [
  [{ a: 1, b: [1, { c: null }] }, { b: [1, { c: null }], a: 1 }, true],
  [{ a: undefined }, {}, true],
  [{ a: undefined, b: 1 }, { b: 1, c: undefined }, true],
  [{ a: undefined }, { a: null }, false],
  [{ a: 1 }, { a: 1, b: 1 }, false],
  [[1, 2], [2, 1], false],
  [[], {}, false],
  [JSON.parse('{"__proto__": {}}'), {}, false],
  [JSON.parse('{"constructor": {}}'), {}, false],
];
for (const [a, b, expected] of pairs)
  test(`${JSON.stringify(a)} ${expected ? "says the same as" : "says something else than"} ${JSON.stringify(b)}`, () => {
    assert.equal(equalJson(a, b), expected);
    assert.equal(equalJson(b, a), expected);
  });
