import assert from "node:assert/strict";
import { test } from "node:test";
import type { ReplicaSet } from "../../../api/core.ts";
import { resources } from "../../../api/resources.ts";
import { DeploymentBed } from "./deployment.fixture.ts";
import { podTemplateHashLabel } from "./template-hash.ts";

const rolling = (maxSurge: number | string, maxUnavailable: number | string) => ({
  strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge, maxUnavailable } },
});

test("makes a ReplicaSet of the template, and tells of it in status, annotations and events", async (context) => {
  const it = await DeploymentBed.start(context);
  await it.bed.letPodsRun();
  const [replicaSet] = await it.replicaSets();
  const hash = replicaSet?.metadata.labels?.[podTemplateHashLabel] ?? "";
  assert.match(hash, /^[bcdfghjklmnpqrstvwxz2456789]{10}$/);
  assert.equal(replicaSet?.metadata.name, `web-${hash}`);
  assert.deepEqual(replicaSet?.spec.selector, { matchLabels: { app: "web", [podTemplateHashLabel]: hash } });
  assert.deepEqual(replicaSet?.metadata.annotations, {
    "deployment.kubernetes.io/revision": "1",
    "deployment.kubernetes.io/desired-replicas": "3",
    "deployment.kubernetes.io/max-replicas": "4",
    "kubernetes.io/change-cause": "first",
  });
  const { metadata, status } = await it.get();
  assert.equal(metadata.annotations?.["deployment.kubernetes.io/revision"], "1");
  const { conditions: _conditions, ...counts } = status ?? {};
  assert.deepEqual(counts, {
    observedGeneration: 1,
    replicas: 3,
    updatedReplicas: 3,
    readyReplicas: 3,
    availableReplicas: 3,
  });
  assert.deepEqual(await it.conditions(), [
    "Available True MinimumReplicasAvailable",
    "Progressing True NewReplicaSetAvailable",
  ]);
  assert.deepEqual(await it.bed.eventsOf("Deployment"), [
    `Normal ScalingReplicaSet Scaled up replica set web-${hash} from 0 to 3`,
  ]);
});

test("replaces pods within maxSurge and maxUnavailable", async (context) => {
  const it = await DeploymentBed.start(context, rolling(1, 1));
  await it.bed.letPodsRun();
  await it.setImage("web:2");
  assert.deepEqual(await it.sizes(), { 1: "web:1 2", 2: "web:2 2" });
  await it.bed.letPodsRun();
  assert.deepEqual(await it.sizes(), { 1: "web:1 0", 2: "web:2 3" });
});

test("keeps all old pods that serve while the new ones never do, and drops those that do not", async (context) => {
  const it = await DeploymentBed.start(context, { replicas: 4, ...rolling(1, 1) });
  const isOld = (pod: { spec: { containers: readonly { image?: string }[] } }) =>
    pod.spec.containers[0]?.image === "web:1";
  await it.bed.letPodsRun();
  await it.setImage("web:2");
  await it.bed.letPodsRun(isOld);
  assert.deepEqual(await it.sizes(), { 1: "web:1 3", 2: "web:2 2" });
  await it.setImage("web:3");
  await it.bed.letPodsRun(isOld);
  // The broken version makes room first.
  assert.deepEqual(await it.sizes(), { 1: "web:1 3", 2: "web:2 0", 3: "web:3 2" });
});

test("with Recreate, ends all old pods before it makes new ones", async (context) => {
  const it = await DeploymentBed.start(context, { strategy: { type: "Recreate" } });
  await it.bed.letPodsRun();
  const [held] = await it.bed.pods();
  const name = held?.metadata.name ?? "";
  await it.bed.patch(resources.pods, name, { metadata: { finalizers: ["test/hold"] } });
  await it.setImage("web:2");
  assert.deepEqual(await it.sizes(), { 1: "web:1 0" });
  await it.bed.patch(resources.pods, name, { metadata: { finalizers: null } });
  assert.deepEqual(await it.sizes(), { 1: "web:1 0", 2: "web:2 3" });
});

test("goes back to a template that it has had, as its newest revision", async (context) => {
  const it = await DeploymentBed.start(context);
  await it.bed.letPodsRun();
  await it.setImage("web:2");
  await it.bed.letPodsRun();
  await it.setImage("web:1");
  await it.bed.letPodsRun();
  assert.deepEqual(await it.sizes(), { 2: "web:2 0", 3: "web:1 3" });
  const first = (await it.replicaSets()).find(({ spec }) => spec.replicas === 3);
  assert.equal(first?.metadata.annotations?.["deployment.kubernetes.io/revision-history"], "1");
  assert.equal((await it.get()).metadata.annotations?.["deployment.kubernetes.io/revision"], "3");
});

test("does nothing but resize while it is paused", async (context) => {
  const it = await DeploymentBed.start(context);
  await it.bed.letPodsRun();
  await it.patch({ paused: true });
  assert.ok((await it.conditions()).includes("Progressing Unknown DeploymentPaused"));
  await it.setImage("web:2");
  assert.deepEqual(await it.sizes(), { 1: "web:1 3" });
  await it.patch({ replicas: 5 });
  assert.deepEqual(await it.sizes(), { 1: "web:1 5" });
  await it.bed.letPodsRun();
  await it.patch({ paused: false });
  await it.bed.letPodsRun();
  assert.deepEqual(await it.sizes(), { 1: "web:1 0", 2: "web:2 5" });
  assert.ok((await it.conditions()).includes("Progressing True NewReplicaSetAvailable"));
});

test("says when progress has failed to come for its deadline, and that it has come after all", async (context) => {
  const it = await DeploymentBed.start(context, { progressDeadlineSeconds: 60 });
  await it.bed.clock.advance(60);
  assert.ok((await it.conditions()).includes("Progressing True ReplicaSetUpdated"));
  await it.bed.clock.advance(1);
  assert.ok((await it.conditions()).includes("Progressing False ProgressDeadlineExceeded"));
  await it.bed.letPodsRun();
  assert.ok((await it.conditions()).includes("Progressing True NewReplicaSetAvailable"));
});

test("shares a new size out among the versions that run", async (context) => {
  const it = await DeploymentBed.start(context, { replicas: 10, ...rolling(3, 2) });
  await it.bed.letPodsRun();
  await it.setImage("web:2");
  assert.deepEqual(await it.sizes(), { 1: "web:1 8", 2: "web:2 5" });
  await it.patch({ replicas: 15 });
  // 18 at most, as 8 is to 5.
  assert.deepEqual(await it.sizes(), { 1: "web:1 11", 2: "web:2 7" });
});

test("keeps no more empty ReplicaSets than it is told to", async (context) => {
  const it = await DeploymentBed.start(context, { revisionHistoryLimit: 1 });
  for (const image of ["web:1", "web:2", "web:3"]) {
    await it.setImage(image);
    await it.bed.letPodsRun();
  }
  assert.deepEqual(await it.sizes(), { 2: "web:2 0", 3: "web:3 3" });
});

test("takes over a ReplicaSet of its template that nobody has", async (context) => {
  const it = await DeploymentBed.start(context);
  await it.bed.letPodsRun();
  await it.bed.delete(resources.deployments, "web", "Orphan");
  const [orphan] = await it.replicaSets();
  assert.equal(orphan?.metadata.ownerReferences, undefined);
  await it.bed.create(resources.deployments, {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web" },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: "web" } },
      template: {
        metadata: { labels: { app: "web" } },
        spec: { containers: [{ name: "app", image: "web:1" }] },
      },
    },
  });
  const found = await it.replicaSets();
  assert.equal(found.length, 1);
  assert.equal(found[0]?.metadata.uid, orphan?.metadata.uid);
  assert.equal(found[0]?.metadata.ownerReferences?.[0]?.kind, "Deployment");
  assert.equal((await it.bed.pods()).length, 3);
});

test("names a ReplicaSet otherwise when another template has its name", async (context) => {
  const it = await DeploymentBed.start(context);
  const [first] = await it.replicaSets();
  const name = first?.metadata.name ?? "";
  await it.bed.delete(resources.replicaSets, name, "Background");
  // Made again at once, so it is taken away together with the Deployment's grip on it.
  await it.patch({ paused: true, replicas: 0 });
  await it.bed.delete(resources.replicaSets, name, "Background");
  await it.bed.create<ReplicaSet>(resources.replicaSets, {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: { name },
    spec: {
      replicas: 0,
      selector: { matchLabels: { app: "other" } },
      template: {
        metadata: { labels: { app: "other" } },
        spec: { containers: [{ name: "app", image: "o" }] },
      },
    },
  });
  await it.patch({ paused: false, replicas: 1 });
  await it.bed.clock.advance(1);
  assert.equal((await it.get()).status?.collisionCount, 1);
  const own = (await it.replicaSets()).filter(({ metadata }) => metadata.name !== name);
  assert.deepEqual(
    own.map(({ spec }) => spec.replicas),
    [1],
  );
});

test("passes on why its pods cannot be made", async (context) => {
  const it = await DeploymentBed.start(context);
  await it.bed.letPodsRun();
  const message = 'pods "web" is forbidden: exceeded quota';
  it.bed.transport.refuse = ({ method, path }) =>
    method === "POST" && path.endsWith("/pods")
      ? { code: 403, body: { kind: "Status", code: 403, reason: "Forbidden", message } }
      : undefined;
  await it.patch({ replicas: 4 });
  assert.ok((await it.conditions()).includes("ReplicaFailure True FailedCreate"));
  it.bed.transport.refuse = undefined;
  await it.bed.clock.advance(60);
  await it.bed.letPodsRun();
  assert.ok(!(await it.conditions()).includes("ReplicaFailure True FailedCreate"));
});

test("writes nothing at rest, and little on the way", async (context) => {
  const it = await DeploymentBed.start(context, rolling(1, 0));
  await it.bed.letPodsRun();
  it.bed.transport.writes.length = 0;
  await it.bed.clock.advance(3600);
  assert.deepEqual(it.bed.transport.writes, []);
  await it.setImage("web:2");
  await it.bed.letPodsRun();
  const count = (of: string) => it.bed.transport.writes.filter((write) => write.includes(of)).length;
  assert.equal(count("POST replicasets"), 1);
  // The new one grows by one and the old one shrinks by one, three times; the first growth comes with the creation.
  assert.equal(count("PATCH replicasets") - count("PATCH replicasets/status"), 5);
  assert.equal(count("PATCH deployments/status"), 10);
  assert.equal(count("deployments"), 10);
});
