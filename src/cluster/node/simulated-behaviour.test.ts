import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Pod } from "../../api/core.ts";
import { type BehaviourRule, behaviourOf } from "./simulated-behaviour.ts";

function podOf(annotations: Record<string, string> = {}): Pod {
  const metadata = { name: "web-1", labels: { app: "web" }, annotations };
  return { apiVersion: "v1", kind: "Pod", metadata, spec: { containers: [] } };
}

describe("a pod's behaviour", () => {
  const rules: BehaviourRule[] = [
    { image: "web:2", readyAfterSeconds: 2 },
    { pod: "web-*", labels: { app: "other" }, readyAfterSeconds: 3 },
    { labels: { app: "web" }, readyAfterSeconds: 4 },
  ];

  it("is the first rule whose image, name and labels all match", () => {
    assert.equal(behaviourOf(podOf(), "web:2", rules).readyAfterSeconds, 2);
    assert.equal(behaviourOf(podOf(), "web:20", rules).readyAfterSeconds, 4);
  });

  for (const [span, seconds] of [
    ["250ms", 0.25],
    ["3s", 3],
    ["1m30s", 90],
    ["soon", undefined],
  ] as const) {
    it(`reads the span ${span}`, () => {
      assert.equal(behaviourOf(podOf({ "sim.test/ready-after": span }), "x", []).readyAfterSeconds, seconds);
    });
  }

  it("may come from annotations", () => {
    const { crashAfterSeconds, exitCode, neverReady } = behaviourOf(
      podOf({ "sim.test/exit": "7@2s", "sim.test/never-ready": "true" }),
      "x",
      [],
    );
    assert.deepEqual([crashAfterSeconds, exitCode, neverReady], [2, 7, true]);
  });
});
