import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Pod } from "../../../api/core.ts";
import { resources } from "../../../api/resources.ts";
import { ApiError } from "../../../kubernetes/errors.ts";
import { WorkloadsBed } from "../workloads.fixture.ts";
import type { PodDisruptionBudget } from "./pod-disruption-budget.ts";

async function start(context: TestContext, spec: Partial<PodDisruptionBudget["spec"]>, replicas = 3) {
  const bed = await WorkloadsBed.start(context);
  await bed.createReplicaSet(replicas);
  await bed.letPodsRun();
  await bed.create(resources.podDisruptionBudgets, {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name: "web" },
    spec: { selector: { matchLabels: { app: "web" } }, ...spec },
  });
  const counts = async () => {
    const { status } = await bed.get<PodDisruptionBudget>(resources.podDisruptionBudgets, "web");
    const { expectedPods, desiredHealthy, currentHealthy, disruptionsAllowed } = status ?? {};
    return { expectedPods, desiredHealthy, currentHealthy, disruptionsAllowed };
  };
  const evict = async (pod: Pod | undefined): Promise<string | undefined> => {
    const name = pod?.metadata.name ?? "";
    const path = `/api/v1/namespaces/default/pods/${name}/eviction`;
    const body = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name } };
    try {
      await bed.client.raw({ method: "POST", path, body });
      return undefined;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return `${error.status?.code} ${error.message} ${error.status?.details?.causes?.[0]?.message}`;
    } finally {
      await bed.clock.settle();
    }
  };
  return { bed, counts, evict };
}

test("counts how many pods may go", async (context) => {
  const it = await start(context, { minAvailable: 2 });
  assert.deepEqual(await it.counts(), {
    expectedPods: 3,
    desiredHealthy: 2,
    currentHealthy: 3,
    disruptionsAllowed: 1,
  });
  const [pod] = await it.bed.pods();
  await it.bed.podRuns(pod?.metadata.name ?? "", "127.9.0.2", false);
  assert.equal((await it.counts()).disruptionsAllowed, 0);
  it.bed.transport.writes.length = 0;
  await it.bed.clock.advance(3600);
  assert.deepEqual(it.bed.transport.writes, []);
});

test("takes a share of what the owners want, also while pods are missing", async (context) => {
  const it = await start(context, { maxUnavailable: "30%" }, 4);
  assert.deepEqual(await it.counts(), {
    expectedPods: 4,
    desiredHealthy: 2,
    currentHealthy: 4,
    disruptionsAllowed: 2,
  });
});

test("lets pods be evicted as long as enough are left, and then says why not", async (context) => {
  const it = await start(context, { minAvailable: 2 });
  const [first, second] = await it.bed.pods();
  assert.equal(await it.evict(first), undefined);
  assert.equal(
    await it.evict(second),
    "429 Cannot evict pod as it would violate the pod's disruption budget. " +
      "The disruption budget web needs 2 healthy pods and has 2 currently",
  );
  await it.bed.letPodsRun();
  assert.equal(await it.evict(second), undefined);
});

test("counts an eviction down at once, before anybody has looked at the pods again", async (context) => {
  const it = await start(context, { minAvailable: 2 });
  const [first, second] = await it.bed.pods();
  it.bed.transport.holdEvents("pods");
  assert.equal(await it.evict(first), undefined);
  assert.match((await it.evict(second)) ?? "", /^429 /);
  it.bed.transport.releaseEvents();
});
