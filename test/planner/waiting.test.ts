import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Condition, ReplicaSet } from "../../src/api/core.ts";
import { abortSteps } from "../../src/rollout/blue-green/abort.ts";
import { blueGreenSteps } from "../../src/rollout/blue-green/steps.ts";
import { blueGreenWaits } from "../../src/rollout/blue-green/waits.ts";
import { plan } from "../../src/rollout/plan.ts";
import { endOf, reasonOf } from "../../src/rollout/status/waiting.ts";
import { callOf, World } from "./world.ts";

const manual = { autoPromotionEnabled: false };

function waitingOf(world: World): Condition | undefined {
  return world.status.conditions?.find(({ type }) => type === "Waiting");
}

/** Only some pods of the version are available. */
function available(world: World, image: string, count: number): World {
  world.replicaSets = world.replicaSets.map((replicaSet) =>
    replicaSet === world.of(image) ? withAvailable(replicaSet, count) : replicaSet,
  );
  return world.settle();
}

function withAvailable(replicaSet: ReplicaSet, count: number): ReplicaSet {
  return { ...replicaSet, status: { ...replicaSet.status, replicas: 2, availableReplicas: count } };
}

interface Case {
  readonly when: string;
  readonly world: () => World;
  readonly reason: string;
  readonly on: string;
  readonly detail?: string;
  readonly end: string;
}

const cases: readonly Case[] = [
  {
    when: "pods of a first version do not come up",
    world: () => new World().fail("web:1").settle(),
    reason: "ScalePreview",
    on: "pods of the new version to become available",
    detail: "0 of 2 are",
    end: "it goes on as soon as they are",
  },
  {
    when: "pods of an update do not come up",
    world: () => new World().settle().fail("web:2").deploy("web:2").settle(),
    reason: "ScalePreview",
    on: "pods of the new version to become available",
    detail: "0 of 2 are",
    end: "it goes on as soon as they are, `teal abort web` gives it up",
  },
  {
    when: "the live version has lost its pods",
    world: () => new World().settle().fail("web:1").settle(),
    reason: "ScalePreview",
    on: "pods of the live version to become available",
    detail: "0 of 2 are",
    end: "it goes on as soon as they are",
  },
  {
    when: "somebody has to promote",
    world: () => new World(manual).settle().deploy("web:2").settle(),
    reason: "AwaitPromotion",
    on: "somebody to promote",
    end: "`teal promote web` ends it",
  },
  {
    when: "the pause has an end",
    world: () => new World({ autoPromotionSeconds: 60 }).settle().deploy("web:2").settle(),
    reason: "AwaitPromotion",
    on: "autoPromotionSeconds to pass, until 2026-01-01T00:01:00Z",
    end: "`teal promote web` ends it",
  },
  {
    when: "the Rollout is paused in its spec",
    world: () => new World().settle().edit({ paused: true }).deploy("web:2").settle(),
    reason: "AwaitPromotion",
    on: "spec.paused to be taken back",
    end: "`teal promote web` ends it",
  },
  {
    when: "a smaller preview has been promoted and grows",
    world: () => {
      const world = new World({ ...manual, previewReplicaCount: 1 }).settle().deploy("web:2").settle();
      return available(world.fail("web:2").promote().settle(), "web:2", 1);
    },
    reason: "ScalePreview",
    on: "pods of the new version to become available",
    detail: "1 of 2 are",
    end: "it goes on as soon as they are, `teal abort web` gives it up",
  },
  {
    when: "the switch is not confirmed",
    world: () => {
      const world = new World().settle();
      world.lagging.set("web", world.slices("web"));
      return world.deploy("web:2").settle();
    },
    reason: "ConfirmRouting",
    on: "requests to Service web to reach the new version only",
    detail: "Service web to leave pod web-",
    end: "it goes on as soon as they do, `teal abort web` sends them back",
  },
  {
    when: "an aborted version stays for a while",
    world: () => new World(manual).settle().deploy("web:2").settle().ask({ abort: true }).settle(),
    reason: "RetireAborted",
    on: "abortScaleDownDelaySeconds to pass, until 2026-01-01T00:00:30Z",
    end: "it goes on by itself",
  },
  {
    when: "the way back has nobody to lead to",
    world: () => {
      const world = new World().settle();
      world.lagging.set("web", world.slices("web"));
      world.deploy("web:2").settle();
      return world.fail("web:1").ask({ abort: true }).settle();
    },
    reason: "ReturnToStable",
    on: "pods of the stable version to become available",
    detail: "0 of 2 are",
    end: "it goes on as soon as that is so",
  },
];

describe("what a Rollout waits for", () => {
  for (const { when, world: play, reason, on, detail, end } of cases) {
    it(`is said when ${when}`, () => {
      const world = play();
      const { lastTransitionTime, lastUpdateTime, ...condition } = waitingOf(world) ?? { type: "none" };
      assert.deepEqual(condition, { type: "Waiting", status: "True", reason, message: on });
      assert.equal(lastTransitionTime, "2026-01-01T00:00:00Z");
      assert.equal(lastUpdateTime, lastTransitionTime);
      const standing = world.last?.standing;
      assert.equal(reasonOf(standing?.step ?? ""), reason);
      assert.equal(standing?.since, world.now);
      assert.equal(standing?.end, end);
      assert.ok((standing?.detail ?? "").startsWith(detail ?? ""), standing?.detail);
      assert.equal(standing?.detail === undefined, detail === undefined);
    });
  }

  it("is not there where nothing is waited for", () => {
    const world = new World(manual).settle();
    assert.equal(waitingOf(world), undefined);
    world.deploy("web:2").settle().promote().settle();
    assert.equal(waitingOf(world), undefined);
    assert.equal(world.last?.standing, undefined);
  });

  it("begins anew with each step and each version, and not with each pod", () => {
    const world = new World(manual).settle().fail("web:2").deploy("web:2").settle();
    world.pass(10);
    const calls = world.calls.length;
    const before = waitingOf(world);
    available(world, "web:2", 1);
    assert.deepEqual(world.calls.slice(calls), []);
    assert.deepEqual(waitingOf(world), before);
    assert.equal(world.last?.standing?.detail, "1 of 2 are");
    world.heal("web:2").settle();
    assert.equal(waitingOf(world)?.lastTransitionTime, "2026-01-01T00:00:10Z");
    world.pass(10).deploy("web:3").settle();
    assert.deepEqual(
      [waitingOf(world)?.reason, waitingOf(world)?.lastTransitionTime],
      ["AwaitPromotion", "2026-01-01T00:00:20Z"],
    );
  });

  it("writes nothing while it lasts", () => {
    const world = new World(manual).settle().deploy("web:2").settle();
    const calls = world.calls.length;
    world.pass(3600).pass(3600);
    assert.equal(world.calls.length, calls);
  });

  it("is said in the very pass that scales, before anything has come of it", () => {
    const world = new World(manual).settle().deploy("web:2");
    let next = plan(world.snapshot, world.now);
    for (
      ;
      !next.actions.some((action) => callOf(action) === "scale ReplicaSet");
      next = plan(world.snapshot, world.now)
    )
      world.carryOut(next);
    const { reason } = next.status.conditions?.find(({ type }) => type === "Waiting") ?? {};
    assert.equal(reason, "ScalePreview");
  });

  it("is said together with the call that it follows, so that it costs no write of its own", () => {
    const world = new World(manual).settle().fail("web:2");
    const from = world.calls.length;
    const update = ["patch Rollout", "create ReplicaSet", "patch status", "patch Service"];
    world.deploy("web:2").settle();
    assert.deepEqual(world.calls.slice(from), [
      ...update,
      "scale ReplicaSet",
      "patch status",
      "patch status",
    ]);
    world.lagging.set("web", world.slices("web"));
    world.heal("web:2").settle();
    const paused = world.calls.length;
    world.promote().settle();
    assert.deepEqual(world.calls.slice(paused), ["patch Service", "patch status"]);
  });

  it("is forgotten when the spec becomes invalid", () => {
    const world = new World(manual).settle().deploy("web:2").settle().edit({ replicas: -1 }).settle();
    assert.equal(waitingOf(world), undefined);
  });

  it("knows an end for steps that there are, and says that others go on by themselves", () => {
    const reasons = [...blueGreenSteps, ...abortSteps].map((step) => reasonOf(step.name));
    const byItself = "it goes on by itself";
    const known = reasons.filter((reason) => endOf(blueGreenWaits, reason, "web", true) !== byItself);
    assert.deepEqual(known, [
      "ScalePreview",
      "AwaitPromotion",
      "ScaleToFullSize",
      "SwitchRoutes",
      "ConfirmRouting",
      "ReturnToStable",
      "ConfirmReturn",
    ]);
    for (const other of ["SomethingElse", "constructor"])
      assert.equal(endOf(blueGreenWaits, other, "web", true), byItself);
  });
});

describe("a wait that lasts", () => {
  const told = (world: World): number => world.events.filter((reason) => reason === "RolloutWaiting").length;

  it("is told of once, after half of progressDeadlineSeconds", () => {
    const world = new World(manual, { progressDeadlineSeconds: 60 }).settle().fail("web:2").deploy("web:2");
    world.settle();
    assert.equal(world.last?.recheckAt, world.now + 30_000);
    assert.equal(told(world.pass(29)), 0);
    assert.equal(told(world.pass(1)), 1);
    assert.equal(told(world.pass(1).pass(3600)), 1);
    assert.equal(waitingOf(world)?.lastTransitionTime, "2026-01-01T00:00:00Z", "since when it waits");
  });

  it("is told of again when it is another one", () => {
    const world = new World({}, { progressDeadlineSeconds: 60 }).settle().fail("web:2").deploy("web:2");
    world.settle().pass(30).fail("web:3").deploy("web:3").settle();
    assert.equal(told(world), 1);
    assert.equal(told(world.pass(30)), 2);
  });

  it("says what it waits for, for how long, how far it is and what would end it", () => {
    const world = new World({}, { progressDeadlineSeconds: 60 }).settle().fail("web:2").deploy("web:2");
    world.settle().news.length = 0;
    assert.deepEqual(world.pass(30).news, [
      "Warning RolloutWaiting: Waiting for pods of the new version to become available for 30s (0 of 2 are): " +
        "it goes on as soon as they are, `teal abort web` gives it up",
    ]);
  });

  it("is not told of where it has an end: the delay after an abort", () => {
    const world = new World({ ...manual, abortScaleDownDelaySeconds: 5000 })
      .settle()
      .deploy("web:2")
      .settle();
    world.ask({ abort: true }).settle().pass(4000);
    assert.equal(waitingOf(world)?.reason, "RetireAborted");
    assert.equal(told(world), 0);
  });

  for (const [what, strategy, spec] of [
    ["a pause", manual, {}],
    ["a pause with an end", { autoPromotionSeconds: 6000 }, {}],
    ["spec.paused", {}, { paused: true }],
  ] as const) {
    it(`is not told of where somebody wants it: ${what}`, () => {
      const world = new World(strategy).settle().edit(spec).deploy("web:2").settle().pass(5000);
      assert.equal(waitingOf(world)?.reason, "AwaitPromotion");
      assert.equal(told(world), 0);
    });
  }
});
