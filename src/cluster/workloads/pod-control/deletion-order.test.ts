import assert from "node:assert/strict";
import { test } from "node:test";
import { type PodShape, pod } from "../pods.fixture.ts";
import { inDeletionOrder } from "./deletion-order.ts";

const cost = (value: string) => ({ annotations: { "controller.kubernetes.io/pod-deletion-cost": value } });

const rules: readonly (readonly [string, first: Partial<PodShape>, second: Partial<PodShape>])[] = [
  ["without a node before one that has a node", { node: undefined, since: 1 }, { since: 9 }],
  ["pending before running", { phase: "Pending" }, { phase: "Running", ready: false }],
  ["pending before unknown", { phase: "Pending" }, { phase: "Unknown" }],
  ["unknown before running", { phase: "Unknown" }, { phase: "Running" }],
  ["not ready before ready", { ready: false }, { created: 5 }],
  ["of lower cost before one that was ready for a shorter time", { ...cost("-1") }, { since: 9 }],
  ["ready for a shorter time first", { since: 9 }, { since: 1, restarts: 3 }],
  ["restarted more often first", { restarts: 2 }, { restarts: 1, created: 9 }],
  ["younger first", { created: 9 }, { created: 1 }],
];

for (const [title, first, second] of rules) {
  test(`gives up a pod ${title}`, () => {
    const [one, other] = [pod({ name: "z", ...first }), pod({ name: "a", ...second })];
    for (const pods of [
      [one, other],
      [other, one],
    ])
      assert.deepEqual(inDeletionOrder(pods), [one, other]);
  });
}

test("gives up equal pods in the order of their names", () => {
  const names = inDeletionOrder(["c", "a", "b"].map((name) => pod({ name }))).map(
    ({ metadata }) => metadata.name,
  );
  assert.deepEqual(names, ["a", "b", "c"]);
});
