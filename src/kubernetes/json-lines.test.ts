import assert from "node:assert/strict";
import { test } from "node:test";
import { JsonLines } from "./json-lines.ts";

test("puts lines together however the bytes are cut, also within a character", () => {
  const text = `{"city":"Zürich 🌦"}\n\n{"city":"हैदराबाद"}\n`;
  const bytes = Buffer.from(text);
  for (let size = 1; size <= bytes.length; size += 1) {
    const lines = new JsonLines();
    const values: unknown[] = [];
    for (let at = 0; at < bytes.length; at += size) values.push(...lines.push(bytes.subarray(at, at + size)));
    assert.deepEqual(values, [{ city: "Zürich 🌦" }, { city: "हैदराबाद" }]);
    assert.equal(lines.isWithinLine, false);
  }
});

test("knows that a line is not complete", () => {
  const lines = new JsonLines();
  assert.deepEqual([...lines.push(Buffer.from('{"a":1}\n{"b"'))], [{ a: 1 }]);
  assert.equal(lines.isWithinLine, true);
});

test("refuses a line that is no JSON", () => {
  assert.throws(() => [...new JsonLines().push(Buffer.from("<html>\n"))], SyntaxError);
});

test("tells the values before a line that is no JSON", () => {
  const values: unknown[] = [];
  assert.throws(() => {
    for (const value of new JsonLines().push(Buffer.from('{"a":1}\n<html>\n'))) values.push(value);
  }, SyntaxError);
  assert.deepEqual(values, [{ a: 1 }]);
});

test("refuses a line without an end", () => {
  const lines = new JsonLines();
  const piece = Buffer.alloc(1 << 20, "a");
  assert.throws(() => {
    for (let count = 0; count < 100; count += 1)
      for (const value of lines.push(piece)) assert.fail(String(value));
  }, /a line of more than 16777216 characters/);
});
