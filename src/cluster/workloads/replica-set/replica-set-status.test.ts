import assert from "node:assert/strict";
import { test } from "node:test";
import type { ReplicaSet } from "../../../api/core.ts";
import { instant, later } from "../../../time/clock.ts";
import { pod } from "../pods.fixture.ts";
import { replicaSetStatus } from "./replica-set-status.ts";

const midnight = instant(Date.UTC(2026, 0, 1));

function replicaSet(minReadySeconds = 0, status?: ReplicaSet["status"]): ReplicaSet {
  return {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: { name: "web-5f4c", namespace: "default", generation: 3 },
    spec: {
      minReadySeconds,
      selector: { matchLabels: { app: "web" } },
      template: { metadata: { labels: { app: "web", tier: "front" } }, spec: { containers: [] } },
    },
    ...(status === undefined ? {} : { status }),
  };
}

test("counts pods by what they have reached", () => {
  const labels = { app: "web", tier: "front" };
  const pods = [pod({ name: "a", labels }), pod({ name: "b", labels: { app: "web" }, ready: false })];
  assert.deepEqual(replicaSetStatus(replicaSet(), pods, undefined, midnight), {
    status: {
      replicas: 2,
      fullyLabeledReplicas: 1,
      readyReplicas: 1,
      availableReplicas: 1,
      observedGeneration: 3,
    },
  });
});

test("calls a pod available when it has been ready for minReadySeconds, and says when that will be", () => {
  const pods = [pod({ name: "a", since: 4 }), pod({ name: "b", since: 9 })];
  const at = (seconds: number) => replicaSetStatus(replicaSet(10), pods, undefined, later(midnight, seconds));
  assert.deepEqual([at(13).status.availableReplicas, at(13).changesAt], [undefined, later(midnight, 14)]);
  assert.deepEqual([at(14).status.availableReplicas, at(14).changesAt], [1, later(midnight, 19)]);
  assert.deepEqual([at(19).status.availableReplicas, at(19).changesAt], [2, undefined]);
});

test("keeps the time of a failure while its message stays, and drops the condition when it is over", () => {
  const failure = { reason: "FailedCreate", message: "quota" } as const;
  const failed = replicaSetStatus(replicaSet(), [], failure, midnight).status;
  assert.deepEqual(failed.conditions, [
    { type: "ReplicaFailure", status: "True", ...failure, lastTransitionTime: "2026-01-01T00:00:00Z" },
  ]);
  const again = replicaSetStatus(replicaSet(0, failed), [], failure, later(midnight, 9)).status;
  assert.deepEqual(again.conditions, failed.conditions);
  assert.equal(replicaSetStatus(replicaSet(0, failed), [], undefined, midnight).status.conditions, undefined);
});
