import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { ReplicaSet } from "../../../api/core.ts";
import { resources } from "../../../api/resources.ts";
import { WorkloadsBed } from "../workloads.fixture.ts";
import type { HorizontalPodAutoscaler } from "./horizontal-pod-autoscaler.ts";

type Spec = Partial<HorizontalPodAutoscaler["spec"]>;

const target = { apiVersion: "apps/v1", kind: "ReplicaSet", name: "web-5f4c" };
const halfOfCpu = {
  type: "Resource",
  resource: { name: "cpu", target: { averageUtilization: 50 } },
} as const;

/** A ReplicaSet of pods that ask for 100m and 64Mi, and use what `load` says: CPUs and bytes of each pod. */
async function start(
  context: TestContext,
  spec: Spec,
  replicas = 2,
  requests: object = { cpu: "100m", memory: "64Mi" },
) {
  const load = { cpus: 0.05, memoryBytes: 32 * 1024 * 1024 };
  const spent = new Map<string, { at: number; seconds: number }>();
  const bed: WorkloadsBed = await WorkloadsBed.start(context, {
    usage: async () => {
      const now = bed.clock.now() / 1000;
      const entries = (await bed.pods()).map(({ metadata: { uid = "" } }) => {
        const before = spent.get(uid) ?? { at: now, seconds: 0 };
        const seconds = before.seconds + (now - before.at) * load.cpus;
        spent.set(uid, { at: now, seconds });
        return [uid, [{ container: "app", cpuSeconds: seconds, memoryBytes: load.memoryBytes }]];
      });
      return Object.fromEntries(entries);
    },
  });
  const template = {
    metadata: { labels: { app: "web" } },
    spec: { containers: [{ name: "app", image: "web:1", resources: { requests } }] },
  };
  await bed.createReplicaSet(replicas, { template } as Partial<ReplicaSet["spec"]>);
  const run = async () => {
    await bed.letPodsRun();
    const startTime = new Date(bed.clock.now()).toISOString();
    for (const { metadata, status } of await bed.pods())
      if (status?.startTime === undefined)
        await bed.patch(resources.pods, metadata.name, { status: { startTime } }, "status");
  };
  await run();
  await bed.clock.advance(600);
  await bed.create(resources.horizontalPodAutoscalers, {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: { name: "web" },
    spec: { scaleTargetRef: target, maxReplicas: 10, metrics: [halfOfCpu], ...spec },
  });
  return {
    bed,
    load,
    run,
    size: async () => (await bed.get<ReplicaSet>(resources.replicaSets, target.name)).spec.replicas,
    status: async () =>
      (await bed.get<HorizontalPodAutoscaler>(resources.horizontalPodAutoscalers, "web")).status,
    async conditions() {
      const { conditions = [] } = (await this.status()) ?? {};
      return conditions.map(({ type, status, reason }) => `${type} ${status} ${reason}`);
    },
    events: () => bed.eventsOf("HorizontalPodAutoscaler"),
  };
}

test("leaves the number alone while the use is within a tenth of the target", async (context) => {
  const it = await start(context, {});
  it.load.cpus = 0.054;
  await it.bed.clock.advance(20);
  assert.equal(await it.size(), 2);
  assert.deepEqual(await it.conditions(), [
    "AbleToScale True ReadyForNewScale",
    "ScalingActive True ValidMetricFound",
    "ScalingLimited False DesiredWithinRange",
  ]);
  assert.deepEqual((await it.status())?.currentMetrics, [
    { type: "Resource", resource: { name: "cpu", current: { averageUtilization: 54, averageValue: "54m" } } },
  ]);
  assert.deepEqual(await it.events(), []);
});

test("grows to what the use asks for, at most to twice as many at once, and says why", async (context) => {
  const it = await start(context, {}, 3);
  it.load.cpus = 0.2;
  await it.bed.clock.advance(2);
  assert.equal(await it.size(), 6);
  assert.deepEqual(await it.events(), [
    "Normal SuccessfulRescale New size: 6; reason: cpu resource utilization (percentage of request) above target",
  ]);
  assert.deepEqual(await it.conditions(), [
    "AbleToScale True SucceededRescale",
    "ScalingActive True ValidMetricFound",
    "ScalingLimited True ScaleUpLimit",
  ]);
  assert.equal((await it.status())?.desiredReplicas, 6);
  await it.bed.clock.advance(15);
  await it.run();
  await it.bed.clock.advance(60);
  assert.equal(await it.size(), 10);
  assert.ok((await it.conditions()).includes("ScalingLimited True TooManyReplicas"));
});

test("shrinks only when nothing more was wanted for five minutes", async (context) => {
  const it = await start(context, {}, 4);
  it.load.cpus = 0.001;
  await it.bed.clock.advance(200);
  assert.equal(await it.size(), 4);
  assert.ok((await it.conditions()).includes("AbleToScale True ScaleDownStabilized"));
  await it.bed.clock.advance(130);
  assert.equal(await it.size(), 1);
  assert.deepEqual(await it.events(), [
    "Normal SuccessfulRescale New size: 1; reason: All metrics below target",
  ]);
});

test("obeys a behaviour: one pod fewer in a minute, without a wait", async (context) => {
  const policies = [{ type: "Pods", value: 1, periodSeconds: 60 }] as const;
  const it = await start(
    context,
    { behavior: { scaleDown: { stabilizationWindowSeconds: 0, selectPolicy: "Max", policies } } },
    5,
  );
  it.load.cpus = 0;
  await it.bed.clock.advance(2);
  assert.equal(await it.size(), 4);
  assert.ok((await it.conditions()).includes("ScalingLimited True ScaleDownLimit"));
  await it.bed.clock.advance(45);
  assert.equal(await it.size(), 4);
  await it.bed.clock.advance(20);
  assert.equal(await it.size(), 3);
});

test("keeps the bounds before anything is measured", async (context) => {
  const it = await start(context, { minReplicas: 3 });
  await it.bed.clock.advance(2);
  assert.equal(await it.size(), 3);
  assert.deepEqual(await it.events(), [
    "Normal SuccessfulRescale New size: 3; reason: Current number of replicas below Spec.MinReplicas",
  ]);
});

test("takes new pods for idle, so that they do not make it grow further", async (context) => {
  const it = await start(context, {}, 2);
  it.load.cpus = 0.1;
  await it.bed.clock.advance(2);
  assert.equal(await it.size(), 4);
  // The two new ones are not running yet: 100 % in two of four pods is the 50 % that is wanted.
  await it.bed.clock.advance(60);
  assert.equal(await it.size(), 4);
});

test("measures memory, and an average instead of a share", async (context) => {
  const metrics = [
    {
      type: "ContainerResource",
      containerResource: { name: "memory", container: "app", target: { averageValue: "16Mi" } },
    },
  ] as const;
  const it = await start(context, { metrics }, 2, {});
  await it.bed.clock.advance(2);
  assert.equal(await it.size(), 4);
  assert.deepEqual((await it.status())?.currentMetrics, [
    {
      type: "ContainerResource",
      containerResource: { name: "memory", container: "app", current: { averageValue: "33554432" } },
    },
  ]);
});

test("says which container has no request", async (context) => {
  const it = await start(context, {}, 1, { memory: "1Mi" });
  const [pod] = await it.bed.pods();
  await it.bed.clock.advance(2);
  const message = `failed to get cpu utilization: missing request for cpu in container app of Pod ${pod?.metadata.name}`;
  assert.deepEqual(await it.events(), [
    `Warning FailedGetResourceMetric ${message}`,
    `Warning FailedComputeMetricsReplicas invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric value: ${message}`,
  ]);
  assert.deepEqual(await it.conditions(), [
    "AbleToScale True SucceededGetScale",
    "ScalingActive False FailedGetResourceMetric",
  ]);
  assert.deepEqual((await it.status())?.currentMetrics, [{ type: "" }]);
});

// The texts are those of kube-controller-manager v1.34 without a custom metrics API.
test("says of custom metrics that nobody serves them, as a real cluster does", async (context) => {
  const metrics = [
    { type: "Pods", pods: { metric: { name: "rps" }, target: { type: "AverageValue", averageValue: "10" } } },
    {
      type: "External",
      external: {
        metric: { name: "queue", selector: { matchLabels: { a: "b" } } },
        target: { type: "Value", value: "10" },
      },
    },
    {
      type: "Object",
      object: {
        metric: { name: "hits" },
        describedObject: { apiVersion: "v1", kind: "Service", name: "web" },
        target: { type: "Value", value: "10" },
      },
    },
  ] as unknown as NonNullable<Spec["metrics"]>;
  const it = await start(context, { metrics });
  await it.bed.clock.advance(2);
  const none =
    "unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered";
  assert.deepEqual(await it.events(), [
    `Warning FailedGetPodsMetric unable to get metric rps: ${none}`,
    "Warning FailedGetExternalMetric unable to get external metric default/queue/&LabelSelector{MatchLabels:map[string]string{a: b,}," +
      "MatchExpressions:[]LabelSelectorRequirement{},}: unable to fetch metrics from external metrics API: the server could not " +
      "find the requested resource (get queue.external.metrics.k8s.io)",
    `Warning FailedGetObjectMetric unable to get metric hits: Service on default web/${none}`,
    "Warning FailedComputeMetricsReplicas invalid metrics (3 invalid out of 3), first error is: failed to get pods metric value: " +
      `unable to get metric rps: ${none}`,
  ]);
});

for (const [what, ref, message] of [
  ["nothing of that name", { ...target, name: "nothing" }, 'replicasets.apps "nothing" not found'],
  [
    "no such kind",
    { apiVersion: "example.com/v1", kind: "Foo", name: "web" },
    'no matches for kind "Foo" in group "example.com"',
  ],
] as const)
  test(`says that there is ${what}`, async (context) => {
    const it = await start(context, { scaleTargetRef: ref });
    await it.bed.clock.advance(2);
    assert.deepEqual(await it.events(), [`Warning FailedGetScale ${message}`]);
    const { conditions } = (await it.status()) ?? {};
    assert.equal(
      conditions?.[0]?.message,
      `the HPA controller was unable to get the target's current scale: ${message}`,
    );
  });

test("leaves alone what somebody has set to zero", async (context) => {
  const it = await start(context, {}, 0);
  await it.bed.clock.advance(20);
  assert.equal(await it.size(), 0);
  assert.deepEqual(await it.conditions(), [
    "AbleToScale True SucceededGetScale",
    "ScalingActive False ScalingDisabled",
  ]);
});
