import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { World } from "./world.ts";

const manual = { autoPromotionEnabled: false };

/** The events from here on. */
function newsOf(world: World, play: (world: World) => unknown): readonly string[] {
  world.news.length = 0;
  play(world);
  return [...world.news];
}

const reasonsOf = (news: readonly string[]): readonly string[] =>
  news.map((line) => line.split(/[ :]/)[1] ?? "");
const completion = (news: readonly string[]): readonly string[] =>
  news.filter((line) => line.includes("RolloutCompleted")).map((line) => line.split(": ").at(-1) ?? "");

describe("pausing a Rollout that has no update", () => {
  it("says that it is paused, and nothing of availability", () => {
    const world = new World().settle();
    const news = newsOf(world, (w) => w.edit({ paused: true }).settle());
    assert.deepEqual(news, []);
    assert.deepEqual(
      ["Paused", "Healthy", "Progressing", "Available"].map((type) => world.condition(type)),
      ["True RolloutPaused", "False RolloutHealthy", "True NewReplicaSetAvailable", "True AvailableReason"],
    );
    assert.deepEqual([world.status.phase, world.status.message], ["Paused", "manually paused"]);
    world.edit({ paused: false }).settle();
    assert.deepEqual(world.news, []);
    assert.equal(world.condition("Paused"), "False RolloutPaused");
    assert.deepEqual([world.status.phase, world.condition("Healthy")], ["Healthy", "True RolloutHealthy"]);
  });

  it("still says it when its pods are lost meanwhile", () => {
    const world = new World().settle().edit({ paused: true }).settle().fail("web:1").settle();
    assert.deepEqual(
      ["Available", "Progressing"].map((type) => world.condition(type)),
      ["False AvailableReason", "True NewReplicaSetAvailable"],
    );
    const both = new World().settle().edit({ paused: true }).fail("web:1").settle();
    assert.equal(both.condition("Progressing"), "True ReplicaSetNotAvailable");
  });
});

describe("the events of a pause", () => {
  it("are the controller's own: one when it begins, none when somebody promotes", () => {
    const world = new World(manual).settle();
    const begun = newsOf(world, (w) => w.deploy("web:2").settle());
    assert.ok(begun.includes("Normal RolloutPaused: Rollout is paused (BlueGreenPause)"));
    assert.deepEqual(reasonsOf(newsOf(world, (w) => w.promote().settle())), [
      "SwitchService",
      "RolloutCompleted",
    ]);
  });

  it("are two when it ends by itself", () => {
    const world = new World({ autoPromotionSeconds: 60 }).settle().deploy("web:2").settle();
    const ended = newsOf(world, (w) => w.pass(60));
    assert.deepEqual(reasonsOf(ended), ["SwitchService", "RolloutResumed", "RolloutCompleted"]);
  });

  it("are not told of an abort", () => {
    const world = new World(manual).settle().deploy("web:2").settle();
    const news = newsOf(world, (w) => w.ask({ abort: true }).settle());
    assert.deepEqual(reasonsOf(news), ["RolloutAborted"]);
    assert.equal(world.condition("Paused"), "False RolloutPaused");
  });
});

describe("the order of events", () => {
  it("begins with RolloutUpdated, also where a former version comes back", () => {
    const world = new World().settle();
    const start = ["RolloutUpdated", "NewReplicaSetCreated", "RolloutNotCompleted", "SwitchService"];
    assert.deepEqual(reasonsOf(newsOf(world, (w) => w.deploy("web:2").settle())).slice(0, 4), start);
    const back = reasonsOf(newsOf(world, (w) => w.deploy("web:1").settle()));
    assert.deepEqual(back.slice(0, 3), ["RolloutUpdated", "RolloutNotCompleted", "SwitchService"]);
  });
});

describe("the way in which an update was completed", () => {
  const live2 = (strategy = {}, spec = {}): World =>
    new World(strategy, spec).settle().deploy("web:2").settle().promote().settle();

  it("is a fast rollback where the version is warm, whether or not the switch takes a while", () => {
    const world = live2(manual);
    assert.deepEqual(completion(newsOf(world, (w) => w.deploy("web:1").settle())), ["Fast rollback"]);

    const slow = live2(manual);
    slow.lagging.set("web", slow.slices("web"));
    slow.deploy("web:1").settle().pass(5);
    assert.equal(slow.live(), "web:1");
    slow.lagging.clear();
    assert.deepEqual(completion(newsOf(slow, (w) => w.settle())), ["Fast rollback"]);
    assert.deepEqual(completion(newsOf(slow, (w) => w.deploy("web:3").settle().promote().settle())), [
      "Completed blue-green update",
    ]);
  });

  it("is one also where it first has to grow", () => {
    const world = live2(manual);
    world.fail("web:1").edit({ replicas: 3 }).deploy("web:1").settle().pass(5);
    assert.equal(world.live(), "web:2");
    assert.deepEqual(completion(newsOf(world, (w) => w.heal("web:1").settle())), ["Fast rollback"]);
  });

  it("is an update through its gate where the version was cold", () => {
    const world = live2(manual).pass(40).deploy("web:1").settle();
    assert.equal(world.status.message, "BlueGreenPause");
    assert.deepEqual(completion(newsOf(world, (w) => w.promote().settle())), ["Completed blue-green update"]);
  });

  it("is the rollback window, or a full promotion, where these applied", () => {
    const window = live2(manual, { rollbackWindow: { revisions: 1 } }).pass(40);
    assert.deepEqual(completion(newsOf(window, (w) => w.deploy("web:1").settle())), [
      "Rollback within window",
    ]);
    const full = live2(manual).deploy("web:3").settle();
    const news = newsOf(full, (w) => w.ask({ promoteFull: true }).settle());
    assert.deepEqual(completion(news), ["Full promotion requested"]);
  });
});

describe("a superseded version that is still warm", () => {
  const warm = (): World => new World({}, { replicas: 4 }).settle().deploy("web:2").settle();

  it("shrinks with spec.replicas, and goes when its time has come", () => {
    const world = warm();
    const news = newsOf(world, (w) => w.edit({ replicas: 2 }).settle());
    assert.deepEqual([world.size("web:1"), world.size("web:2"), world.status.replicas], [2, 2, 4]);
    assert.equal(news.length, 2);
    assert.equal(world.pass(30).size("web:1"), 0);
  });

  it("does not grow with it, and does before users come back to it", () => {
    const world = warm().edit({ replicas: 6 }).settle();
    assert.deepEqual([world.size("web:1"), world.size("web:2")], [4, 6]);
    world.fail("web:1").deploy("web:1").settle();
    assert.deepEqual([world.size("web:1"), world.live()], [6, "web:2"]);
    assert.equal(world.heal("web:1").settle().live(), "web:1");
  });

  it("keeps its size while users may still reach it", () => {
    const world = new World({}, { replicas: 4 }).settle();
    const before = world.slices("web");
    world.deploy("web:2").settle().lagging.set("web", before);
    world.edit({ replicas: 2 }).settle();
    assert.deepEqual([world.size("web:1"), world.size("web:2")], [4, 2]);
    world.lagging.clear();
    assert.equal(world.settle().size("web:1"), 2);
  });
});

describe("superseded versions that somebody else is to scale down", () => {
  const annotations = { "teal.dev/keep-superseded-pods": "true" };

  function keeping(strategy: object): World {
    const world = new World({ ...manual, ...strategy });
    world.rollout = { ...world.rollout, metadata: { ...world.rollout.metadata, annotations } };
    return world.settle().deploy("web:2").settle().promote().settle();
  }

  for (const strategy of [{}, { scaleDownDelaySeconds: 0 }, { scaleDownDelayRevisionLimit: 0 }]) {
    it(`stay as they are with ${JSON.stringify(strategy)}`, () => {
      const world = keeping(strategy).pass(86_400);
      assert.equal(world.size("web:1"), 2);
      assert.equal(world.of("web:1")?.metadata.annotations?.["scale-down-deadline"], undefined);
      world.edit({ replicas: 1 }).settle();
      assert.deepEqual([world.size("web:1"), world.size("web:2")], [2, 1]);
    });
  }

  it("go as usual once the annotation does", () => {
    const world = keeping({}).pass(3600);
    world.rollout = { ...world.rollout, metadata: { ...world.rollout.metadata, annotations: {} } };
    assert.equal(world.settle().pass(30).size("web:1"), 0);
  });
});
