import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { podTemplateHashLabel } from "../../src/api/names.ts";
import type { Plan } from "../../src/rollout/pass.ts";
import { availableOf, hashOf, scale } from "../../src/rollout/replica-set.ts";
import { runs } from "../effort.ts";
import { World } from "./world.ts";

const images = ["web:1", "web:2", "web:3"] as const;
const manual = { autoPromotionEnabled: false };

/** Something that happens to a world; its name shows in the report of a failure. */
type Happening<W = World> = fc.Arbitrary<(world: W) => void>;

function named<W = World>(name: string, happens: (world: W) => void): (world: W) => void {
  return Object.assign(happens, { [fc.toStringMethod]: () => name });
}

const always = <W = World>(name: string, happens: (world: W) => void): Happening<W> =>
  fc.constant(named(name, happens));

const image = fc.constantFrom(...images);
/** Seconds, most of them not whole. */
const someTime = fc.integer({ min: 1, max: 90_000 }).map((milliseconds) => milliseconds / 1000);

const troubles: readonly Happening[] = [
  fc
    .tuple(image, fc.constantFrom(0, 1, 3))
    .map(([of, most]) => named(`${of} has at most ${most} pods`, (w) => w.fail(of, most))),
  image.map((of) => named(`${of} heals`, (w) => w.heal(of))),
  always("endpoints stand still", (w) => w.lagging.set("web", w.slices("web"))),
  always("endpoints follow", (w) => w.lagging.clear()),
  always("statuses are late", (w) => w.delayStatuses()),
  always("statuses catch up", (w) => w.catchUpStatuses()),
];

const machines: readonly Happening[] = [
  always("strip", (w) => w.select("web", undefined)),
  always("point to the newest", (w) => w.select("web", w.status.currentPodHash)),
  always("strip the preview", (w) => w.select("web-preview", undefined)),
  fc.integer({ min: 0, max: 4 }).map((replicas) => named(`scale ${replicas}`, (w) => w.edit({ replicas }))),
  someTime.map((seconds) => named(`${seconds} s pass`, (w) => w.pass(seconds))),
];

const people: readonly Happening[] = [
  image.map((of) => named(`deploy ${of}`, (w) => w.deploy(of))),
  always("promote", (w) => w.promote()),
  always("promote fully", (w) => w.ask({ promoteFull: true })),
  always("abort", (w) => w.ask({ abort: true })),
  always("retry", (w) => w.ask({ abort: false })),
  fc.boolean().map((isPaused) => named(`paused: ${isPaused}`, (w) => w.edit({ paused: isPaused }))),
];

/** Histories in which people do more than machines, and machines more than fails: most updates get somewhere. */
function histories<W>(
  byPeople: readonly Happening<W>[],
  byMachines: readonly Happening<W>[],
  fails: readonly Happening<W>[],
): fc.Arbitrary<((world: W) => void)[]> {
  const happening = fc.oneof(
    { arbitrary: fc.oneof(...byPeople), weight: 6 },
    { arbitrary: fc.oneof(...byMachines), weight: 3 },
    { arbitrary: fc.oneof(...fails), weight: 2 },
  );
  return fc.array(happening, { maxLength: 30, size: "max" });
}

/** Everything that may happen to a Rollout, in any order; the planner has to cope. */
const happenings = histories<World>(people, machines, troubles);

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

/** All troubles end, and time passes. */
function comeToRest(world: World): void {
  for (const of of images) world.heal(of);
  world.lagging.clear();
  const replicas = world.rollout.spec.replicas || 2;
  world.catchUpStatuses().edit({ paused: false, replicas }).settle();
  for (let minute = 0; minute < 30; minute += 1) world.pass(60.5);
}

/** Users are on one version, complete; the rest is gone, but for a preview that a person has to decide about. */
function isAtRest(world: World): void {
  const { status, rollout } = world;
  const { replicas = 0, strategy: { blueGreen } = {} } = rollout.spec;
  const live = world.replicaSets.find((it) => hashOf(it) === status.stableRS);
  assert(live !== undefined, "the stable version is there");
  assert(world.isReached(live), "users are on the stable version");
  assert.equal(status.blueGreen?.activeSelector, status.stableRS, "the status says what is live");
  assert.equal(live.spec.replicas, replicas, "the live version has its size");
  const isUpdating = status.currentPodHash !== status.stableRS;
  const kept = world.replicaSets.filter((it) => it !== live && (it.spec.replicas ?? 0) > 0);
  if (!isUpdating) {
    assert.equal(status.phase, "Healthy");
    assert.deepEqual(kept.map(hashOf), [], "old versions are gone");
    return;
  }
  if (status.phase === "Paused") {
    assert.equal(status.message, "BlueGreenPause", "only a promotion is waited for");
    assert.deepEqual(kept.map(hashOf), [status.currentPodHash], "only the preview is kept");
    return;
  }
  assert.match(`${status.phase} ${status.message}`, /^Degraded RolloutAborted: /);
  const mayStay = blueGreen?.abortScaleDownDelaySeconds === 0 ? [status.currentPodHash] : [];
  assert(
    kept.map(hashOf).every((hash) => mayStay.includes(hash)),
    "the aborted version is gone",
  );
}

/** What a person does about what rests. */
function finish(world: World): void {
  if (world.status.phase === "Degraded") world.ask({ abort: false }).settle();
  if (world.status.phase === "Paused") world.promote();
  comeToRest(world);
}

/** Notes who has been allowed to go live, and refuses a switch to anybody else. The strategy asks for a promotion. */
class GatedWorld extends World {
  readonly #allowed = new Set<string>();
  readonly #wasLive = new Set<string>();

  constructor() {
    super(manual);
  }

  override promote(): this {
    const { pauseConditions = [], currentPodHash = "" } = this.status;
    if (pauseConditions.length > 0 && this.#isSeen()) this.#allowed.add(currentPodHash);
    return super.promote();
  }

  promoteFully(): this {
    const { currentPodHash = "" } = this.status;
    if (this.#isSeen()) this.#allowed.add(currentPodHash);
    return this.ask({ promoteFull: true });
  }

  abort(): this {
    this.#allowed.clear();
    return this.ask({ abort: true });
  }

  override deploy(of: string): this {
    if (of !== this.#image()) this.#allowed.clear();
    return super.deploy(of);
  }

  override carryOut(next: Plan): void {
    for (const action of next.actions) {
      const { effect } = action;
      if (effect?.on !== "requests" || effect.role !== "active") continue;
      const { to } = effect;
      const target = this.replicaSets.find((it) => hashOf(it) === to);
      const isBack = this.#wasLive.has(to) && (target?.spec.replicas ?? 0) > 0;
      const isFirst = this.#wasLive.size === 0;
      const { stableRS } = this.status;
      assert(
        isFirst || isBack || stableRS === to || this.#allowed.has(to),
        `${to} goes live although nobody has allowed it: ${action.because}`,
      );
      if (this.status.stableRS !== undefined) this.#wasLive.add(to);
    }
    super.carryOut(next);
  }

  // Whoever promotes has seen this version, not the one before.
  #isSeen(): boolean {
    const current = this.replicaSets.find((it) => hashOf(it) === this.status.currentPodHash);
    return current?.spec.template.spec.containers[0]?.image === this.#image();
  }

  #image(): string | undefined {
    return this.rollout.spec.template?.spec.containers[0]?.image;
  }
}

const gatedPeople: readonly Happening<GatedWorld>[] = [
  image.map((of) => named(`deploy ${of}`, (w) => w.deploy(of))),
  always("promote", (w) => w.promote()),
  always("promote fully", (w) => w.promoteFully()),
  always("abort", (w) => w.abort()),
  always("retry", (w) => w.ask({ abort: false })),
];

describe("whatever happens, in whatever order", () => {
  it("the planner comes to rest, keeps its invariants, shrinks nobody, and users are served", () => {
    fc.assert(
      fc.property(strategy, happenings, (blueGreen, all) => {
        const world = new World(blueGreen).settle();
        for (const happens of all) {
          happens(world);
          world.settle();
          usersAreServed(world);
        }
      }),
      runs(500),
    );
  });

  it("at rest the old versions are gone, and what still waits a person can end", () => {
    fc.assert(
      fc.property(strategy, happenings, (blueGreen, all) => {
        const world = new World(blueGreen).settle();
        for (const happens of all) {
          happens(world);
          world.settle();
        }
        comeToRest(world);
        isAtRest(world);
        finish(world);
        assert.equal(world.status.phase, "Healthy");
        assert.equal(world.status.stableRS, world.status.currentPodHash, "the newest version is live");
        isAtRest(world);
      }),
      runs(300),
    );
  });

  it("a gate that nobody opened is never passed", () => {
    fc.assert(
      fc.property(histories<GatedWorld>(gatedPeople, machines, troubles), (all) => {
        const world = new GatedWorld();
        world.settle();
        for (const happens of all) {
          happens(world);
          world.settle();
        }
      }),
      runs(500),
    );
  });
});

describe("the world that the planner is tried in", () => {
  const shrink = (world: World): void => {
    const target = world.of("web:1") ?? assert.fail();
    const action = scale(target, 1, 2, "a bad plan");
    world.carryOut({ actions: [action], refused: [], events: [], status: world.status });
  };

  it("refuses to shrink a version that users reach, by its selector or by its endpoints", () => {
    assert.throws(() => shrink(new World().settle()), /web:1, which users reach, is shrunk to 1/);
    const moving = new World(manual).settle().deploy("web:2").settle();
    moving.lagging.set("web", moving.slices("web"));
    assert.throws(() => shrink(moving.promote().settle()), /web:1, which users reach/);
  });

  it("lets go of what users have left, and of what a person wants smaller", () => {
    shrink(new World().settle().deploy("web:2").settle());
    shrink(new World().settle().edit({ replicas: 1 }));
  });

  it("counts generations, and statuses that are late tell of the one before", () => {
    const world = new World().settle().delayStatuses().edit({ replicas: 3 }).settle();
    const { metadata, status } = world.of("web:1") ?? assert.fail();
    assert.deepEqual([metadata.generation, status?.observedGeneration, status?.replicas], [3, 2, 2]);
    const now = world.catchUpStatuses().settle().of("web:1");
    assert.deepEqual([now?.status?.observedGeneration, now?.status?.replicas], [3, 3]);
  });
});
