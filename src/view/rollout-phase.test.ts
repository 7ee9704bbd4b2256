import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Rollout, RolloutStatus } from "../api/rollout.ts";
import { phaseOf } from "./rollout-phase.ts";

function rollout(status: RolloutStatus | undefined): Rollout {
  return {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Rollout",
    metadata: { name: "web", generation: 3 },
    spec: {},
    ...(status === undefined ? {} : { status }),
  };
}

describe("the phase that people see", () => {
  it("is the controller's when it has seen this very spec", () => {
    const status: RolloutStatus = { observedGeneration: "3", phase: "Degraded", message: "InvalidSpec: no" };
    assert.deepEqual(phaseOf(rollout(status)), { phase: "Degraded", icon: "✖", message: "InvalidSpec: no" });
  });

  const unseen: readonly [string, RolloutStatus | undefined][] = [
    ["nobody has written a status yet", undefined],
    ["the status speaks of an older spec", { observedGeneration: "2", phase: "Healthy" }],
  ];
  for (const [when, status] of unseen) {
    it(`is Progressing while ${when}`, () => {
      assert.deepEqual(phaseOf(rollout(status)), {
        phase: "Progressing",
        icon: "◌",
        message: "waiting for rollout spec update to be observed",
      });
    });
  }

  it("is Progressing from the promotion until the controller has noticed it", () => {
    const status: RolloutStatus = { observedGeneration: "3", phase: "Paused", controllerPause: true };
    assert.equal(phaseOf(rollout(status)).message, "waiting for rollout to unpause");
  });

  it("stays Paused while the controller's pause has its reason", () => {
    const status: RolloutStatus = {
      observedGeneration: "3",
      phase: "Paused",
      message: "BlueGreenPause",
      controllerPause: true,
      pauseConditions: [{ reason: "BlueGreenPause", startTime: "2026-01-01T00:00:00Z" }],
    };
    assert.deepEqual(phaseOf(rollout(status)), { phase: "Paused", icon: "॥", message: "BlueGreenPause" });
  });
});
