import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ReplicaSet } from "../../src/api/core.ts";
import { podTemplateHashLabel, revisionAnnotation } from "../../src/api/names.ts";
import { plan } from "../../src/rollout/plan.ts";
import { deadlineOf, hashOf } from "../../src/rollout/replica-set.ts";
import { type Instant, instant } from "../../src/time/clock.ts";
import { callOf, World } from "./world.ts";

// When a superseded version goes: after its delay; later while the live one is failing; at the latest after an hour more.

const manual = { autoPromotionEnabled: false };
const minute = 60;

function promoted(blueGreen: object = {}, spec: object = {}): World {
  const world = new World({ ...manual, ...blueGreen }, spec).settle();
  return world.deploy("web:2").settle().promote().settle();
}

/** Lets time pass with so many pods of the image available, whatever its ReplicaSet asks for. */
function passWith(world: World, image: string, available: number, seconds: number): void {
  const limit = () => {
    world.replicaSets = world.replicaSets.map((it) =>
      it === world.of(image)
        ? { ...it, status: { ...it.status, availableReplicas: available, readyReplicas: available } }
        : it,
    );
  };
  const end = world.now + seconds * 1000;
  while (world.now < end) {
    limit();
    world.carryOut(plan(world.snapshot, world.now));
    limit();
    world.now = instant(world.now + 5000);
  }
}

/** The active Service's slices as they are when its selector names `hash`. */
function slicesOf(world: World, hash: string): ReturnType<World["slices"]> {
  const live = world.services.get("web")?.spec.selector?.[podTemplateHashLabel];
  const slices = world.select("web", hash).slices("web");
  world.select("web", live);
  return slices;
}

function deadline(world: World, image: string): Instant | undefined {
  return deadlineOf(world.of(image) as ReplicaSet);
}

describe("a superseded version", () => {
  it("goes after its delay while an autoscaler moves: resizing is not failing", () => {
    const world = promoted({ scaleDownDelaySeconds: 600 });
    for (const replicas of [3, 2, 4, 2, 3]) world.pass(100).edit({ replicas }).settle();
    assert.equal(world.size("web:1"), 2);
    world.pass(101);
    assert.equal(world.size("web:1"), 0);
  });

  it("goes on time although one of ten live pods cannot be scheduled", () => {
    const world = promoted({}, { replicas: 10 });
    passWith(world, "web:2", 9, 40);
    assert.equal(world.size("web:1"), 0);
  });

  it("stays while fewer than three quarters of the live pods are available, for an hour at most", () => {
    const world = promoted({}, { replicas: 10 });
    passWith(world, "web:2", 7, 58 * minute);
    assert.equal(world.size("web:1"), 10);
    const annotations = world.calls.filter((call) => call === "patch ReplicaSet").length;
    assert.ok(annotations < 15, `${annotations} writes to put it off`);
    assert.equal(world.events.filter((reason) => reason === "ScaleDownPostponed").length, 1);
    passWith(world, "web:2", 7, 4 * minute);
    assert.equal(world.size("web:1"), 0);
  });

  it("stays for the delay after the live one has come back", () => {
    const world = promoted().fail("web:2").settle().pass(45).heal("web:2").settle();
    const until = deadline(world, "web:1");
    assert.ok(until !== undefined && until >= world.now + 15_000, "at least half of the delay is left");
    world.pass(5);
    assert.equal(world.size("web:1"), 2);
    world.pass(31);
    assert.equal(world.size("web:1"), 0);
  });

  it("stays also beyond its place in scaleDownDelayRevisionLimit, and with a delay of 0", () => {
    for (const strategy of [{ scaleDownDelayRevisionLimit: 0 }, { scaleDownDelaySeconds: 0 }]) {
      const world = new World({ ...manual, ...strategy }).settle().deploy("web:2").settle();
      world.lagging.set("web", world.slices("web"));
      world.promote().settle();
      world.lagging.clear();
      const hash = hashOf(world.of("web:2") as ReplicaSet);
      world.carryOut(plan(world.snapshot, world.now));
      world.fail("web:2");
      assert.equal(world.settle().services.get("web")?.spec.selector?.["rollouts-pod-template-hash"], hash);
      assert.equal(world.size("web:1"), 2, JSON.stringify(strategy));
      world.pass(20 * minute);
      assert.equal(world.size("web:1"), 2);
      world
        .pass(20 * minute)
        .pass(30 * minute)
        .pass(minute);
      assert.equal(world.size("web:1"), 0);
    }
  });

  it("that requests reach again begins its delay anew", () => {
    const world = promoted();
    const first = hashOf(world.of("web:1") as ReplicaSet);
    world.pass(20).lagging.set("web", slicesOf(world, first));
    world.settle();
    assert.equal(deadline(world, "web:1"), undefined);
    world.pass(20).lagging.clear();
    world.settle().pass(25);
    assert.equal(world.size("web:1"), 2);
    assert.equal(world.pass(6).size("web:1"), 0);
  });

  it("never has more pods than the live one is to have", () => {
    const world = promoted({ scaleDownDelaySeconds: 600 }, { replicas: 4 });
    world.edit({ replicas: 2 }).settle();
    assert.equal(world.size("web:1"), 2);
    world.edit({ replicas: 6 }).settle();
    assert.equal(world.size("web:1"), 2, "and does not grow");
  });

  it("has a deadline that is never early", () => {
    const world = new World({ ...manual, scaleDownDelaySeconds: 1 }).settle().deploy("web:2").settle();
    world.now = instant(world.now + 999);
    world.promote().settle();
    const promotedAt = world.now;
    assert.ok((deadline(world, "web:1") ?? 0) >= promotedAt + 1000);
    world.now = instant(promotedAt + 999);
    assert.equal(world.settle().size("web:1"), 2);
  });

  it("that a Service still selects by hand is not deleted with the history, and the Service is repaired", () => {
    const world = new World({ scaleDownDelaySeconds: 0 }, { revisionHistoryLimit: 5 }).settle();
    for (let n = 2; n <= 5; n++) world.deploy(`web:${n}`).settle();
    const first = world.of("web:1") as ReplicaSet;
    world.edit({ revisionHistoryLimit: 1 }).select("web", hashOf(first));
    const next = plan(world.snapshot, world.now);
    assert.deepEqual(next.refused, []);
    const deleted = next.actions.flatMap((action) => (action.do === "delete" ? action.seen.name : []));
    assert.ok(!deleted.includes(first.metadata.name));
    assert.ok(next.actions.some((action) => callOf(action) === "patch Service"));
    world.settle();
    assert.equal(world.live(), "web:5");
    assert.equal(world.of("web:1"), undefined);
  });
});

describe("a revision that is no number", () => {
  for (const text of ["Infinity", "1e21", "-7", "2.5", "9007199254740993", ""])
    it(`counts as none and does not stick: ${JSON.stringify(text)}`, () => {
      const world = promoted();
      const live = world.of("web:2") as ReplicaSet;
      const annotations = { ...live.metadata.annotations, [revisionAnnotation]: text };
      world.replicaSets = world.replicaSets.map((it) =>
        it === live ? { ...it, metadata: { ...it.metadata, annotations } } : it,
      );
      world.settle().deploy("web:3").settle();
      const revisions = world.replicaSets.map((it) => it.metadata.annotations?.[revisionAnnotation]);
      assert.equal(new Set(revisions).size, 3);
      assert.ok(
        revisions.every((revision) => /^\d$/.test(revision ?? "")),
        revisions.join(),
      );
    });
});

describe("the progress deadline of the next version", () => {
  it("fires while an old version is kept because the live one is down", () => {
    const world = new World(
      { scaleDownDelaySeconds: 30 },
      { progressDeadlineSeconds: 60, progressDeadlineAbort: true },
    ).settle();
    world.deploy("web:2").settle().fail("web:2").settle().pass(31).fail("web:3").deploy("web:3").settle();
    assert.equal(world.size("web:1"), 2);
    world.pass(50);
    assert.equal(world.status.abort, undefined);
    world.pass(12).settle();
    assert.equal(world.status.abort, true);
  });
});

describe("the Available condition", () => {
  it("is not moved by a resize", () => {
    const world = new World({}, { replicas: 4 }).settle();
    const since = () => world.status.conditions?.find(({ type }) => type === "Available")?.lastTransitionTime;
    const before = since();
    for (const replicas of [3, 5, 1, 9]) world.pass(60).edit({ replicas }).settle();
    assert.equal(since(), before);
    passWith(world, "web:1", 8, 5);
    assert.equal(world.condition("Available"), "False AvailableReason");
  });
});
