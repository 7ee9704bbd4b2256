import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ReplicaSet } from "../../src/api/core.ts";
import { managedByAnnotation } from "../../src/api/names.ts";
import { strategyOf } from "../../src/api/strategy.ts";
import { blueGreenSituation } from "../../src/rollout/blue-green/situation.ts";
import { identified } from "../../src/rollout/identified-replica-set.ts";
import { brokenInvariant } from "../../src/rollout/invariants.ts";
import { plan } from "../../src/rollout/plan.ts";
import { hashOf, scale } from "../../src/rollout/replica-set.ts";
import { template, World } from "./world.ts";

// What has to work on the worst night, whatever else is broken: the way back, the size of what is live, and its route.

const manual = { autoPromotionEnabled: false };

/** What may be wrong with a Rollout while it is carried out. */
const wrongs: Readonly<Record<string, (world: World) => unknown>> = {
  "the preview Service is gone": (w) => w.services.delete("web-preview"),
  "the spec names one Service twice": (w) =>
    w.edit({ strategy: { blueGreen: { ...manual, activeService: "web", previewService: "web" } } }),
  "a number is negative": (w) => w.edit({ minReadySeconds: -1 }),
  "the template has lost its labels": (w) => w.edit({ template: { ...template("web:2"), metadata: {} } }),
  "the template has lost its containers": (w) =>
    w.edit({ template: { ...template("web:2"), spec: { containers: [] } } }),
  "the template is gone": (w) => {
    const { template: _, ...spec } = w.rollout.spec;
    w.rollout = { ...w.rollout, spec };
  },
  "the preview Service selects other pods": (w) => {
    const service = w.services.get("web-preview");
    if (service !== undefined)
      w.services.set("web-preview", { ...service, spec: { ...service.spec, selector: { app: "other" } } });
  },
};

describe("a Rollout that cannot be carried out as it is written", () => {
  for (const [wrong, make] of Object.entries(wrongs)) {
    it(`gets its live version resized: ${wrong}`, () => {
      const world = new World(manual).settle().deploy("web:2").settle();
      make(world);
      world.edit({ replicas: 6 }).settle();
      assert.match(world.status.message ?? "", /^InvalidSpec/);
      assert.deepEqual([world.live(), world.size("web:1")], ["web:1", 6]);
    });

    it(`gets its active route repaired: ${wrong}`, () => {
      const world = new World(manual).settle().deploy("web:2").settle();
      make(world);
      world.select("web", undefined).settle();
      assert.equal(world.live(), "web:1");
      world.select("web", hashOf(world.of("web:2") as ReplicaSet)).settle();
      assert.equal(world.live(), "web:1");
    });
  }

  it("is aborted after the switch although the preview Service is gone, and says both", () => {
    const world = new World(manual).settle().deploy("web:2").settle();
    world.lagging.set("web", world.slices("web"));
    world.promote().settle();
    world.services.delete("web-preview");
    world.ask({ abort: true }).settle();
    assert.equal(world.live(), "web:1");
    assert.match(world.status.message ?? "", /^InvalidSpec/);
    assert.notEqual(world.status.abortedAt, undefined);
    world.lagging.clear();
    world.addService("web-preview").settle().pass(31);
    assert.match(world.status.message ?? "", /^RolloutAborted/);
    assert.equal(world.size("web:2"), 0);
  });

  it("does not move a negative size to its pods", () => {
    const world = new World(manual).settle().edit({ replicas: -1 }).settle();
    assert.equal(world.size("web:1"), 2);
  });

  it("leaves a Service alone that is another Rollout's", () => {
    const world = new World(manual).settle();
    world.rivals.set("web", ["other"]);
    const service = world.services.get("web");
    assert.ok(service);
    const annotations = { [managedByAnnotation]: "other" };
    const selector = { app: "web", "rollouts-pod-template-hash": "theirs" };
    world.services.set("web", {
      ...service,
      metadata: { ...service.metadata, annotations },
      spec: { ...service.spec, selector },
    });
    assert.deepEqual(plan(world.snapshot, world.now).actions, []);
  });
});

describe("of Rollouts that name one Service", () => {
  const names = ["aaa", "mmm", "zzz"] as const;
  for (const owner of [undefined, ...names]) {
    it(`all but one are told: ${owner === undefined ? "nobody has it yet" : `${owner} has it`}`, () => {
      const told = names.filter((name) => {
        const world = new World();
        const annotations = owner === undefined ? {} : { [managedByAnnotation]: owner };
        for (const [key, service] of world.services)
          world.services.set(key, { ...service, metadata: { ...service.metadata, annotations } });
        world.rollout = { ...world.rollout, metadata: { ...world.rollout.metadata, name } };
        world.rivals.set(
          "web",
          names.filter((other) => other !== name),
        );
        return plan(world.snapshot, world.now).status.message?.startsWith("InvalidSpec");
      });
      assert.deepEqual(
        told,
        names.filter((name) => name !== (owner ?? "aaa")),
      );
    });
  }
});

describe("a Service that is made anew while two Rollouts name it", () => {
  for (const [self, isTold] of [
    ["aaa", true],
    ["bbb", false],
  ] as const)
    it(`stays with the one that was live on it: ${self} is ${isTold ? "told" : "left alone"}`, () => {
      const world = new World();
      world.rollout = { ...world.rollout, metadata: { ...world.rollout.metadata, name: self } };
      const claims = ["aaa", "bbb"].map((by) => ({ route: "service shop/web", by, isLive: by === "bbb" }));
      const next = plan({ ...world.snapshot, claims }, world.now);
      assert.equal(next.status.message?.startsWith("InvalidSpec") === true, isTold);
    });
});

describe("an abort", () => {
  it("asked for before the controller saw the template is obeyed", () => {
    const world = new World({ autoPromotionSeconds: 5 }).settle();
    world.deploy("web:2").ask({ abort: true }).settle().pass(6).pass(600);
    assert.equal(world.live(), "web:1");
    assert.match(world.status.message ?? "", /^RolloutAborted/);
    world.ask({ abort: false }).settle().pass(6);
    assert.equal(world.live(), "web:2", "and can be taken back");
  });

  it("puts a preview Service right that has lost its hash, so that superseded versions can go", () => {
    const world = new World(manual).settle().deploy("web:3").settle().deploy("web:2").settle();
    world.select("web-preview", undefined).ask({ abort: true }).settle().pass(31).pass(31);
    assert.deepEqual([world.size("web:3"), world.size("web:2"), world.live()], [0, 0, "web:1"]);
  });

  it("writes the stable version's hash back while nobody has pods, so that users do not meet the aborted one", () => {
    const world = new World(manual).settle().fail("web:1").fail("web:2").deploy("web:2").settle();
    world.ask({ abort: true }).select("web", undefined).settle();
    assert.equal(world.live(), "web:1");
    assert.equal(world.heal("web:2").settle().live(), "web:1");
  });

  it("of the version before does not hold the next one", () => {
    const world = new World().settle().fail("web:2").deploy("web:2").settle().ask({ abort: true }).settle();
    world.deploy("web:3").settle();
    assert.equal(world.live(), "web:3");
  });
});

describe("a stable version of which one pod in ten never fits", () => {
  function tenWithOneMissing(): World {
    return new World(manual, { replicas: 10 }).settle().deploy("web:2").settle();
  }

  it("takes its users back after an abort, however well the new one does", () => {
    const world = tenWithOneMissing();
    world.lagging.set("web", world.slices("web"));
    world.promote().settle().fail("web:1", 9).ask({ abort: true }).settle();
    assert.equal(world.live(), "web:1");
  });

  it("takes them back from a version that somebody has pointed at", () => {
    const world = tenWithOneMissing().fail("web:1", 9).settle();
    world.select("web", hashOf(world.of("web:2") as ReplicaSet)).settle();
    assert.equal(world.live(), "web:1");
  });

  it("does not keep the aborted version's pods, which may hold its room", () => {
    const world = tenWithOneMissing().fail("web:1", 9).settle().ask({ abort: true }).settle();
    assert.equal(world.pass(31).size("web:2"), 0);
  });
});

describe("an abort that nothing was under way for", () => {
  it("is forgotten also while the spec is invalid, and does not strike the next version", () => {
    const world = new World().settle().edit({ minReadySeconds: -1 }).settle().ask({ abort: true }).settle();
    assert.equal(world.status.abort, undefined);
    assert.equal(world.edit({ minReadySeconds: 0 }).deploy("web:2").settle().live(), "web:2");
  });
});

describe("an invariant", () => {
  it("refuses the one act that breaks it", () => {
    const world = new World(manual).settle().deploy("web:2").settle();
    const strategy = strategyOf(world.rollout);
    assert.ok(strategy.kind === "blueGreen");
    const situation = blueGreenSituation(world.snapshot, strategy, world.now);
    const [stable, preview] = ["web:1", "web:2"].map((image) => identified(world.of(image) as ReplicaSet));
    assert.ok(stable && preview);
    assert.match(brokenInvariant(situation, scale(stable, 0, 2, "a bug")) ?? "", /sends users to it/);
    assert.equal(brokenInvariant(situation, scale(preview, 0, 2, "an abort")), undefined);
  });
});
