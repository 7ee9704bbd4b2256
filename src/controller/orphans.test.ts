import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ReplicaSet } from "../api/core.ts";
import { managedByAnnotation, podTemplateHashLabel } from "../api/names.ts";
import { resources } from "../api/resources.ts";
import type { Rollout } from "../api/rollout.ts";
import type { ApiRequest, ApiResponse } from "../kubernetes/transport.ts";
import { adoptOrphans } from "../rollout/adopt.ts";
import { replicaSet, rollout, type Scene, scene, service, started } from "./small-cluster.fixture.ts";

const { rollouts, replicaSets, services } = resources;

function selecting(name: string, labels: Record<string, string> = { app: "web" }): Rollout {
  const web = rollout(name);
  return { ...web, spec: { ...web.spec, selector: { matchLabels: labels } } };
}

function orphan(
  name: string,
  hash: string,
  change: (made: ReplicaSet) => ReplicaSet = (made) => made,
): ReplicaSet {
  const { ownerReferences: _, ...metadata } = replicaSet(name, rollout("web"), "gone").metadata;
  const labels = { app: "web", [podTemplateHashLabel]: hash };
  return change({
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: { ...metadata, labels },
    spec: { replicas: 2, selector: { matchLabels: labels }, template: { spec: { containers: [] } } },
  });
}

/** A controller whose planner does nothing but adopt. */
const adopting = (): Scene => scene((snapshot) => ({ actions: adoptOrphans(snapshot) }));

function ownerOf({ cluster }: Scene, name: string): string | undefined {
  return cluster.find<ReplicaSet>(replicaSets, name)?.metadata.ownerReferences?.find((it) => it.controller)
    ?.uid;
}

describe("an ownerless ReplicaSet", () => {
  test("is adopted by the Rollout that selects it, beside its other owners, and is said", async () => {
    const run = adopting();
    const { cluster, controller, log } = run;
    cluster.put(rollouts, selecting("web"));
    const other = { apiVersion: "v1", kind: "ConfigMap", name: "c", uid: "c" };
    cluster.put(
      replicaSets,
      orphan("web-1", "1", (it) => ({ ...it, metadata: { ...it.metadata, ownerReferences: [other] } })),
    );
    await started(run);
    assert.deepEqual(cluster.find<ReplicaSet>(replicaSets, "web-1")?.metadata.ownerReferences, [
      other,
      {
        apiVersion: "argoproj.io/v1alpha1",
        kind: "Rollout",
        name: "web",
        uid: "uid-web",
        controller: true,
        blockOwnerDeletion: true,
      },
    ]);
    assert.deepEqual(cluster.events(), [
      "ReplicaSetAdopted (1): Adopted ReplicaSet web-1, which had no owner",
    ]);
    assert(log.includes("shop/web: adopt ReplicaSet web-1: the Rollout selects it, and it has no owner"));
    await controller.stop();
  });

  test("is adopted when it appears, and when it loses its owner", async () => {
    const run = adopting();
    const { cluster, clock, controller } = run;
    const web = cluster.put(rollouts, selecting("web"));
    await started(run);
    cluster.put(replicaSets, orphan("web-1", "1"));
    await clock.settle();
    assert.equal(ownerOf(run, "web-1"), "uid-web");
    cluster.put(replicaSets, replicaSet("web-2", web));
    await clock.settle();
    cluster.put(replicaSets, orphan("web-2", "2"));
    await clock.settle();
    assert.equal(ownerOf(run, "web-2"), "uid-web");
    await controller.stop();
  });

  const strangers: readonly [what: string, stranger: ReplicaSet][] = [
    [
      "that another controller owns",
      { ...orphan("web-1", "1"), metadata: replicaSet("web-1", rollout("other"), "other").metadata },
    ],
    [
      "whose labels the Rollout does not select",
      orphan("web-1", "1", (it) => ({
        ...it,
        metadata: { ...it.metadata, labels: { app: "api", [podTemplateHashLabel]: "1" } },
      })),
    ],
    [
      "whose selector takes pods of other versions",
      orphan("web-1", "1", (it) => ({
        ...it,
        spec: { ...it.spec, selector: { matchLabels: { app: "web" } } },
      })),
    ],
    [
      "that is being deleted",
      orphan("web-1", "1", (it) => ({
        ...it,
        metadata: { ...it.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" },
      })),
    ],
    [
      "of another namespace",
      orphan("web-1", "1", (it) => ({ ...it, metadata: { ...it.metadata, namespace: "other" } })),
    ],
  ];
  for (const [what, stranger] of strangers) {
    test(`is left alone: one ${what}`, async () => {
      const run = adopting();
      const { cluster, controller, seen } = run;
      cluster.put(rollouts, selecting("web"));
      cluster.put(replicaSets, stranger);
      await started(run);
      assert.deepEqual(seen.at(-1)?.replicaSets, []);
      assert.equal(cluster.requests.length, 0);
      await controller.stop();
    });
  }

  const unfit: readonly [what: string, change: (web: Rollout) => Rollout][] = [
    ["selects everything", (it) => ({ ...it, spec: { ...it.spec, selector: {} } })],
    [
      "is being deleted",
      (it) => ({ ...it, metadata: { ...it.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } }),
    ],
    ["has another strategy", (it) => ({ ...it, spec: { ...it.spec, strategy: { canary: {} } } })],
  ];
  for (const [what, change] of unfit) {
    test(`is not adopted by a Rollout that ${what}`, async () => {
      const run = adopting();
      const { cluster, controller } = run;
      cluster.put(rollouts, change(selecting("web")));
      cluster.put(replicaSets, orphan("web-1", "1"));
      await started(run);
      assert.equal(ownerOf(run, "web-1"), undefined);
      await controller.stop();
    });
  }

  const answers: readonly [what: string, answer: (web: Rollout | undefined) => ApiResponse][] = [
    [
      "is being deleted",
      (web) => ({
        code: 200,
        body: { ...web, metadata: { ...web?.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } },
      }),
    ],
    [
      "is another one by now",
      (web) => ({ code: 200, body: { ...web, metadata: { ...web?.metadata, uid: "new" } } }),
    ],
    ["is gone", () => ({ code: 404, body: { kind: "Status", reason: "NotFound", code: 404 } })],
    ["cannot be read", () => ({ code: 503, body: "" })],
  ];
  for (const [what, answer] of answers) {
    test(`is not adopted when the server says that the Rollout ${what}`, async () => {
      const run = adopting();
      const { cluster, clock, controller } = run;
      cluster.put(rollouts, selecting("web"));
      cluster.put(replicaSets, orphan("web-1", "1"));
      let isLate = true;
      cluster.intercept = ({ method, path }: ApiRequest) =>
        isLate && method === "GET" && path.endsWith("/rollouts/web")
          ? answer(cluster.find<Rollout>(rollouts, "web"))
          : undefined;
      await started(run);
      await clock.advance(10);
      assert.equal(ownerOf(run, "web-1"), undefined);
      isLate = false;
      await clock.advance(120);
      assert.equal(ownerOf(run, "web-1"), "uid-web");
      await controller.stop();
    });
  }

  test("is adopted by one of the Rollouts that select it: first by name", async () => {
    const run = adopting();
    const { cluster, clock, controller, log } = run;
    for (const name of ["c", "a", "b"]) cluster.put(rollouts, selecting(name));
    await started(run);
    cluster.put(replicaSets, orphan("some-1", "1"));
    await clock.settle();
    assert.equal(ownerOf(run, "some-1"), "uid-a");
    assert(
      log.includes(
        "ReplicaSet shop/some-1 has no owner: of the Rollouts that select it, a adopts it and not b, c",
      ),
    );
    await controller.stop();
  });

  test("is adopted by the Rollout whose name it bears before others", async () => {
    const run = adopting();
    const { cluster, controller } = run;
    for (const name of ["a", "web"]) cluster.put(rollouts, selecting(name));
    cluster.put(replicaSets, orphan("web-1", "1"));
    await started(run);
    assert.equal(ownerOf(run, "web-1"), "uid-web");
    await controller.stop();
  });

  test("is adopted by the Rollout whose Service leads to it before all others", async () => {
    const run = adopting();
    const { cluster, controller } = run;
    for (const name of ["a", "b", "web"]) cluster.put(rollouts, selecting(name));
    cluster.put(services, service("a-active", { [managedByAnnotation]: "a" }, "2"));
    cluster.put(services, service("b-active", { [managedByAnnotation]: "b" }, "1"));
    cluster.put(services, service("web-active", {}, "1"));
    cluster.put(replicaSets, orphan("web-1", "1"));
    await started(run);
    assert.equal(ownerOf(run, "web-1"), "uid-b");
    await controller.stop();
  });
});
