import assert from "node:assert/strict";
import { test } from "node:test";
import { mergePatchBetween } from "./merge-patch.ts";

const cases: readonly [string, object, object, object | undefined][] = [
  ["is nothing when both say the same", { a: 1, b: { c: [1] } }, { b: { c: [1] }, a: 1 }, undefined],
  ["names only what differs", { a: 1, b: 2 }, { a: 1, b: 3 }, { b: 3 }],
  ["is null for what is removed", { a: 1, b: 2 }, { a: 1 }, { b: null }],
  ["takes an undefined field for an absent one", { a: 1 }, { a: undefined }, { a: null }],
  ["does not mention a field that is undefined on both sides", {}, { a: undefined }, undefined],
  ["goes into objects", { a: { b: 1, c: 2, d: 3 } }, { a: { b: 1, c: 4 } }, { a: { c: 4, d: null } }],
  [
    "writes arrays whole",
    { a: [{ b: 1 }, { b: 2 }] },
    { a: [{ b: 1 }, { b: 3 }] },
    { a: [{ b: 1 }, { b: 3 }] },
  ],
  ["writes new objects without nulls", {}, { a: { b: 1 } }, { a: { b: 1 } }],
  ["writes an empty object that was not there", {}, { a: {} }, { a: {} }],
  ["replaces a value by an object", { a: 1 }, { a: { b: 1 } }, { a: { b: 1 } }],
  ["replaces an object by a value", { a: { b: 1 } }, { a: [] }, { a: [] }],
];

for (const [title, from, to, patch] of cases) {
  test(`a merge patch ${title}`, () => assert.deepEqual(mergePatchBetween(from, to), patch));
}
