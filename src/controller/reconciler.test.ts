import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { KubernetesObject, ReplicaSet, Service } from "../api/core.ts";
import { podTemplateHashLabel } from "../api/names.ts";
import { resources } from "../api/resources.ts";
import type { Rollout } from "../api/rollout.ts";
import type { Action } from "../rollout/action.ts";
import type { BareReplicaSet } from "../rollout/identified-replica-set.ts";
import type { Plan } from "../rollout/pass.ts";
import type { Snapshot } from "../rollout/snapshot.ts";
import { later } from "../time/clock.ts";
import { refusal, replicaSet, rollout, scene, service, started, writesOf } from "./small-cluster.fixture.ts";

const { rollouts, replicaSets, services } = resources;

function seenOf(object: KubernetesObject | undefined) {
  const { namespace = "", name = "", uid = "", resourceVersion = "" } = object?.metadata ?? {};
  return { namespace, name, uid, resourceVersion };
}

function create({ rollout: owner }: Snapshot, hash: string): Action {
  const name = `${owner.metadata.name}-${hash}`;
  return {
    do: "create",
    resource: replicaSets,
    namespace: "shop",
    object: replicaSet(name, owner),
    what: `create ReplicaSet ${name}`,
    because: "it is new",
    event: { type: "Normal", reason: "NewReplicaSetCreated", message: `Created ReplicaSet ${name}` },
  };
}

function scale(replica: BareReplicaSet | undefined, to: number): Action {
  return {
    do: "patch",
    resource: replicaSets,
    seen: seenOf(replica),
    what: `scale ReplicaSet ${replica?.metadata.name} from 0 to ${to}`,
    patch: { metadata: { annotations: { size: String(to) } }, spec: { replicas: to } },
    because: "more is needed",
    event: { type: "Normal", reason: "ScalingReplicaSet", message: `Scaled to ${to}` },
  };
}

describe("a switch", () => {
  test("looks past a cache that is behind, and is not made to pods that are gone", async () => {
    const { replicaSets: kind } = resources;
    const hash = (): unknown =>
      run.cluster.find<Service>(services, "web-active")?.spec.selector?.[podTemplateHashLabel];
    const run = scene((snapshot) => {
      if (hash() === "1") return {};
      const target = snapshot.replicaSets[0];
      return {
        actions: [
          {
            do: "patch",
            resource: services,
            seen: seenOf(run.cluster.find(services, "web-active")),
            patch: { spec: { selector: { [podTemplateHashLabel]: "1" } } },
            what: "point the active route",
            because: "it is ready",
            provided: {
              resource: kind,
              name: "web-1",
              uid: target?.metadata.uid ?? "",
              availablePods: 2,
            },
          },
        ],
      };
    });
    const { cluster, clock, controller } = run;
    const web = cluster.put(rollouts, rollout("web"));
    const ready = (available: number, generation: number, observedGeneration: number): ReplicaSet => {
      const base = replicaSet("web-1", web);
      return {
        ...base,
        metadata: { ...base.metadata, generation },
        spec: { ...base.spec, replicas: 2 },
        status: { replicas: available, availableReplicas: available, observedGeneration },
      };
    };
    cluster.put(kind, ready(2, 1, 1));
    cluster.put(services, service("web-active"));
    // The planner believes what was listed: the watch tells nothing of what becomes of the ReplicaSet.
    cluster.hold(kind);
    void controller.start();
    cluster.put(kind, ready(0, 3, 3));
    await clock.settle();
    assert.equal(hash(), undefined, "its pods are gone");
    cluster.put(kind, ready(2, 5, 3));
    await clock.advance(1);
    assert.equal(hash(), undefined, "its numbers are about another size");
    cluster.put(kind, ready(2, 5, 5));
    await clock.advance(5);
    assert.equal(hash(), "1");
    await controller.stop();
  });
});

describe("a pass", () => {
  test("that decides nothing writes nothing", async () => {
    const run = scene(({ rollout: { status } }) => ({
      status: { ...status, phase: "Healthy", abort: false },
    }));
    run.cluster.put(rollouts, rollout("web", { status: { phase: "Healthy", abort: false } }));
    await started(run);
    assert.equal(run.seen.length, 1);
    assert.deepEqual(writesOf(run), {});
    await run.controller.stop();
  });

  test("makes one call per action, in order, with identity and version as precondition, then patches the status", async () => {
    const bodies: unknown[] = [];
    const run = scene(({ rollout: web, replicaSets: [old] }) =>
      web.status?.phase === "Healthy"
        ? {}
        : {
            actions: [
              {
                do: "patch",
                resource: rollouts,
                seen: seenOf(web),
                what: "annotate the Rollout",
                patch: { metadata: { annotations: { revision: "2" } } },
                because: "new revision",
              },
              scale(old, 3),
              {
                do: "patch",
                resource: services,
                seen: seenOf(run.cluster.find(services, "web-active")),
                patch: { spec: { selector: { [podTemplateHashLabel]: "1" } } },
                what: "point the active route (Service web-active) to 1",
                because: "it is ready",
              },
            ],
            status: { phase: "Healthy" },
          },
    );
    const { cluster, controller, log } = run;
    const web = cluster.put(
      rollouts,
      rollout("web", { status: { phase: "Paused", message: "m", abort: true } }),
    );
    const old = cluster.put(replicaSets, replicaSet("web-1", web));
    cluster.put(services, service("web-active"));
    cluster.intercept = ({ body, method }) => {
      if (method === "PATCH") bodies.push(body);
      return undefined;
    };
    await started(run);
    assert.deepEqual(cluster.requests.slice(0, 5), [
      "PATCH /apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/web",
      "PATCH /apis/apps/v1/namespaces/shop/replicasets/web-1",
      "POST /api/v1/namespaces/shop/events",
      "PATCH /api/v1/namespaces/shop/services/web-active",
      "PATCH /apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/web/status",
    ]);
    const version = old.metadata.resourceVersion;
    assert.deepEqual(bodies[1], {
      metadata: { annotations: { size: "3" }, uid: "uid-web-1", resourceVersion: version },
      spec: { replicas: 3 },
    });
    assert.deepEqual((bodies[3] as { status: unknown }).status, {
      phase: "Healthy",
      message: null,
      abort: null,
    });
    assert.deepEqual(cluster.find<Rollout>(rollouts, "web")?.status, { phase: "Healthy" });
    assert.deepEqual(log.slice(1, 4), [
      "shop/web: annotate the Rollout: new revision",
      "shop/web: scale ReplicaSet web-1 from 0 to 3: more is needed",
      "shop/web: point the active route (Service web-active) to 1: it is ready",
    ]);
    await controller.stop();
  });

  test("deletes a ReplicaSet only in the version that was seen, and does not do it twice", async () => {
    const bodies: unknown[] = [];
    const run = scene(({ replicaSets: [old] }) =>
      old === undefined
        ? {}
        : {
            actions: [
              {
                do: "delete",
                resource: replicaSets,
                seen: seenOf(old),
                what: "delete ReplicaSet web-1",
                because: "history",
              },
            ],
          },
    );
    const { cluster, clock, controller } = run;
    const web = cluster.put(rollouts, rollout("web"));
    const { uid, resourceVersion } = cluster.put(replicaSets, replicaSet("web-1", web)).metadata;
    cluster.intercept = ({ body, method }) => {
      if (method === "DELETE") bodies.push(body);
      return undefined;
    };
    cluster.hold(replicaSets);
    await started(run);
    cluster.put(rollouts, rollout("web"));
    await clock.advance(1);
    assert.equal(cluster.find(replicaSets, "web-1"), undefined);
    cluster.release(replicaSets);
    await clock.advance(1);
    const preconditions = { uid, resourceVersion };
    assert.deepEqual(bodies, [
      { apiVersion: "v1", kind: "DeleteOptions", propagationPolicy: "Background", preconditions },
    ]);
    await controller.stop();
  });

  test("ends at the first failure: nothing after it is done, the status is not written", async () => {
    const run = scene((snapshot) => ({
      actions: [create(snapshot, "1"), create(snapshot, "2")],
      status: { phase: "Healthy" },
    }));
    const { cluster, controller } = run;
    cluster.put(rollouts, rollout("web"));
    cluster.intercept = ({ method, path }) =>
      method === "POST" && path.endsWith("replicasets") ? refusal(500, "InternalError") : undefined;
    await started(run);
    assert.deepEqual(cluster.requests, ["POST /apis/apps/v1/namespaces/shop/replicasets"]);
    await controller.stop();
  });

  test("records an action's event after the action, and the plan's after the status", async () => {
    let isRefused = true;
    const run = scene(
      (snapshot): Partial<Plan> =>
        snapshot.rollout.status?.phase === undefined
          ? {
              actions: snapshot.replicaSets.length === 0 ? [create(snapshot, "1")] : [],
              status: { phase: "Healthy" },
              events: [{ type: "Normal", reason: "RolloutCompleted", message: "done" }],
            }
          : {},
    );
    const { cluster, clock, controller } = run;
    cluster.put(rollouts, rollout("web"));
    cluster.intercept = ({ path }) =>
      isRefused && path.endsWith("/status") ? refusal(500, "InternalError") : undefined;
    await started(run);
    assert.deepEqual(cluster.events(), ["NewReplicaSetCreated (1): Created ReplicaSet web-1"]);
    isRefused = false;
    await clock.advance(1);
    assert.deepEqual(cluster.events(), [
      "NewReplicaSetCreated (1): Created ReplicaSet web-1",
      "RolloutCompleted (1): done",
    ]);
    await controller.stop();
  });

  test("waits until what it has written comes back through the watches", async () => {
    const run = scene((snapshot) =>
      snapshot.replicaSets.length === 0 ? { actions: [create(snapshot, "1")] } : {},
    );
    const { cluster, clock, controller, seen } = run;
    cluster.put(rollouts, rollout("web"));
    cluster.hold(replicaSets);
    await started(run);
    cluster.put(rollouts, rollout("web"));
    await clock.advance(20);
    assert.equal(seen.length, 1, "the cache does not know the new ReplicaSet yet");
    cluster.release(replicaSets);
    await clock.settle();
    assert.equal(seen.at(-1)?.replicaSets.length, 1);
    assert.equal(writesOf(run)["create replicasets"], 1);
    await controller.stop();
  });

  test("does not wait for ever for a write that no watch tells of", async () => {
    const run = scene((snapshot) =>
      snapshot.replicaSets.length === 0 ? { actions: [create(snapshot, "1")] } : {},
    );
    const { cluster, clock, controller, seen } = run;
    cluster.put(rollouts, rollout("web"));
    cluster.hold(replicaSets);
    await started(run);
    await clock.advance(31);
    assert.equal(seen.length > 1, true);
    await controller.stop();
  });

  test("plans again quietly with fresh data after a conflict", async () => {
    const run = scene(({ replicaSets: [old] }) =>
      old?.spec.replicas === 3 ? {} : { actions: [scale(old, 3)] },
    );
    const { cluster, clock, controller, log } = run;
    const web = cluster.put(rollouts, rollout("web"));
    const old = cluster.put(replicaSets, replicaSet("web-1", web));
    await controller.start();
    cluster.hold(replicaSets);
    cluster.put(replicaSets, {
      ...old,
      metadata: { ...old.metadata, labels: { [podTemplateHashLabel]: "1", x: "y" } },
    });
    await clock.settle();
    cluster.release(replicaSets);
    await clock.advance(0.2);
    assert.equal(cluster.find<ReplicaSet>(replicaSets, "web-1")?.spec.replicas, 3);
    assert.deepEqual(cluster.events(), ["ScalingReplicaSet (1): Scaled to 3"]);
    assert.equal(
      log.some((line) => line.includes("Conflict")),
      false,
    );
    await controller.stop();
  });

  test("raises a Warning once for a refusal that stays, and tries again slowly", async () => {
    const run = scene((snapshot) =>
      snapshot.replicaSets.length === 0 ? { actions: [create(snapshot, "1")] } : {},
    );
    const { cluster, clock, controller, log } = run;
    cluster.put(rollouts, rollout("web"));
    let code = 403;
    cluster.intercept = ({ method, path }) =>
      method === "POST" && path.endsWith("replicasets") && code > 0
        ? refusal(code, "Forbidden", "no quota")
        : undefined;
    await started(run);
    await clock.advance(600);
    const expected = "cannot create ReplicaSet web-1: no quota";
    const shown = 'Failed to create new replica set "web-1": no quota';
    assert.deepEqual(cluster.events(), [`ReplicaSetCreateError (1): ${shown}`]);
    assert.equal(cluster.find<Rollout>(rollouts, "web")?.status?.message, `ReplicaSetCreateError: ${shown}`);
    assert.equal(log.filter((line) => line === `shop/web: ${expected}`).length, 1);
    assert.equal(writesOf(run)["patch rollouts/status"], 1);
    // The status that shows it wakes the Rollout once more.
    assert.equal(writesOf(run)["create replicasets"], 12);
    code = 0;
    await clock.advance(60);
    assert.equal(cluster.find(replicaSets, "web-1")?.metadata.name, "web-1");
    await controller.stop();
  });

  test("raises a Warning for any other call that is refused", async () => {
    const run = scene((snapshot) => {
      const [replica] = snapshot.replicaSets;
      return replica?.spec.replicas === 3 ? {} : { actions: [scale(replica, 3)] };
    });
    const { cluster, clock, controller } = run;
    const owner = cluster.put(rollouts, rollout("web"));
    cluster.put(replicaSets, replicaSet("web-1", owner));
    cluster.intercept = ({ method, path }) =>
      method === "PATCH" && path.includes("replicasets") ? refusal(403, "Forbidden", "no rights") : undefined;
    await started(run);
    await clock.advance(60);
    assert.deepEqual(cluster.events(), [
      "ReconciliationError (1): cannot scale ReplicaSet web-1 from 0 to 3: no rights",
    ]);
    await controller.stop();
  });

  test("waits for the cache when the ReplicaSet that it wants to create is its own already", async () => {
    const run = scene((snapshot) =>
      snapshot.replicaSets.length === 0 ? { actions: [create(snapshot, "1")] } : {},
    );
    const { cluster, clock, controller, seen } = run;
    const web = cluster.put(rollouts, rollout("web"));
    await controller.start();
    cluster.hold(replicaSets);
    cluster.put(replicaSets, replicaSet("web-1", web));
    await clock.advance(10);
    assert.equal(writesOf(run)["create replicasets"], 1);
    assert.equal(cluster.find<Rollout>(rollouts, "web")?.status?.collisionCount, undefined);
    cluster.release(replicaSets);
    await clock.advance(1);
    assert.equal(seen.at(-1)?.replicaSets.length, 1);
    await controller.stop();
  });

  test("waits for the end of its own ReplicaSet of that name when that is being deleted", async () => {
    // Deleted in the foreground: it stays until its pods are gone, and is no version any more.
    const run = scene((snapshot) =>
      snapshot.replicaSets.every(({ metadata }) => metadata.deletionTimestamp !== undefined)
        ? { actions: [create(snapshot, "1")] }
        : {},
    );
    const { cluster, clock, controller, log } = run;
    const web = cluster.put(rollouts, rollout("web"));
    const leaving = replicaSet("web-1", web);
    const metadata = { ...leaving.metadata, deletionTimestamp: "2026-01-01T00:00:00Z", uid: "leaving" };
    cluster.put(replicaSets, { ...leaving, metadata });
    await started(run);
    await clock.advance(300);
    const told = "shop/web: waiting for the end of ReplicaSet web-1, which is being deleted";
    assert.equal(log.filter((line) => line === told).length, 1);
    assert.equal(cluster.find<Rollout>(rollouts, "web")?.status?.collisionCount, undefined);
    cluster.remove(replicaSets, "web-1");
    await clock.settle();
    assert.equal(cluster.find(replicaSets, "web-1")?.metadata.uid, "uid-web-1");
    await controller.stop();
  });

  test("tries again when the ReplicaSet that took the name is gone in the meantime", async () => {
    const run = scene((snapshot) =>
      snapshot.replicaSets.length === 0 ? { actions: [create(snapshot, "1")] } : {},
    );
    const { cluster, clock, controller, log } = run;
    cluster.put(rollouts, rollout("web"));
    let isTaken = true;
    cluster.intercept = ({ method, path }) => {
      if (!isTaken || method !== "POST" || !path.endsWith("replicasets")) return undefined;
      isTaken = false;
      return refusal(409, "AlreadyExists");
    };
    await started(run);
    await clock.advance(1);
    assert.equal(cluster.find(replicaSets, "web-1")?.metadata.name, "web-1");
    assert.deepEqual(
      log.filter((line) => line.includes("error")),
      [],
    );
    await controller.stop();
  });

  test("raises the collision count when the name belongs to somebody else", async () => {
    const run = scene((snapshot) => {
      const hash = `${snapshot.rollout.status?.collisionCount ?? 0}`;
      return snapshot.replicaSets.length === 0 ? { actions: [create(snapshot, hash)] } : {};
    });
    const { cluster, clock, controller } = run;
    const web = cluster.put(rollouts, rollout("web", { status: { phase: "Progressing" } }));
    cluster.put(replicaSets, replicaSet("web-0", web, "somebody else"));
    await started(run);
    await clock.advance(1);
    assert.deepEqual(cluster.find<Rollout>(rollouts, "web")?.status, {
      phase: "Progressing",
      collisionCount: 1,
    });
    assert.equal(
      cluster.find<ReplicaSet>(replicaSets, "web-1")?.metadata.ownerReferences?.[0]?.uid,
      "uid-web",
    );
    await controller.stop();
  });

  for (const [what, uid] of [
    ["its own", "uid-web"],
    ["an ownerless", undefined],
  ] as const) {
    test(`raises the collision count when ${what} ReplicaSet of that name has no hash, so that no cache sees it`, async () => {
      const run = scene((snapshot) => {
        const hash = `${snapshot.rollout.status?.collisionCount ?? 0}`;
        return snapshot.replicaSets.length === 0 ? { actions: [create(snapshot, hash)] } : {};
      });
      const { cluster, clock, controller } = run;
      const web = cluster.put(rollouts, rollout("web"));
      const made = replicaSet("web-0", web);
      const { labels: _, ownerReferences = [], ...metadata } = made.metadata;
      const owners = uid === undefined ? {} : { ownerReferences };
      cluster.intercept = ({ method, path }) => {
        if (method === "POST" && path.endsWith("replicasets")) {
          const isFirst = cluster.find<Rollout>(rollouts, "web")?.status?.collisionCount === undefined;
          return isFirst ? refusal(409, "AlreadyExists") : undefined;
        }
        return method === "GET" && path.endsWith("/web-0")
          ? { code: 200, body: { ...made, metadata: { ...metadata, ...owners } } }
          : undefined;
      };
      await started(run);
      await clock.advance(1);
      assert.equal(cluster.find<Rollout>(rollouts, "web")?.status?.collisionCount, 1);
      assert.equal(cluster.find(replicaSets, "web-1")?.metadata.name, "web-1");
      await controller.stop();
    });
  }

  test("raises the collision count when its own ReplicaSet of that name has another template", async () => {
    // The planner knows the ReplicaSet and wants another one, whose hash happens to be the same.
    const run = scene((snapshot) => {
      const hash = `${snapshot.rollout.status?.collisionCount ?? 0}`;
      return snapshot.replicaSets.length === 1 ? { actions: [create(snapshot, hash)] } : {};
    });
    const { cluster, clock, controller } = run;
    const web = cluster.put(rollouts, rollout("web"));
    cluster.put(replicaSets, replicaSet("web-0", web));
    await started(run);
    await clock.advance(1);
    assert.equal(cluster.find<Rollout>(rollouts, "web")?.status?.collisionCount, 1);
    assert.equal(cluster.all(replicaSets).length, 2);
    await controller.stop();
  });

  for (const [what, currentPodHash, left] of [
    ["the hash that the status names, and forgets it", "0", undefined],
    ["another hash than the status names, and keeps that", "old", "old"],
  ] as const) {
    test(`raises the collision count for ${what}`, async () => {
      const run = scene((snapshot) =>
        snapshot.rollout.status?.collisionCount === 1 ? {} : { actions: [create(snapshot, "0")] },
      );
      const { cluster, clock, controller } = run;
      cluster.put(rollouts, rollout("web", { status: { currentPodHash } }));
      cluster.put(replicaSets, replicaSet("web-0", rollout("other"), "another"));
      await started(run);
      await clock.advance(1);
      const { status } = cluster.find<Rollout>(rollouts, "web") ?? {};
      assert.deepEqual([status?.collisionCount, status?.currentPodHash], [1, left]);
      await controller.stop();
    });
  }

  test("writes the status to the object itself where the definition has no status subresource, once, and says so", async () => {
    const run = scene(({ rollout: { metadata, status } }) => ({
      status: { ...status, phase: "Healthy", observedGeneration: String(metadata.generation ?? 0) },
    }));
    const { cluster, clock, controller, log, seen } = run;
    const web = rollout("web");
    cluster.put(rollouts, { ...web, metadata: { ...web.metadata, generation: 4 } });
    cluster.intercept = ({ path, method, body }) => {
      if (path.endsWith("/status")) return refusal(404, "NotFound");
      const old = cluster.find<Rollout>(rollouts, "web");
      if (method !== "PATCH" || old === undefined || !path.endsWith("/web")) return undefined;
      // Every write of it is a generation.
      if ((old.metadata.generation ?? 0) > 20) return refusal(403, "Forbidden", "written again and again");
      const status = { ...old.status, ...(body as Rollout).status };
      const metadata = { ...old.metadata, generation: (old.metadata.generation ?? 0) + 1 };
      return { code: 200, body: cluster.put(rollouts, { ...old, metadata, status }) };
    };
    await started(run);
    await clock.advance(60);
    const { metadata, status } = cluster.find<Rollout>(rollouts, "web") ?? assert.fail();
    assert.deepEqual([status?.phase, status?.observedGeneration, metadata.generation], ["Healthy", "5", 5]);
    assert.equal(seen.length, 2);
    assert.deepEqual(writesOf(run), { "patch rollouts/status": 1, "patch rollouts": 1, "create events": 1 });
    const told = /no status subresource, .*`kubectl apply -f deploy\/crds\/`/;
    assert.equal(log.filter((line) => told.test(line)).length, 1);
    assert.match(cluster.events().join(), told);
    await controller.stop();
  });

  test("logs a planner that throws with the Rollout's name, and goes on with the others", async () => {
    const run = scene(({ rollout: { metadata } }) => {
      if (metadata.name === "broken") throw new Error("invariant broken");
      return { status: { phase: "Healthy" } };
    });
    const { cluster, clock, controller, log, seen } = run;
    cluster.put(rollouts, rollout("broken"));
    cluster.put(rollouts, rollout("web"));
    await started(run);
    await clock.advance(59);
    assert.equal(cluster.find<Rollout>(rollouts, "web")?.status?.phase, "Healthy");
    assert.equal(
      log.filter((line) => line.startsWith("shop/broken: internal error: Error: invariant broken")).length,
      1,
    );
    const passes = () => seen.filter((snapshot) => snapshot.rollout.metadata.name === "broken").length;
    assert.equal(passes(), 1);
    await clock.advance(1);
    assert.equal(passes(), 2);
    await controller.stop();
  });

  test("comes back when the plan wishes", async () => {
    const run = scene(() => ({ recheckAt: later(start, 30) }));
    const start = run.clock.now();
    run.cluster.put(rollouts, rollout("web"));
    await started(run);
    await run.clock.advance(29);
    assert.equal(run.seen.length, 1);
    await run.clock.advance(1);
    assert.equal(run.seen.length, 2);
    await run.controller.stop();
  });
});
