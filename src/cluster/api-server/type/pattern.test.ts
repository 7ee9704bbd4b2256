import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { patternOf } from "./pattern.ts";

describe("a schema's pattern", () => {
  it("never takes long, whatever it is and is matched against", () => {
    // A backtracking engine would try 2^60 ways.
    assert.equal(patternOf("^(a+)+$")?.test(`${"a".repeat(60)}!`), false);
    assert.equal(patternOf("^([a-z]|[a-z0-9])*$")?.test(`${"a".repeat(60)}!`), false);
  });

  it("may begin with flags, as Go writes them", () => {
    assert.equal(patternOf("(?i)^abc$")?.test("ABC"), true);
    assert.equal(patternOf("^abc$")?.test("ABC"), false);
  });

  for (const text of [
    "^(?=a)(a+)+$",
    "(?!a)b",
    "(?<=a)b",
    "(?<!a)b",
    "(a)\\1",
    "(?<n>a)\\k<n>",
    "a{1001}",
    "a{2,99999}",
  ])
    it(`is none where Kubernetes' engine has no such thing: ${text}`, () =>
      assert.equal(patternOf(text), undefined));

  for (const text of [
    "[(?=]",
    "\\(\\?=",
    "a{1000}",
    "a{2,}",
    "\\d\\.\\{5000\\}",
    "[{5000}]",
    "(?:a)",
    "(?<n>a)",
  ])
    it(`is one where that only looks so: ${text}`, () => assert.notEqual(patternOf(text), undefined));

  it("is none when it cannot be read", () => assert.equal(patternOf("(a"), undefined));
});
