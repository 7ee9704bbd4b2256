import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubernetesObject, Pod, ReplicaSet } from "../../../api/core.ts";
import { controllerOf } from "../../../api/metadata.ts";
import { resources } from "../../../api/resources.ts";
import { WorkloadsBed } from "../workloads.fixture.ts";

interface RecordedEvent extends KubernetesObject {
  readonly reason: string;
  readonly message: string;
}

test("creates as many pods as are wanted, after the template and named after the ReplicaSet", async (context) => {
  const bed = await WorkloadsBed.start(context);
  const replicaSet = await bed.createReplicaSet(2);
  const pods = await bed.pods();
  assert.equal(pods.length, 2);
  for (const { metadata, spec } of pods) {
    assert.match(metadata.name, /^web-5f4c-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
    assert.equal(metadata.generateName, "web-5f4c-");
    assert.deepEqual(metadata.labels, { app: "web" });
    assert.equal(metadata.annotations?.["note"], "kept");
    assert.equal(spec.containers[0]?.image, "web:1");
    assert.deepEqual(metadata.ownerReferences, [
      {
        apiVersion: "apps/v1",
        kind: "ReplicaSet",
        name: "web-5f4c",
        uid: replicaSet.metadata.uid,
        controller: true,
        blockOwnerDeletion: true,
      },
    ]);
  }
});

test("counts its pods in the status, and writes it only when something has changed", async (context) => {
  const bed = await WorkloadsBed.start(context);
  await bed.createReplicaSet(2);
  for (const [n, { metadata }] of (await bed.pods()).entries())
    await bed.podRuns(metadata.name, `127.9.0.${n + 2}`, n === 0);
  const { status } = await bed.get<ReplicaSet>(resources.replicaSets, "web-5f4c");
  assert.deepEqual(status, {
    replicas: 2,
    fullyLabeledReplicas: 2,
    readyReplicas: 1,
    availableReplicas: 1,
    observedGeneration: 1,
  });
  bed.transport.writes.length = 0;
  const [first] = await bed.pods();
  await bed.patch(resources.pods, first?.metadata.name ?? "", {
    metadata: { annotations: { note: "other" } },
  });
  await bed.clock.advance(3600);
  assert.deepEqual(bed.transport.writes, []);
});

test("calls a pod available after minReadySeconds", async (context) => {
  const bed = await WorkloadsBed.start(context);
  await bed.createReplicaSet(1, { minReadySeconds: 10 });
  const [pod] = await bed.pods();
  await bed.podRuns(pod?.metadata.name ?? "", "127.9.0.2");
  const available = async () =>
    (await bed.get<ReplicaSet>(resources.replicaSets, "web-5f4c")).status?.availableReplicas ?? 0;
  await bed.clock.advance(9);
  assert.equal(await available(), 0);
  await bed.clock.advance(1);
  assert.equal(await available(), 1);
});

test("gives up the least useful pods when it is made smaller", async (context) => {
  const bed = await WorkloadsBed.start(context);
  await bed.createReplicaSet(3);
  const [, useful] = await bed.pods();
  await bed.podRuns(useful?.metadata.name ?? "", "127.9.0.2");
  await bed.patch(resources.replicaSets, "web-5f4c", { spec: { replicas: 1 } });
  const left = (await bed.pods()).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  assert.deepEqual(
    left.map(({ metadata }) => metadata.name),
    [useful?.metadata.name],
  );
});

test("replaces a pod that is gone", async (context) => {
  const bed = await WorkloadsBed.start(context);
  await bed.createReplicaSet(2);
  const [lost, kept] = await bed.pods();
  await bed.client.delete(resources.pods, "default", lost?.metadata.name ?? "", { gracePeriodSeconds: 0 });
  await bed.clock.settle();
  const names = (await bed.pods()).map(({ metadata }) => metadata.name);
  assert.equal(names.length, 2);
  assert.ok(names.includes(kept?.metadata.name ?? "") && !names.includes(lost?.metadata.name ?? ""));
});

test("creates no pod twice while the cache has not shown those that it has created", async (context) => {
  const bed = await WorkloadsBed.start(context);
  bed.transport.holdEvents("pods");
  await bed.createReplicaSet(2);
  await bed.patch(resources.replicaSets, "web-5f4c", { metadata: { annotations: { note: "look again" } } });
  await bed.patch(resources.replicaSets, "web-5f4c", { spec: { replicas: 3 } });
  assert.equal((await bed.pods()).length, 2);
  bed.transport.releaseEvents();
  await bed.clock.settle();
  assert.equal((await bed.pods()).length, 3);
});

test("deletes no further pod while the cache has not shown those that it has deleted", async (context) => {
  const bed = await WorkloadsBed.start(context);
  await bed.createReplicaSet(3);
  const [useful] = await bed.pods();
  await bed.podRuns(useful?.metadata.name ?? "", "127.9.0.2");
  bed.transport.holdEvents("pods");
  await bed.patch(resources.replicaSets, "web-5f4c", { spec: { replicas: 2 } });
  bed.transport.writes.length = 0;
  await bed.patch(resources.replicaSets, "web-5f4c", { metadata: { annotations: { note: "look again" } } });
  assert.deepEqual(bed.transport.writes, []);
  bed.transport.releaseEvents();
  await bed.clock.settle();
  assert.equal((await bed.pods()).length, 2);
});

test("takes pods that nobody has and that its selector takes, and gives up those that it does not take", async (context) => {
  const bed = await WorkloadsBed.start(context);
  const stray = (name: string) =>
    bed.create(resources.pods, {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, labels: { app: "web" } },
      spec: { containers: [{ name: "app", image: "web:1" }] },
    });
  await stray("stray");
  const replicaSet = await bed.createReplicaSet(2);
  const owners = async () =>
    Object.fromEntries((await bed.pods()).map((pod) => [pod.metadata.name, controllerOf(pod)?.uid]));
  const taken = await owners();
  assert.equal(taken["stray"], replicaSet.metadata.uid);
  assert.equal(Object.keys(taken).length, 2);
  await bed.patch(resources.pods, "stray", { metadata: { labels: { app: "debug" } } });
  const released = await owners();
  assert.equal(released["stray"], undefined);
  assert.equal(Object.keys(released).length, 3);
});

test("tells what it did in events", async (context) => {
  const bed = await WorkloadsBed.start(context);
  await bed.createReplicaSet(1);
  const [pod] = await bed.pods();
  await bed.patch(resources.replicaSets, "web-5f4c", { spec: { replicas: 0 } });
  const told = (await bed.list<RecordedEvent>(resources.events)).map(
    ({ reason, message }) => `${reason}: ${message}`,
  );
  assert.deepEqual(
    new Set(told),
    new Set([
      `SuccessfulCreate: Created pod: ${pod?.metadata.name}`,
      `SuccessfulDelete: Deleted pod: ${pod?.metadata.name}`,
    ]),
  );
});

test("says why pods cannot be created, and creates them as soon as they can", async (context) => {
  const bed = await WorkloadsBed.start(context);
  const message = 'pods "web-5f4c-" is forbidden: exceeded quota';
  bed.transport.refuse = ({ method, path }) =>
    method === "POST" && path.endsWith("/pods")
      ? { code: 403, body: { kind: "Status", code: 403, reason: "Forbidden", message } }
      : undefined;
  await bed.createReplicaSet(1);
  const conditions = async () =>
    (await bed.get<ReplicaSet>(resources.replicaSets, "web-5f4c")).status?.conditions ?? [];
  const [failure] = await conditions();
  assert.deepEqual(
    [failure?.type, failure?.status, failure?.reason, failure?.message],
    ["ReplicaFailure", "True", "FailedCreate", message],
  );
  bed.transport.refuse = undefined;
  await bed.clock.advance(60);
  assert.equal((await bed.pods()).length, 1);
  assert.deepEqual(await conditions(), []);
  assert.ok(bed.problems.length > 0);
});

interface CountedEvent extends RecordedEvent {
  readonly count: number;
}

const isPodCreation = ({ method, path }: { method: string; path: string }): boolean =>
  method === "POST" && path.endsWith("/pods");

test("tries what is refused again after longer and longer waits, whatever happens meanwhile", async (context) => {
  const bed = await WorkloadsBed.start(context);
  let refusals = 0;
  bed.transport.refuse = (request) => {
    if (!isPodCreation(request)) return undefined;
    refusals += 1;
    // As the real server, which tells the name that it has made up.
    const message = `Pod "web-5f4c-${`0000${refusals}`.slice(-5)}" is invalid: spec.containers[0].image: no`;
    return { code: 422, body: { kind: "Status", code: 422, reason: "Invalid", message } };
  };
  await bed.createReplicaSet(3);
  for (let second = 0; second < 600; second += 1) {
    await bed.patch(resources.replicaSets, "web-5f4c", { metadata: { annotations: { at: String(second) } } });
    await bed.clock.advance(1);
  }
  // 0.05 s, doubling, at most 30 s.
  assert.ok(refusals >= 25 && refusals <= 32, `${refusals} attempts in ten minutes`);
  const statuses = bed.transport.writes.filter((write) => write === "PATCH replicasets/status");
  assert.equal(statuses.length, 1);
  const events = await bed.list<CountedEvent>(resources.events);
  assert.deepEqual(
    events.map(({ reason, message, count }) => [reason, message, count]),
    [["FailedCreate", 'Error creating: Pod "web-5f4c-" is invalid: spec.containers[0].image: no', refusals]],
  );
  assert.equal(bed.problems.length, 1);
});

test("tries what was refused at once when the ReplicaSet itself has changed", async (context) => {
  const bed = await WorkloadsBed.start(context);
  bed.transport.refuse = (request) =>
    isPodCreation(request) ? { code: 403, body: "exceeded quota" } : undefined;
  await bed.createReplicaSet(3);
  await bed.clock.advance(120);
  bed.transport.refuse = undefined;
  await bed.patch(resources.replicaSets, "web-5f4c", { spec: { replicas: 1 } });
  assert.equal((await bed.pods()).length, 1);
});

test("mends a status that somebody else has written", async (context) => {
  const bed = await WorkloadsBed.start(context);
  await bed.createReplicaSet(1);
  bed.transport.writes.length = 0;
  await bed.patch(resources.replicaSets, "web-5f4c", { status: { replicas: 7 } }, "status");
  const { status } = await bed.get<ReplicaSet>(resources.replicaSets, "web-5f4c");
  assert.equal(status?.replicas, 1);
  assert.deepEqual(bed.transport.writes, ["PATCH replicasets/status"]);
});

test("takes no pod for a ReplicaSet that is gone already, though its cache still shows it", async (context) => {
  const bed = await WorkloadsBed.start(context);
  await bed.createReplicaSet(0);
  bed.transport.holdEvents("replicasets");
  await bed.delete(resources.replicaSets, "web-5f4c");
  const stray = await bed.create<Pod>(resources.pods, {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "stray", labels: { app: "web" } },
    spec: { containers: [{ name: "app", image: "web:1" }] },
  });
  assert.equal(controllerOf(await bed.get(resources.pods, stray.metadata.name)), undefined);
  bed.transport.releaseEvents();
  await bed.clock.settle();
  assert.deepEqual(
    (await bed.pods()).map(({ metadata }) => metadata.name),
    ["stray"],
  );
});
