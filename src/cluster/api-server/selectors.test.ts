import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseFieldSelector, parseLabelSelector } from "./selectors.ts";

const labels = { app: "web", tier: "1", empty: "", "example.com/x": "y" };

describe("a label selector", () => {
  const cases: readonly [selector: string, matches: boolean][] = [
    ["", true],
    ["app", true],
    ["nope", false],
    ["!nope", true],
    ["!app", false],
    ["app=web", true],
    ["app==web,tier=1", true],
    ["app=web,tier=2", false],
    ["app != web", false],
    ["nope!=x", true],
    ["app in (web,db)", true],
    ["app in (db)", false],
    ["nope in (x)", false],
    ["app notin (db)", true],
    ["nope notin (x)", true],
    ["empty=", true],
    ["app=", false],
    ["empty in ()", true],
    ["tier>0", true],
    ["tier>1", false],
    ["tier<2", true],
    ["app>0", false],
    ["example.com/x=y", true],
    ["constructor", false],
    ["!constructor", true],
  ];
  for (const [selector, matches] of cases) {
    it(`${JSON.stringify(selector)} ${matches ? "matches" : "does not match"}`, () => {
      assert.equal(parseLabelSelector(selector)(labels), matches);
    });
  }

  for (const selector of [
    "=x",
    "app in web",
    "app in (web",
    "app=web tier=1",
    "app,,tier",
    "app like x",
    "a>b",
  ]) {
    it(`${JSON.stringify(selector)} is refused`, () => {
      assert.throws(() => parseLabelSelector(selector), { name: "Refusal" });
    });
  }
});

describe("a field selector", () => {
  const selectable = { own: true, paths: { "status.phase": ["status", "phase"] } };
  const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "a,b" }, status: { phase: "Running" } };
  const matches = (selector: string): boolean => parseFieldSelector(selector, selectable)(pod);

  it("compares fields as texts", () => {
    assert.ok(matches("status.phase=Running"));
    assert.ok(matches("status.phase!=Pending,status.phase==Running"));
    assert.ok(!matches("status.phase!=Running"));
    assert.ok(matches("metadata.namespace="));
  });

  it("knows only the fields of the kind", () => {
    assert.throws(() => parseFieldSelector("constructor=x", selectable), { name: "Refusal" });
  });

  it("reads escaped commas", () => assert.ok(matches("metadata.name=a\\,b")));
});
