import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Rollout } from "./rollout.ts";
import { strategyOf } from "./strategy.ts";

function rollout(strategy: Rollout["spec"]["strategy"], annotations?: Record<string, string>): Rollout {
  return {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Rollout",
    metadata: { name: "web", ...(annotations === undefined ? {} : { annotations }) },
    spec: strategy === undefined ? {} : { strategy },
  };
}

describe("a strategy", () => {
  it("of blue-green has Argo's defaults", () => {
    assert.deepEqual(strategyOf(rollout({ blueGreen: { activeService: "web", previewService: "" } })), {
      kind: "blueGreen",
      routes: [
        {
          kind: "service",
          role: "active",
          namespace: "",
          name: "web",
          field: "spec.strategy.blueGreen.activeService",
        },
      ],
      analyses: [],
      previewReplicaCount: undefined,
      autoPromotionEnabled: true,
      autoPromotionSeconds: 0,
      scaleDownDelaySeconds: 30,
      scaleDownDelayRevisionLimit: Number.POSITIVE_INFINITY,
      abortScaleDownDelaySeconds: 30,
      keepSuperseded: false,
      prePromotionAnalysis: undefined,
      postPromotionAnalysis: undefined,
    });
  });

  const kept: readonly [string | undefined, boolean][] = [
    [undefined, false],
    ["true", true],
    ["false", false],
    ["", false],
    ["yes", false],
  ];
  for (const [value, expected] of kept) {
    it(`keeps superseded pods when the annotation is "true": ${value}`, () => {
      const annotations = value === undefined ? {} : { "teal.dev/keep-superseded-pods": value };
      const strategy = strategyOf(rollout({ blueGreen: { activeService: "web" } }, annotations));
      assert.equal(strategy.kind === "blueGreen" && strategy.keepSuperseded, expected);
    });
  }

  it("is known by its field", () => {
    assert.deepEqual(
      [{}, { canary: {} }, undefined].map((strategy) => strategyOf(rollout(strategy)).kind),
      ["none", "canary", "none"],
    );
  });
});
