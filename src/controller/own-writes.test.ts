import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubernetesObject } from "../api/core.ts";
import { ManualClock } from "../time/manual-clock.ts";
import { OwnWrites } from "./own-writes.ts";

const replicaSet = (resourceVersion: string, uid = "u1"): KubernetesObject => ({
  apiVersion: "apps/v1",
  kind: "ReplicaSet",
  metadata: { namespace: "default", name: "web", uid, resourceVersion },
});

test("waits for a write until the watch brings it back", () => {
  const writes = new OwnWrites(new ManualClock());
  writes.wrote("default/web", replicaSet("5"), replicaSet("4"));
  assert.notEqual(writes.waitUntil("default/web"), undefined);
  writes.observed({ type: "updated", object: replicaSet("5"), previous: replicaSet("4") });
  assert.equal(writes.waitUntil("default/web"), undefined);
});

test("does not wait for a write that the watch has brought before its answer", () => {
  const writes = new OwnWrites(new ManualClock());
  writes.wrote("default/web", replicaSet("5"), replicaSet("5"));
  assert.equal(writes.waitUntil("default/web"), undefined);
});

test("waits for a deletion as long as the object is held", () => {
  const writes = new OwnWrites(new ManualClock());
  writes.deleted("default/web", replicaSet("5"), replicaSet("4"));
  assert.notEqual(writes.waitUntil("default/web"), undefined);
  writes.observed({ type: "deleted", object: replicaSet("4") });
  assert.equal(writes.waitUntil("default/web"), undefined);
});

test("does not wait for a deletion that the watch has brought before its answer", () => {
  const writes = new OwnWrites(new ManualClock());
  writes.deleted("default/web", replicaSet("5"), undefined);
  writes.deleted("default/web", replicaSet("5"), replicaSet("9", "another"));
  assert.equal(writes.waitUntil("default/web"), undefined);
});

test("gives up waiting when a write does not come back", async () => {
  const clock = new ManualClock();
  const writes = new OwnWrites(clock);
  writes.wrote("default/web", replicaSet("5"), replicaSet("4"));
  await clock.advance(30);
  assert.equal(writes.waitUntil("default/web"), undefined);
});
