import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { KubernetesObject } from "../../../api/core.ts";
import { resources } from "../../../api/resources.ts";
import { WorkloadsBed } from "../workloads.fixture.ts";
import type { StatefulSet } from "./stateful-set.ts";

type Spec = Partial<Omit<StatefulSet["spec"], "template" | "selector">>;

async function start(context: TestContext, spec: Spec = {}) {
  const bed = await WorkloadsBed.start(context);
  await bed.create(resources.statefulSets, {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name: "db" },
    spec: {
      replicas: 3,
      serviceName: "db",
      selector: { matchLabels: { app: "db" } },
      template: {
        metadata: { labels: { app: "db" } },
        spec: { containers: [{ name: "app", image: "db:1" }] },
      },
      ...spec,
    },
  });
  const podImages = async () =>
    Object.fromEntries(
      (await bed.pods()).map(({ metadata, spec: podSpec }) => [metadata.name, podSpec.containers[0]?.image]),
    );
  return {
    bed,
    podImages,
    names: async () => Object.keys(await podImages()).toSorted(),
    get: () => bed.get<StatefulSet>(resources.statefulSets, "db"),
    setImage: (image: string) =>
      bed.patch(resources.statefulSets, "db", {
        spec: { template: { spec: { containers: [{ name: "app", image }] } } },
      }),
    scale: (replicas: number) => bed.patch(resources.statefulSets, "db", { spec: { replicas } }),
    revisions: () => bed.list<KubernetesObject & { revision: number }>(resources.controllerRevisions),
    /** The node ends pods that are going, as it does; then those that come are let run, until nothing changes any more. */
    async settle() {
      for (;;) {
        const going = (await bed.pods()).filter(({ metadata }) => metadata.deletionTimestamp !== undefined);
        for (const { metadata } of going) {
          await bed.client.delete(resources.pods, "default", metadata.name, { gracePeriodSeconds: 0 });
          await bed.clock.settle();
        }
        await bed.letPodsRun();
        if ((await bed.pods()).every(({ metadata }) => metadata.deletionTimestamp === undefined)) return;
      }
    },
  };
}

// Texts as kube-controller-manager v1.34 writes them.
test("creates one pod after the other, each when the one before is ready", async (context) => {
  const it = await start(context);
  assert.deepEqual(await it.names(), ["db-0"]);
  await it.bed.podRuns("db-0", "127.9.0.2", false);
  assert.deepEqual(await it.names(), ["db-0"]);
  await it.bed.podRuns("db-0", "127.9.0.2");
  assert.deepEqual(await it.names(), ["db-0", "db-1"]);
  await it.settle();
  assert.deepEqual(await it.bed.eventsOf("StatefulSet"), [
    "Normal SuccessfulCreate create Pod db-0 in StatefulSet db successful",
    "Normal SuccessfulCreate create Pod db-1 in StatefulSet db successful",
    "Normal SuccessfulCreate create Pod db-2 in StatefulSet db successful",
  ]);
  const { status } = await it.get();
  assert.deepEqual(
    [
      status?.replicas,
      status?.readyReplicas,
      status?.availableReplicas,
      status?.currentReplicas,
      status?.updatedReplicas,
    ],
    [3, 3, 3, 3, 3],
  );
  assert.equal(status?.currentRevision, status?.updateRevision);
});

test("gives each pod its name, host name and number for ever", async (context) => {
  const it = await start(context, { replicas: 1 });
  const [pod] = await it.bed.pods();
  assert.equal(pod?.spec.hostname, "db-0");
  assert.equal(pod?.spec.subdomain, "db");
  const revision = (await it.get()).status?.updateRevision;
  assert.deepEqual(pod?.metadata.labels, {
    app: "db",
    "apps.kubernetes.io/pod-index": "0",
    "controller-revision-hash": revision,
    "statefulset.kubernetes.io/pod-name": "db-0",
  });
  await it.bed.delete(resources.pods, "db-0");
  await it.settle();
  const [next] = await it.bed.pods();
  assert.equal(next?.metadata.name, "db-0");
  assert.notEqual(next?.metadata.uid, pod?.metadata.uid);
});

test("creates all at once where the policy is Parallel, from the first number that is asked for", async (context) => {
  const it = await start(context, { podManagementPolicy: "Parallel", ordinals: { start: 5 } });
  assert.deepEqual(await it.names(), ["db-5", "db-6", "db-7"]);
});

test("takes the highest away first, one at a time", async (context) => {
  const it = await start(context);
  await it.settle();
  await it.scale(1);
  await it.settle();
  assert.deepEqual(await it.names(), ["db-0"]);
  assert.deepEqual((await it.bed.eventsOf("StatefulSet")).slice(-2), [
    "Normal SuccessfulDelete delete Pod db-2 in StatefulSet db successful",
    "Normal SuccessfulDelete delete Pod db-1 in StatefulSet db successful",
  ]);
});

test("renews the pods from the highest down to the partition, and the rest when that is lifted", async (context) => {
  const it = await start(context, { updateStrategy: { rollingUpdate: { partition: 1 } } });
  await it.settle();
  await it.setImage("db:2");
  await it.settle();
  assert.deepEqual(await it.podImages(), { "db-0": "db:1", "db-1": "db:2", "db-2": "db:2" });
  const { status } = await it.get();
  assert.notEqual(status?.currentRevision, status?.updateRevision);
  assert.deepEqual([status?.currentReplicas, status?.updatedReplicas], [1, 2]);
  // What is lost behind the partition comes back as it was.
  await it.bed.delete(resources.pods, "db-0");
  await it.settle();
  assert.equal((await it.podImages())["db-0"], "db:1");
  await it.bed.patch(resources.statefulSets, "db", {
    spec: { updateStrategy: { rollingUpdate: { partition: 0 } } },
  });
  await it.settle();
  assert.deepEqual(await it.podImages(), { "db-0": "db:2", "db-1": "db:2", "db-2": "db:2" });
  const after = (await it.get()).status;
  assert.equal(after?.currentRevision, after?.updateRevision);
});

test("leaves pods of an older template alone where the strategy is OnDelete", async (context) => {
  const it = await start(context, { updateStrategy: { type: "OnDelete" } });
  await it.settle();
  await it.setImage("db:2");
  await it.settle();
  assert.deepEqual(await it.podImages(), { "db-0": "db:1", "db-1": "db:1", "db-2": "db:1" });
  await it.bed.delete(resources.pods, "db-1");
  await it.settle();
  assert.deepEqual(await it.podImages(), { "db-0": "db:1", "db-1": "db:2", "db-2": "db:1" });
});

test("keeps the templates it has had, and makes one newest again that comes back", async (context) => {
  const it = await start(context, { replicas: 1, revisionHistoryLimit: 1 });
  await it.settle();
  for (const image of ["db:2", "db:1"]) {
    await it.setImage(image);
    await it.settle();
  }
  const numbers = (await it.revisions()).map(({ revision }) => revision).toSorted();
  assert.deepEqual(numbers, [2, 3]);
  for (const image of ["db:3", "db:4"]) {
    await it.setImage(image);
    await it.settle();
  }
  assert.equal((await it.revisions()).length, 2);
});

test("claims the volumes of each pod by its number", async (context) => {
  const it = await start(context, {
    replicas: 1,
    volumeClaimTemplates: [
      {
        metadata: { name: "data" },
        spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
      },
    ],
  });
  const [pod] = await it.bed.pods();
  // The API server adds the account's token.
  const claimed = pod?.spec.volumes?.filter(
    ({ persistentVolumeClaim }) => persistentVolumeClaim !== undefined,
  );
  assert.deepEqual(claimed, [{ name: "data", persistentVolumeClaim: { claimName: "data-db-0" } }]);
  assert.deepEqual(await it.bed.eventsOf("StatefulSet"), [
    "Normal SuccessfulCreate create Claim data-db-0 Pod db-0 in StatefulSet db success",
    "Normal SuccessfulCreate create Pod db-0 in StatefulSet db successful",
  ]);
  const [claim] = await it.bed.list(resources.persistentVolumeClaims);
  assert.deepEqual([claim?.metadata.name, claim?.metadata.labels], ["data-db-0", { app: "db" }]);
});

test("writes nothing while nothing happens", async (context) => {
  const it = await start(context);
  await it.settle();
  it.bed.transport.writes.length = 0;
  await it.bed.clock.advance(3600);
  assert.deepEqual(it.bed.transport.writes, []);
});
