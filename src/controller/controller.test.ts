import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { EndpointSlice, Pod, ReplicaSet } from "../api/core.ts";
import {
  endpointSliceManagedByLabel,
  instanceIdLabel,
  kubernetesEndpointSliceController,
  podTemplateHashLabel,
  serviceNameLabel,
} from "../api/names.ts";
import { resources } from "../api/resources.ts";
import { later } from "../time/clock.ts";
import {
  refusal,
  replicaSet,
  rollout,
  type Scene,
  scene,
  service,
  started,
} from "./small-cluster.fixture.ts";

const { rollouts, replicaSets, services, endpointSlices, pods } = resources;

describe("gathering", () => {
  test("shows the planner the owned ReplicaSets, the routes' objects and the rivals", async () => {
    const run = scene();
    const { cluster, seen, controller } = run;
    const web = cluster.put(rollouts, rollout("web", { preview: "web-preview" }));
    const usable = { metadata: { labels: { app: "web" } }, spec: { containers: [] } };
    // Its pods are none that the Service selects.
    cluster.put(rollouts, {
      ...rollout("another"),
      spec: { strategy: { blueGreen: { activeService: "web-active" } } },
    });
    cluster.put(rollouts, {
      ...rollout("zebra"),
      spec: { template: usable, strategy: { blueGreen: { activeService: "web-active" } } },
    });
    cluster.put(rollouts, {
      ...rollout("abba"),
      spec: { template: usable, strategy: { blueGreen: { activeService: "web-active" } } },
    });
    cluster.put(replicaSets, replicaSet("web-1", web));
    cluster.put(replicaSets, replicaSet("web-2", web, "somebody else"));
    cluster.put(services, service("web-active"));
    const endpoint = { addresses: ["10.0.0.1"], targetRef: { kind: "Pod", name: "web-1-a" } };
    const slice = { addressType: "IPv4", endpoints: [endpoint], apiVersion: "", kind: "" };
    cluster.put<EndpointSlice>(endpointSlices, {
      ...slice,
      metadata: {
        name: "web-active-x",
        labels: {
          [serviceNameLabel]: "web-active",
          [endpointSliceManagedByLabel]: kubernetesEndpointSliceController,
        },
      },
    });
    cluster.put<Pod>(pods, {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "web-1-a", labels: { [podTemplateHashLabel]: "1" } },
      spec: { containers: [{ name: "large" }] },
    });
    await started(run);
    const snapshot = seen.find((candidate) => candidate.rollout.metadata.name === "web");
    assert.deepEqual(
      snapshot?.replicaSets.map(({ metadata }) => metadata.name),
      ["web-1"],
    );
    assert.deepEqual(snapshot?.claims.map(({ by, route }) => `${by} on ${route}`).sort(), [
      "abba on service shop/web-active",
      "web on service shop/web-active",
      "web on service shop/web-preview",
      "zebra on service shop/web-active",
    ]);
    assert.deepEqual(
      snapshot.objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`),
      ["Service web-active", "EndpointSlice web-active-x", "Pod web-1-a"],
    );
    assert.deepEqual((snapshot.objects.at(-1) as Pod).spec, { containers: [] });
    await controller.stop();
  });

  const changes: readonly [string, (scene: Scene) => void][] = [
    ["itself", ({ cluster }) => cluster.put(rollouts, rollout("web"))],
    [
      "a ReplicaSet",
      ({ cluster }) => cluster.put(replicaSets, cluster.find(replicaSets, "web-1") as ReplicaSet),
    ],
    ["a removed ReplicaSet", ({ cluster }) => cluster.remove(replicaSets, "web-1")],
    ["a Service without hash", ({ cluster }) => cluster.put(services, service("web-active"))],
    ["a removed Service", ({ cluster }) => cluster.remove(services, "web-active")],
    [
      "an EndpointSlice",
      ({ cluster }) =>
        cluster.put<EndpointSlice>(endpointSlices, {
          apiVersion: "",
          kind: "",
          addressType: "IPv4",
          endpoints: [],
          metadata: { name: "x", labels: { [serviceNameLabel]: "web-active" } },
        }),
    ],
    [
      "a pod",
      ({ cluster }) => {
        const ownerReferences = [
          { apiVersion: "apps/v1", kind: "ReplicaSet", name: "web-1", uid: "", controller: true },
        ];
        const metadata = { name: "p", labels: { [podTemplateHashLabel]: "1" }, ownerReferences };
        cluster.put<Pod>(pods, { apiVersion: "v1", kind: "Pod", metadata, spec: { containers: [] } });
      },
    ],
    [
      "a rival",
      ({ cluster }) =>
        cluster.put(rollouts, {
          ...rollout("rival"),
          spec: { strategy: { blueGreen: { activeService: "web-active" } } },
        }),
    ],
  ];
  for (const [what, change] of changes) {
    test(`plans a Rollout again when a change concerns it: ${what}`, async () => {
      const run = scene();
      const { cluster, seen, clock, controller } = run;
      const web = cluster.put(rollouts, rollout("web"));
      cluster.put(rollouts, rollout("other"));
      cluster.put(replicaSets, replicaSet("web-1", web));
      cluster.put(services, service("web-active", {}, "1"));
      await started(run);
      seen.length = 0;
      change(run);
      await clock.settle();
      const planned = new Set(seen.map((snapshot) => snapshot.rollout.metadata.name));
      assert.equal(planned.has("web"), true);
      assert.equal(planned.has("other"), false);
      await controller.stop();
    });
  }

  test("does not plan again for what no route depends on", async () => {
    const run = scene();
    const { cluster, seen, clock, controller } = run;
    const web = cluster.put(rollouts, rollout("web"));
    cluster.put(replicaSets, replicaSet("web-1", web));
    const ownerReferences = [
      { apiVersion: "apps/v1", kind: "ReplicaSet", name: "web-1", uid: "", controller: true },
    ];
    const metadata = { name: "p", labels: { [podTemplateHashLabel]: "1" }, ownerReferences };
    const pod = cluster.put<Pod>(pods, { apiVersion: "v1", kind: "Pod", metadata, spec: { containers: [] } });
    await started(run);
    seen.length = 0;
    cluster.put<Pod>(pods, { ...pod, status: { phase: "Running", podIP: "10.0.0.1" } });
    cluster.put(services, service("unknown"));
    await clock.settle();
    assert.equal(seen.length, 0);
    await controller.stop();
  });
});

describe("the controller", () => {
  test("handles only Rollouts of its instance", async () => {
    const named = (instanceId?: string): Scene => {
      const run = scene(() => ({}), instanceId === undefined ? {} : { instanceId });
      run.cluster.put(rollouts, rollout("plain"));
      run.cluster.put(rollouts, rollout("a", { labels: { [instanceIdLabel]: "a" } }));
      run.cluster.put(rollouts, rollout("b", { labels: { [instanceIdLabel]: "b" } }));
      return run;
    };
    for (const [instanceId, expected] of [
      [undefined, "plain"],
      ["a", "a"],
    ] as const) {
      const run = named(instanceId);
      await started(run);
      assert.deepEqual(
        run.seen.map((snapshot) => snapshot.rollout.metadata.name),
        [expected],
      );
      await run.controller.stop();
    }
  });

  test("says how to install the definition of Rollouts, once, and starts when it is there", async () => {
    const run = scene();
    const { cluster, clock, controller, log, seen } = run;
    cluster.put(rollouts, rollout("web"));
    cluster.intercept = ({ path }) => (path.endsWith("/rollouts") ? refusal(404, "NotFound") : undefined);
    await started(run);
    await clock.advance(60);
    assert.equal(log.length, 1);
    assert.match(log[0] ?? "", /kubectl apply -f deploy\/crds\/`/);
    cluster.intercept = () => undefined;
    await clock.advance(30);
    await clock.settle();
    assert.equal(seen.length, 1);
    await controller.stop();
  });

  const unreadable = [
    ["endpointslices", 403],
    ["pods", 404],
    ["replicasets", 403],
    ["services", 404],
    ["endpointslices", 500],
    ["replicasets", 500],
  ] as const;
  for (const [plural, code] of unreadable) {
    test(`begins although ${plural} cannot be read (${code}), tells who needs them, and finds them later`, async () => {
      const run = scene();
      const { cluster, clock, controller, log, seen } = run;
      cluster.put(rollouts, rollout("web"));
      cluster.intercept = ({ path }) =>
        path.endsWith(`/${plural}`) ? refusal(code, "no rights") : undefined;
      await started(run);
      if (code === 500) {
        assert.equal(seen.length, 0, "it may be there in a moment");
        await clock.advance(30);
      }
      await clock.settle();
      const isNeeded = plural === "replicasets" || plural === "services";
      assert.equal(seen.length > 0, !isNeeded, "nothing is decided without ReplicaSets and Services");
      for (const { unknown } of seen)
        assert.match(
          unknown.find((kind) => kind.plural === plural)?.because ?? "",
          new RegExp(`${plural}.*no rights|${plural}.*does not know`),
        );
      const told = cluster.events().filter((event) => event.startsWith("UnknownKind"));
      assert.equal(told.length, 1, cluster.events().join("\n"));
      assert.ok(
        log.some((line) => line.startsWith("shop/web: ") && line.includes(plural)),
        log.join("\n"),
      );
      await clock.advance(600);
      assert.equal(cluster.events().filter((event) => event.startsWith("UnknownKind")).length, 1);
      cluster.intercept = () => undefined;
      seen.length = 0;
      await clock.advance(60);
      assert.deepEqual([...(seen.at(-1)?.unknown ?? ["not planned"])], []);
      await controller.stop();
      assert.equal(clock.pending, 0);
    });
  }

  test("says so when a kind is taken away later", async () => {
    const run = scene();
    const { cluster, clock, controller, seen } = run;
    cluster.put(rollouts, rollout("web"));
    await started(run);
    await clock.advance(10);
    cluster.intercept = ({ path }) =>
      path.endsWith("/endpointslices") ? refusal(403, "no rights") : undefined;
    cluster.expire(endpointSlices);
    await clock.advance(10);
    assert.match(seen.at(-1)?.unknown[0]?.because ?? "", /no rights/);
    await controller.stop();
  });

  test("reads what a Rollout needs once there is one, and decides when it has been read", async () => {
    const run = scene();
    const { cluster, clock, controller, seen } = run;
    const read: string[] = [];
    cluster.intercept = ({ method, path }) => {
      if (method === "GET") read.push(path.split("/").at(-1) ?? "");
      return undefined;
    };
    await started(run);
    assert.deepEqual(read, ["rollouts", "replicasets", "services"]);
    cluster.put(rollouts, rollout("web"));
    await clock.settle();
    assert.deepEqual(read, ["rollouts", "replicasets", "services", "endpointslices", "pods"]);
    assert.ok(seen.length > 0 && seen.every(({ unknown }) => unknown.length === 0));
    await controller.stop();
  });

  test("leaves no timer and makes no pass after it has been stopped", async () => {
    const run = scene(() => ({ status: { phase: "Healthy" }, recheckAt: later(run.clock.now(), 10) }));
    const { cluster, clock, controller, seen } = run;
    cluster.put(rollouts, rollout("web"));
    await started(run);
    const before = seen.length;
    await controller.stop();
    cluster.put(rollouts, rollout("web"));
    await clock.advance(100);
    assert.deepEqual([seen.length, clock.pending], [before, 0]);
  });
});
