import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ReplicaSet } from "../../src/api/core.ts";
import { revisionHistoryAnnotation, wasLiveAnnotation } from "../../src/api/names.ts";
import type { RolloutStatus } from "../../src/api/rollout.ts";
import { plan } from "../../src/rollout/plan.ts";
import { deadlineOf, hashOf } from "../../src/rollout/replica-set.ts";
import { instant } from "../../src/time/clock.ts";
import { World } from "./world.ts";

// A version goes live when somebody, or a rule of the strategy, has allowed this very version to. Nothing else is a permission:
// not being warm, not a status that says less than it did, not numbers about another size.

const manual = { autoPromotionEnabled: false };

function waitsAtItsGate(world: World, live: string): void {
  assert.equal(world.live(), live);
  assert.deepEqual([world.status.phase, world.status.message], ["Paused", "BlueGreenPause"]);
}

function change(world: World, image: string, to: (replicaSet: ReplicaSet) => ReplicaSet | undefined): void {
  const target = world.of(image);
  world.replicaSets = world.replicaSets.flatMap((it) => (it === target ? (to(it) ?? []) : [it]));
}

describe("a version that was never live", () => {
  it("does not come back without its gate because it is still warm", () => {
    const world = new World({ ...manual, scaleDownDelaySeconds: 3600 }).settle();
    world.deploy("web:2").settle().deploy("web:3").settle().promote().settle();
    assert.equal(world.live(), "web:3");
    assert.notEqual(deadlineOf(world.of("web:2") as ReplicaSet), undefined);
    waitsAtItsGate(world.deploy("web:2").settle(), "web:3");
  });

  it("nor because it is within rollbackWindow", () => {
    const world = new World(manual, { rollbackWindow: { revisions: 5 } }).settle();
    world.deploy("web:2").settle().deploy("web:3").settle().promote().settle();
    waitsAtItsGate(world.deploy("web:2").settle(), "web:3");
  });

  it("nor after it was aborted", () => {
    const world = new World({ ...manual, abortScaleDownDelaySeconds: 3600 }).settle();
    world.deploy("web:2").settle().ask({ abort: true }).settle().deploy("web:3").settle().promote().settle();
    waitsAtItsGate(world.deploy("web:2").settle(), "web:3");
  });

  it("nor because it has the annotations of one that was", () => {
    const world = new World({ ...manual, scaleDownDelaySeconds: 3600 }).settle();
    world.deploy("web:2").settle().deploy("web:3").settle().promote().settle();
    const { annotations = {} } = world.of("web:1")?.metadata ?? {};
    for (const claim of [annotations[wasLiveAnnotation], "true", ""]) {
      change(world, "web:2", (it) => ({
        ...it,
        metadata: {
          ...it.metadata,
          annotations: {
            ...it.metadata.annotations,
            ...annotations,
            [wasLiveAnnotation]: claim ?? "missing",
            [revisionHistoryAnnotation]: "1",
          },
        },
      }));
      waitsAtItsGate(world.deploy("web:2").settle(), "web:3");
      world.deploy("web:3").settle();
    }
  });

  it("nor because the Rollout's annotations claim that it was", () => {
    const world = new World({ ...manual, scaleDownDelaySeconds: 3600 });
    const { metadata } = world.rollout;
    world.rollout = {
      ...world.rollout,
      metadata: { ...metadata, annotations: { [wasLiveAnnotation]: "true" } },
    };
    world.settle().deploy("web:2").settle().deploy("web:3").settle().promote().settle();
    waitsAtItsGate(world.deploy("web:2").settle(), "web:3");
  });
});

describe("a version that was live", () => {
  it("is recorded as such in the write that sets its deadline", () => {
    const world = new World(manual).settle().deploy("web:2").settle();
    const before = world.calls.length;
    world.promote().settle();
    assert.deepEqual(world.calls.slice(before), [
      "patch Service",
      "patch status",
      "patch ReplicaSet",
      "patch status",
    ]);
    const former = world.of("web:1") as ReplicaSet;
    assert.equal(former.metadata.annotations?.[wasLiveAnnotation], former.metadata.uid);
    assert.notEqual(deadlineOf(former), undefined);
  });

  it("waits at its gate when its way back was aborted and is tried again", () => {
    const world = new World(manual).settle().deploy("web:3").settle().promote().settle();
    world.lagging.set("web", world.slices("web"));
    world.deploy("web:1").settle().edit({ replicas: 0 }).settle().ask({ abort: true }).settle();
    world.ask({ abort: false }).settle();
    assert.equal(world.status.message, "BlueGreenPause");
  });

  it("keeps its deadline when the status that supersedes it could not be written at once", () => {
    const world = new World(manual).settle().deploy("web:2").settle().promote();
    for (let pass = 0; pass < 9; pass += 1) {
      const next = plan(world.snapshot, world.now);
      // Its calls are made, its status is not written.
      world.carryOut(
        next.status.stableRS === next.status.currentPodHash ? { ...next, status: world.status } : next,
      );
    }
    assert.notEqual(deadlineOf(world.of("web:1") as ReplicaSet), undefined);
    world.carryOut(plan(world.snapshot, world.now));
    assert.notEqual(deadlineOf(world.of("web:1") as ReplicaSet), undefined);
    assert.equal(world.deploy("web:1").settle().live(), "web:1");
  });

  it("comes back without a pause while it is warm, again and again; forward again it pauses", () => {
    const world = new World(manual).settle().deploy("web:2").settle().promote().settle();
    for (let n = 0; n < 2; n++) {
      world.deploy("web:1").settle();
      assert.equal(world.live(), "web:1");
      waitsAtItsGate(world.deploy("web:2").settle(), "web:1");
      world.promote().settle();
    }
  });
});

describe("a status that has lost something", () => {
  const lost: Readonly<Record<string, (status: RolloutStatus) => RolloutStatus>> = {
    everything: () => ({}),
    stableRS: ({ stableRS: _, ...rest }) => rest,
    currentPodHash: ({ currentPodHash: _, ...rest }) => rest,
    observedGeneration: ({ observedGeneration: _, ...rest }) => rest,
    pauseConditions: ({ pauseConditions: _, controllerPause: __, ...rest }) => rest,
    blueGreen: ({ blueGreen: _, ...rest }) => rest,
    conditions: ({ conditions: _, ...rest }) => rest,
    "stableRS and currentPodHash": ({ stableRS: _, currentPodHash: __, ...rest }) => rest,
    "stableRS and blueGreen": ({ stableRS: _, blueGreen: __, ...rest }) => rest,
  };
  for (const [what, lose] of Object.entries(lost)) {
    it(`keeps the gate: ${what}`, () => {
      const world = new World(manual).settle().deploy("web:2").settle();
      const stable = world.status.stableRS;
      world.rollout = { ...world.rollout, status: lose(world.status) };
      waitsAtItsGate(world.settle(), "web:1");
      assert.equal(world.status.stableRS, stable);
    });

    it(`does not bring an aborted version out: ${what}`, () => {
      const world = new World(manual).settle().deploy("web:2").settle().ask({ abort: true }).settle();
      world.rollout = { ...world.rollout, status: lose(world.status) };
      world.settle();
      assert.equal(world.live(), "web:1");
    });
  }

  it("protects who is live when the stable version that it names is nowhere", () => {
    const world = new World(manual).settle().deploy("web:2").settle();
    const stable = world.status.stableRS;
    waitsAtItsGate(world.ask({ stableRS: "nowhere" }).settle(), "web:1");
    assert.equal(world.status.stableRS, stable);
    world.fail("web:2").ask({ stableRS: "nowhere", abort: true }).settle();
    assert.deepEqual([world.live(), world.status.stableRS, world.status.abort], ["web:1", stable, true]);
  });

  it("is not taken for a confirmed switch when the stable version is deleted in the middle of an update", () => {
    const world = new World(manual).settle().deploy("web:2").settle();
    const stable = world.status.stableRS;
    change(world, "web:1", () => undefined);
    world.settle();
    assert.deepEqual([world.status.stableRS, world.status.phase], [stable, "Paused"]);
  });

  it("keeps the gate when the selector is lost with it", () => {
    const world = new World(manual).settle().deploy("web:2").settle().select("web", undefined);
    world.rollout = { ...world.rollout, status: {} };
    waitsAtItsGate(world.settle(), "web:1");
  });

  it("keeps what it still has", () => {
    const world = new World(manual).settle().deploy("web:2").settle();
    const { observedGeneration: _, ...rest } = world.status;
    world.rollout = { ...world.rollout, status: { ...rest, restartedAt: "2026-01-01T00:00:00Z" } };
    assert.equal(plan(world.snapshot, world.now).status.restartedAt, "2026-01-01T00:00:00Z");
  });
});

describe("a status that is lost at a bad moment", () => {
  const wipe = (world: World): World => {
    const { status: _, ...rollout } = world.rollout;
    world.rollout = rollout;
    return world;
  };
  const preview = (): World => new World(manual).settle().deploy("web:2").settle();

  for (const next of ["web:1", "web:3"])
    it(`with the Service's hash, as in an orphaned deletion: ${next} is applied and users stay on the first version`, () => {
      const world = wipe(preview().select("web", undefined).select("web-preview", undefined));
      world.deploy(next).settle();
      assert.equal(world.live(), "web:1");
      assert.equal(world.size("web:1"), 2);
    });

  it("while the live version has no pods: the Service still says who it is", () => {
    const world = wipe(preview()).fail("web:1").settle().heal("web:1").settle();
    waitsAtItsGate(world, "web:1");
  });

  it("in half, while the live version has no pods", () => {
    const world = preview();
    const { stableRS: _, ...status } = world.status;
    world.rollout = { ...world.rollout, status };
    waitsAtItsGate(world.fail("web:1").settle().heal("web:1").settle(), "web:1");
  });

  it("while nobody is wanted", () => {
    const world = preview().edit({ replicas: 0 }).settle();
    wipe(world).settle().edit({ replicas: 2 }).settle();
    waitsAtItsGate(world, "web:1");
  });

  it("in the owner of the pause: the first promotion counts", () => {
    const world = preview();
    const { controllerPause: _, ...status } = world.status;
    world.rollout = { ...world.rollout, status };
    assert.equal(world.settle().promote().settle().live(), "web:2");
  });
});

describe("a stable version whose ReplicaSet goes away", () => {
  const goes: Readonly<Record<string, (replicaSet: ReplicaSet) => ReplicaSet | undefined>> = {
    "is gone": () => undefined,
    "is being deleted in the foreground": (it) => ({
      ...it,
      metadata: { ...it.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" },
    }),
  };
  for (const [how, go] of Object.entries(goes)) {
    it(`leaves the next one at its gate: it ${how}`, () => {
      const world = new World(manual).settle().deploy("web:2").settle();
      change(world, "web:1", go);
      world.settle();
      assert.equal(world.status.message, "BlueGreenPause");
      assert.notEqual(world.status.stableRS, world.status.currentPodHash);
      world.promote().settle();
      assert.equal(world.live(), "web:2");
      assert.equal(world.status.phase, "Healthy");
    });
  }

  it("is made again, and goes live at once, where it is the one that the template asks for", () => {
    const world = new World(manual).settle();
    change(world, "web:1", () => undefined);
    world.settle();
    assert.equal(world.live(), "web:1");
    assert.equal(world.status.phase, "Healthy");
  });
});

describe("numbers about another size", () => {
  it("open no gate: a retry right after the scale-down of an aborted version", () => {
    const world = new World(manual).settle().deploy("web:2").settle().ask({ abort: true }).settle();
    // The status lags: it still tells of the two pods that the ReplicaSet had before it was scaled to 0 and back.
    world.ask({ abort: false });
    change(world, "web:2", (it) => ({
      ...it,
      metadata: { ...it.metadata, generation: 4 },
      spec: { ...it.spec, replicas: 2 },
      status: { replicas: 2, readyReplicas: 2, availableReplicas: 2, observedGeneration: 2 },
    }));
    const next = plan(world.snapshot, world.now);
    assert.equal(next.standing?.step, "scalePreview");
    assert.deepEqual(next.status.pauseConditions, undefined);
  });
});

describe("a switch that is interrupted by the next version", () => {
  function interrupted(): World {
    const world = new World(manual).settle().deploy("web:2").settle();
    world.lagging.set("web", world.slices("web"));
    return world.promote().settle();
  }

  it("is taken for done: users stay on the second version until the third is promoted", () => {
    const world = interrupted().deploy("web:3").settle();
    waitsAtItsGate(world, "web:2");
    assert.equal(world.status.stableRS, hashOf(world.of("web:2") as ReplicaSet));
    assert.equal(
      deadlineOf(world.of("web:1") as ReplicaSet),
      undefined,
      "requests may still go to the first one",
    );
    world.lagging.clear();
    world.settle();
    assert.notEqual(deadlineOf(world.of("web:1") as ReplicaSet), undefined);
    world.promote().settle();
    assert.equal(world.live(), "web:3");
  });

  it("is not, where the second version was pointed at by hand and never allowed", () => {
    const world = new World(manual).settle().deploy("web:2").settle();
    world
      .select("web", hashOf(world.of("web:2") as ReplicaSet))
      .deploy("web:3")
      .settle();
    waitsAtItsGate(world, "web:1");
  });

  it("is not, where it was pointed at by hand while it was held back, and the next one asks for no pause", () => {
    const world = new World(manual).settle().deploy("web:2").settle().edit({ paused: true }).settle();
    world.select("web", hashOf(world.of("web:2") as ReplicaSet)).settle();
    const blueGreen = { activeService: "web", previewService: "web-preview" };
    world.edit({ paused: false, strategy: { blueGreen } }).deploy("web:3");
    const next = plan(world.snapshot, world.now);
    assert.notEqual(next.status.stableRS, hashOf(world.of("web:2") as ReplicaSet));
  });

  it("is taken for done, also when the status of the switch could not be written before", () => {
    const world = new World(manual).settle().deploy("web:2").settle().promote();
    const { actions, refused } = plan(world.snapshot, world.now);
    world.carryOut({ actions, refused, events: [], status: world.status });
    assert.deepEqual([world.live(), world.status.phase], ["web:2", "Paused"]);
    world.deploy("web:3");
    const lives: string[] = [];
    for (let pass = 0; pass < 10; pass += 1) {
      world.carryOut(plan(world.snapshot, world.now));
      lives.push(world.live());
    }
    assert.deepEqual(new Set(lives), new Set(["web:2"]));
    waitsAtItsGate(world.settle(), "web:2");
  });

  it("is taken back at once where the next template is that of the stable version", () => {
    const world = interrupted().deploy("web:1").settle();
    assert.equal(world.live(), "web:1");
    world.lagging.clear();
    assert.equal(world.settle().status.phase, "Healthy");
  });

  it("is not, where it was aborted", () => {
    const world = interrupted().ask({ abort: true }).settle().deploy("web:3").settle();
    waitsAtItsGate(world, "web:1");
  });
});

describe("previewReplicaCount", () => {
  it("does not shrink a version that users reach: abort that cannot be carried out, then retry", () => {
    const world = new World({ ...manual, previewReplicaCount: 1 }, { replicas: 10 }).settle();
    world.deploy("web:2").settle();
    world.lagging.set("web", world.slices("web"));
    world.promote().settle().fail("web:1").ask({ abort: true }).settle();
    assert.equal(world.live(), "web:2");
    world.ask({ abort: false }).settle();
    assert.equal(world.size("web:2"), 10);
    assert.equal(world.live(), "web:2");
    world.lagging.clear();
    world.heal("web:1").settle();
    assert.equal(world.live(), "web:1");
    assert.equal(world.size("web:2"), 1, "and is small again when nobody reaches it");
  });
});

describe("a pause with an end", () => {
  it("is never shorter than autoPromotionSeconds, wherever in a second it begins", () => {
    const world = new World({ autoPromotionSeconds: 1 }).settle();
    world.now = instant(world.now + 999);
    world.deploy("web:2").settle();
    world.now = instant(world.now + 999);
    assert.equal(world.settle().live(), "web:1");
    assert.equal(world.pass(1.1).live(), "web:2");
  });
});
