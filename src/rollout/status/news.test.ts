import assert from "node:assert/strict";
import { test } from "node:test";
import type { RolloutStatus } from "../../api/rollout.ts";
import { isNews } from "./news.ts";

const condition = {
  type: "Progressing",
  status: "True",
  reason: "ReplicaSetUpdated",
  message: "1 of 3",
} as const;
const before: RolloutStatus = {
  phase: "Progressing",
  message: "more replicas need to be updated",
  replicas: 3,
  readyReplicas: 3,
  conditions: [{ ...condition, lastUpdateTime: "2026-01-01T00:00:00Z" }],
};

test("how many pods there are is no news by itself", () => {
  const now: RolloutStatus = {
    ...before,
    message: "updated replicas are still becoming available",
    replicas: 6,
    readyReplicas: 4,
    conditions: [{ ...condition, message: "2 of 3", lastUpdateTime: "2026-01-01T00:00:07Z" }],
  };
  assert.equal(isNews(before, now), false);
});

const news: readonly [string, Partial<RolloutStatus>][] = [
  ["another phase", { phase: "Paused" }],
  ["another reason", { conditions: [{ ...condition, reason: "ProgressDeadlineExceeded" }] }],
  ["one condition more", { conditions: [condition, { ...condition, type: "Paused" }] }],
  ["another version", { currentPodHash: "b" }],
  ["what users are on", { blueGreen: { activeSelector: "b" } }],
  ["an abort", { abort: true }],
];
for (const [what, change] of news)
  test(`${what} is news`, () => assert.equal(isNews(before, { ...before, ...change }), true));
