import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { EndpointSlice } from "../../src/api/core.ts";
import { endpointSliceManagedByLabel, serviceNameLabel } from "../../src/api/names.ts";
import { strategyOf } from "../../src/api/strategy.ts";
import {
  type BlueGreenSituation,
  blueGreenSituation,
  routing,
} from "../../src/rollout/blue-green/situation.ts";
import { plan } from "../../src/rollout/plan.ts";
import { hashOf } from "../../src/rollout/replica-set.ts";
import { type Instant, later } from "../../src/time/clock.ts";
import type { Reference, Routing } from "../../src/traffic/router.ts";
import { serviceRouter } from "../../src/traffic/service/service-router.ts";
import { World } from "./world.ts";

/** Each Service also has an endpoint of another cluster, and a slice that somebody made by hand and forgot. */
class Meshed extends World {
  override slices(service: string): readonly EndpointSlice[] {
    const foreign = ["endpointslice-mesh-controller.cilium.io", undefined].map(
      (manager, index): EndpointSlice => ({
        apiVersion: "discovery.k8s.io/v1",
        kind: "EndpointSlice",
        metadata: {
          name: `${service}-foreign-${index}`,
          namespace: "shop",
          labels: {
            [serviceNameLabel]: service,
            ...(manager === undefined ? {} : { [endpointSliceManagedByLabel]: manager }),
          },
        },
        addressType: "IPv4",
        endpoints: [{ addresses: ["192.0.2.7"] }],
      }),
    );
    return [...super.slices(service), ...foreign];
  }
}

function situationIn(world: World): BlueGreenSituation {
  const strategy = strategyOf(world.rollout);
  assert(strategy.kind === "blueGreen");
  return blueGreenSituation(world.snapshot, strategy, world.now);
}

function notesOf(world: World): readonly string[] {
  return situationIn(world).notes.map(({ reason }) => reason);
}

describe("endpoints that are not the Rollout's", () => {
  it("hold no release: the switch is confirmed, and the old version goes", () => {
    const world = new Meshed({ scaleDownDelaySeconds: 30 }).settle();
    assert.equal(world.status.phase, "Healthy");
    world.deploy("web:2").settle();
    assert.deepEqual([world.status.phase, world.live()], ["Healthy", "web:2"]);
    assert.equal(world.status.stableRS, hashOf(world.of("web:2") ?? assert.fail()));
    assert.equal(world.pass(31).size("web:1"), 0);
  });

  it("make no deadline pass", () => {
    const world = new Meshed({}, { progressDeadlineAbort: true, progressDeadlineSeconds: 60 }).settle();
    world.deploy("web:2").settle().pass(61).pass(61);
    assert.deepEqual([world.status.phase, world.status.abort], ["Healthy", undefined]);
  });

  it("are said once for each Service", () => {
    assert.deepEqual(notesOf(new Meshed().settle()), ["ForeignEndpoints", "ForeignEndpoints"]);
    assert.deepEqual(notesOf(new World().settle()), []);
  });
});

describe("the confirmation of a switch", () => {
  /** Version 2 is promoted, and the slice of its Service lists one of its two pods. */
  function halfSwitched(): World {
    const world = new World({ autoPromotionEnabled: false }).settle().deploy("web:2").settle();
    const endpoints = world.slices("web-preview")[0]?.endpoints;
    assert(endpoints?.length === 2);
    world.lagging.set(
      "web",
      world.slices("web").map((slice) => ({ ...slice, endpoints: endpoints.slice(0, 1) })),
    );
    return world.promote().settle();
  }

  const activeSelector = (world: World): string | undefined =>
    plan(world.snapshot, world.now).status.blueGreen?.activeSelector;

  it("waits for all pods that are available", () => {
    const world = halfSwitched();
    const hash = hashOf(world.of("web:2") ?? assert.fail());
    assert.deepEqual([world.live(), world.last?.standing?.step], ["web:2", "confirmRouting"]);
    assert.equal(world.last?.standing?.detail, `Service web to list the available pods of ${hash} as ready`);
    assert.notEqual(activeSelector(world), hash);
    world.lagging.clear();
    assert.equal(activeSelector(world.settle()), hash);
  });

  it("does not wait for a pod that has failed meanwhile", () => {
    const world = halfSwitched();
    const target = world.of("web:2") ?? assert.fail();
    world.replicaSets = world.replicaSets.map((replicaSet) =>
      replicaSet === target
        ? { ...replicaSet, status: { ...replicaSet.status, availableReplicas: 1 } }
        : replicaSet,
    );
    assert.equal(activeSelector(world), hashOf(target));
  });

  it("waits for one pod at least, also where none is available", () => {
    const world = new World().settle().fail("web:1");
    const situation = situationIn(world);
    const hash = hashOf(world.of("web:1") ?? assert.fail());
    assert.deepEqual(routing(situation, situation.active, hash), {
      is: "pending",
      on: `Service web to list the available pods of ${hash} as ready`,
    });
  });

  it("of a Rollout of size 0 needs no pod, but none of the old version either", () => {
    const world = new World({ autoPromotionEnabled: false }).settle().deploy("web:2").settle();
    world.lagging.set("web", world.slices("web"));
    world.edit({ replicas: 0 }).settle().promote().settle();
    assert.deepEqual([world.live(), world.last?.standing?.step], ["", "confirmRouting"]);
    world.lagging.clear();
    assert.equal(world.settle().status.phase, "Healthy");
  });
});

describe("a route whose end only time will tell", () => {
  const leaving = (until: Instant) => (): readonly Reference[] => [{ value: "elsewhere", until }];

  it("is looked at again when what is cached elsewhere has run out", (context) => {
    const world = new World().settle();
    const until = later(world.now, 60);
    context.mock.method(serviceRouter, "references", leaving(until));
    assert.equal(plan(world.snapshot, world.now).recheckAt, until);
    assert.equal(plan(world.snapshot, until).recheckAt, undefined, "it has run out");
    world.edit({ replicas: -1 });
    assert.equal(plan(world.snapshot, world.now).recheckAt, until, "also while the spec is invalid");
  });

  it("is looked at again when its router says so", (context) => {
    const world = new World({ autoPromotionEnabled: false }).settle().deploy("web:2").settle().promote();
    const recheckAt = later(world.now, 5);
    const pending = (): Routing => ({ is: "pending", on: "resolvers to forget", recheckAt });
    context.mock.method(serviceRouter, "verify", pending);
    world.settle();
    assert.equal(world.live(), "web:2");
    assert.equal(world.last?.recheckAt, recheckAt);
    world.ask({ abort: true }).settle();
    assert.equal(world.live(), "web:1");
    assert.equal(world.last?.recheckAt, recheckAt);
  });
});
