import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { podTemplateHashLabel } from "../../src/api/names.ts";
import { availableOf, hashOf } from "../../src/rollout/replica-set.ts";
import { World } from "./world.ts";

const images = ["web:1", "web:2", "web:3"] as const;

/** Everything that may happen to a Rollout, in any order; the planner has to cope. */
const happening: fc.Arbitrary<(world: World) => void> = fc.oneof(
  fc.constantFrom(...images).map((image) => (w: World) => void w.deploy(image)),
  fc.constantFrom(...images).map((image) => (w: World) => void w.fail(image)),
  fc.constantFrom(...images).map((image) => (w: World) => void w.heal(image)),
  fc.constant((w: World) => void w.promote()),
  fc.constant((w: World) => void w.ask({ promoteFull: true })),
  fc.constant((w: World) => void w.ask({ abort: true })),
  fc.constant((w: World) => void w.ask({ abort: false })),
  fc.constant((w: World) => void w.select("web", undefined)),
  fc.constant((w: World) => void w.select("web", w.status.currentPodHash)),
  fc.constant((w: World) => void w.select("web-preview", undefined)),
  fc.boolean().map((isPaused) => (w: World) => void w.edit({ paused: isPaused })),
  fc.integer({ min: 0, max: 4 }).map((replicas) => (w: World) => void w.edit({ replicas })),
  fc.integer({ min: 1, max: 90 }).map((seconds) => (w: World) => void w.pass(seconds)),
  fc.constant((w: World) => w.lagging.set("web", w.slices("web"))),
  fc.constant((w: World) => w.lagging.clear()),
);

const strategy = fc.record(
  {
    autoPromotionEnabled: fc.boolean(),
    autoPromotionSeconds: fc.constantFrom(0, 10),
    scaleDownDelaySeconds: fc.constantFrom(0, 30),
    abortScaleDownDelaySeconds: fc.constantFrom(0, 30),
    previewReplicaCount: fc.constantFrom(1, 2),
  },
  { requiredKeys: [] },
);

/** Once there is a stable version, no Service leads to pods of nothing while some version has any. */
function usersAreServed(world: World): void {
  const hash = world.services.get("web")?.spec.selector?.[podTemplateHashLabel];
  if (world.status.stableRS === undefined || (world.rollout.spec.replicas ?? 0) === 0) return;
  const of = (wanted: string | undefined) => world.replicaSets.find((it) => hashOf(it) === wanted);
  const stable = of(world.status.stableRS);
  if (hash === undefined) {
    assert.equal(availableOf(stable), 0, "a missing hash is written back when the stable version can serve");
    assert(
      world.replicaSets.some((it) => availableOf(it) > 0),
      "and when no version can",
    );
    return;
  }
  const live = of(hash);
  assert(live !== undefined, "the active Service selects a version that exists");
  assert(
    live.spec.replicas !== 0 || availableOf(stable) === 0,
    "the active Service does not select a version that was scaled to zero",
  );
}

describe("whatever happens, in whatever order", () => {
  it("the planner comes to rest, keeps its invariants, and users are served", () => {
    fc.assert(
      fc.property(strategy, fc.array(happening, { maxLength: 25 }), (blueGreen, happenings) => {
        const world = new World(blueGreen).settle();
        for (const happens of happenings) {
          happens(world);
          world.settle();
          usersAreServed(world);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("a gate that nobody opened is never passed", () => {
    const withoutPermission = fc.oneof(
      fc.constant((w: World) => void w.select("web", undefined)),
      fc.constant((w: World) => void w.select("web", w.status.currentPodHash)),
      fc.constant((w: World) => void w.fail("web:2")),
      fc.constant((w: World) => void w.heal("web:2")),
      fc.constant((w: World) => void w.ask({ abort: true })),
      fc.constant((w: World) => void w.ask({ abort: false })),
      fc.integer({ min: 1, max: 5 }).map((replicas) => (w: World) => void w.edit({ replicas })),
      fc.integer({ min: 1, max: 90 }).map((seconds) => (w: World) => void w.pass(seconds)),
    );
    fc.assert(
      fc.property(fc.array(withoutPermission, { maxLength: 20 }), (happenings) => {
        const world = new World({ autoPromotionEnabled: false }).settle().deploy("web:2").settle();
        for (const happens of happenings) {
          happens(world);
          world.settle();
          assert.equal(world.live(), "web:1");
        }
      }),
      { numRuns: 300 },
    );
  });
});
