import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { resources } from "../../../api/resources.ts";
import { WorkloadsBed } from "../workloads.fixture.ts";
import { type DaemonSet, nodeNameOf } from "./daemon-set.ts";

async function start(context: TestContext, podSpec: object = {}, nodes: readonly string[] = ["a", "b"]) {
  const bed = await WorkloadsBed.start(context);
  for (const name of nodes)
    await bed.client.create(resources.nodes, undefined, {
      apiVersion: "v1",
      kind: "Node",
      metadata: { name, labels: { name } },
    });
  await bed.create(resources.daemonSets, {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name: "agent" },
    spec: {
      selector: { matchLabels: { app: "agent" } },
      template: {
        metadata: { labels: { app: "agent" } },
        spec: { containers: [{ name: "app", image: "agent:1" }], ...podSpec },
      },
    },
  });
  const set = (spec: object) => bed.patch(resources.daemonSets, "agent", { spec });
  return {
    bed,
    set,
    setImage: (image: string) => set({ template: { spec: { containers: [{ name: "app", image }] } } }),
    images: async () => (await bed.pods()).map(({ spec }) => spec.containers[0]?.image),
    status: async () => (await bed.get<DaemonSet>(resources.daemonSets, "agent")).status,
  };
}

test("puts a pod on every node, and counts them", async (context) => {
  const it = await start(context);
  assert.deepEqual((await it.bed.pods()).map(nodeNameOf).toSorted(), ["a", "b"]);
  await it.bed.letPodsRun();
  const { observedGeneration: _seen, ...counts } = (await it.status()) ?? {};
  assert.deepEqual(counts, {
    currentNumberScheduled: 2,
    numberMisscheduled: 0,
    desiredNumberScheduled: 2,
    numberReady: 2,
    updatedNumberScheduled: 2,
    numberAvailable: 2,
  });
  it.bed.transport.writes.length = 0;
  await it.bed.clock.advance(3600);
  assert.deepEqual(it.bed.transport.writes, []);
});

test("leaves out nodes that its pods are not for", async (context) => {
  const it = await start(context, { nodeSelector: { name: "b" } });
  assert.equal((await it.bed.pods()).length, 1);
  assert.equal((await it.status())?.desiredNumberScheduled, 1);
});

test("renews one pod after the other", async (context) => {
  const it = await start(context);
  await it.bed.letPodsRun();
  await it.setImage("agent:2");
  assert.deepEqual((await it.images()).toSorted(), ["agent:1", "agent:2"]);
  await it.bed.letPodsRun();
  assert.deepEqual(await it.images(), ["agent:2", "agent:2"]);
  assert.equal((await it.bed.list(resources.controllerRevisions)).length, 2);
});

test("leaves pods of an older template alone where the strategy is OnDelete", async (context) => {
  const it = await start(context);
  await it.set({ updateStrategy: { type: "OnDelete", rollingUpdate: null } });
  await it.bed.letPodsRun();
  await it.setImage("agent:2");
  assert.deepEqual(await it.images(), ["agent:1", "agent:1"]);
});
