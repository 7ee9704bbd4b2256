import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { podTemplateHashLabel, revisionAnnotation, revisionHistoryAnnotation } from "../../src/api/names.ts";
import { hashOf } from "../../src/rollout/replica-set.ts";
import { template, World } from "./world.ts";

const manual = { autoPromotionEnabled: false };

/** Version 1 live, version 2 waiting for somebody to promote it. */
function paused(more: object = {}, spec: object = {}): World {
  const world = new World({ ...manual, ...more }, spec).settle().deploy("web:2").settle();
  assert.equal(world.status.message, "BlueGreenPause");
  return world;
}

describe("a first deployment", () => {
  it("goes live without a pause, whatever the strategy says", () => {
    const world = new World(manual).settle();
    assert.equal(world.live(), "web:1");
    assert.equal(world.live("web-preview"), "web:1");
    assert.deepEqual([world.status.phase, world.status.message], ["Healthy", undefined]);
    assert.equal(world.status.stableRS, world.status.blueGreen?.activeSelector);
  });

  it("records its events in Argo's order", () => {
    const world = new World({ previewService: "" }).settle();
    assert.deepEqual(world.events, [
      "RolloutAddedToInformer",
      "RolloutUpdated",
      "NewReplicaSetCreated",
      "ScalingReplicaSet",
      "RolloutCompleted",
      "SwitchService",
    ]);
  });

  it("does not go live before its pods are available", () => {
    const world = new World().fail("web:1").settle();
    assert.equal(world.services.get("web")?.spec.selector?.[podTemplateHashLabel], undefined);
    assert.equal(world.status.stableRS, undefined);
    assert.equal(world.status.message, "updated replicas are still becoming available");
  });

  it("that never became available is replaced by the next version without a pause", () => {
    const world = new World(manual).fail("web:1").settle().deploy("web:2").settle();
    assert.equal(world.live(), "web:2");
    assert.equal(world.status.phase, "Healthy");
  });

  it("sets spec.replicas when it is missing, for autoscalers", () => {
    const world = new World();
    const { replicas: _, ...spec } = world.rollout.spec;
    world.rollout = { ...world.rollout, spec };
    world.settle();
    assert.equal(world.rollout.spec.replicas, 1);
    assert.equal(world.size("web:1"), 1);
  });
});

describe("an update", () => {
  it("stands beside the live version, in preview, until somebody promotes", () => {
    const world = paused();
    assert.deepEqual([world.live(), world.live("web-preview")], ["web:1", "web:2"]);
    assert.equal(world.status.phase, "Paused");
    assert.equal(world.last?.standing?.step, "awaitPromotion");
    world.pass(86_400);
    assert.equal(world.live(), "web:1");
    world.promote().settle();
    assert.deepEqual([world.live(), world.status.phase], ["web:2", "Healthy"]);
  });

  it("records its events in Argo's order", () => {
    const world = new World({ previewService: "" }).settle();
    world.events.length = 0;
    world.deploy("web:2").settle();
    assert.deepEqual(world.events, [
      "RolloutUpdated",
      "NewReplicaSetCreated",
      "RolloutNotCompleted",
      "ScalingReplicaSet",
      "SwitchService",
      "RolloutCompleted",
    ]);
  });

  it("switches by itself when nothing asks for a pause", () => {
    const world = new World().settle().deploy("web:2").settle();
    assert.equal(world.live(), "web:2");
  });

  it("switches by itself when autoPromotionSeconds have passed, and not before", () => {
    const world = new World({ autoPromotionSeconds: 30 }).settle().deploy("web:2").settle();
    assert.equal(world.status.message, "BlueGreenPause");
    assert.equal(world.last?.recheckAt, world.now + 30_000);
    assert.equal(world.pass(29).live(), "web:1");
    assert.equal(world.pass(1).live(), "web:2");
    assert.equal(world.status.controllerPause, undefined);
  });

  it("waits for every pod to be available before it pauses", () => {
    const world = new World(manual).settle().fail("web:2").deploy("web:2").settle();
    assert.equal(world.status.phase, "Progressing");
    assert.equal(world.last?.standing?.step, "scalePreview");
    assert.equal(world.heal("web:2").settle().status.phase, "Paused");
  });

  it("remembers a promotion that came while a pod was down", () => {
    const world = paused().fail("web:2").promote().settle();
    assert.equal(world.live(), "web:1");
    assert.equal(world.heal("web:2").settle().live(), "web:2");
  });

  it("is over only when requests are known to arrive at the new version", () => {
    const world = paused();
    world.lagging.set("web", world.slices("web"));
    world.promote().settle();
    assert.equal(world.live(), "web:2");
    assert.equal(world.status.message, "active service cutover pending");
    assert.equal(world.status.blueGreen?.activeSelector, hashOf(world.of("web:1") ?? assert.fail()));
    assert.equal(world.last?.standing?.step, "confirmRouting");
    world.lagging.clear();
    assert.equal(world.settle().status.phase, "Healthy");
  });

  it("keeps the old version warm for scaleDownDelaySeconds, counted from the confirmed switch", () => {
    const world = paused({ scaleDownDelaySeconds: 60 });
    world.lagging.set("web", world.slices("web"));
    world.promote().settle().pass(100);
    world.lagging.clear();
    world.settle();
    assert.equal(world.pass(59).size("web:1"), 2);
    assert.equal(world.pass(1).size("web:1"), 0);
  });

  it("keeps the old version as long as the new one, now live, cannot serve as well", () => {
    const world = paused().promote().settle().fail("web:2").settle();
    for (let minute = 0; minute < 10; minute += 1) world.pass(60);
    assert.equal(world.size("web:1"), 2);
    assert.equal(world.deploy("web:1").settle().live(), "web:1", "and the way back is instant");
    const healed = paused().promote().settle().fail("web:2").settle().pass(60).heal("web:2").settle();
    assert.equal(healed.pass(29).size("web:1"), 2);
    assert.equal(healed.pass(1).size("web:1"), 0);
  });

  it("is not taken in by a live version that crashes in a loop and is whole for moments", () => {
    const world = paused().promote().settle();
    for (let round = 0; round < 20; round += 1) {
      world.fail("web:2").settle().pass(20);
      world.heal("web:2").settle().pass(2);
    }
    assert.equal(world.size("web:1"), 2);
  });

  it("does not keep the old version for a smaller live one, nor for more pods that are still to come", () => {
    const smaller = new World({}, { replicas: 4 }).settle().deploy("web:2").settle().edit({ replicas: 1 });
    assert.equal(smaller.settle().pass(30).size("web:1"), 0);
    const growing = paused().promote().settle().fail("web:2").heal("web:2").edit({ replicas: 5 });
    assert.equal(growing.settle().pass(30).size("web:1"), 0);
  });

  it("gives up the old version at once with scaleDownDelaySeconds 0", () => {
    assert.equal(paused({ scaleDownDelaySeconds: 0 }).promote().settle().size("web:1"), 0);
  });

  it("keeps at most scaleDownDelayRevisionLimit old versions warm", () => {
    const world = new World({ scaleDownDelayRevisionLimit: 1 }).settle();
    world.deploy("web:2").settle().deploy("web:3").settle();
    assert.deepEqual([world.size("web:1"), world.size("web:2"), world.live()], [0, 2, "web:3"]);
  });

  it("that replaces one under way leaves users on the stable version", () => {
    const world = paused().deploy("web:3").settle();
    assert.deepEqual([world.live(), world.live("web-preview")], ["web:1", "web:3"]);
    assert.equal(world.pass(30).size("web:2"), 0);
    assert.equal(world.promote().settle().live(), "web:3");
  });

  it("does not inherit the promotion of the one it replaces", () => {
    const world = paused().fail("web:2").promote().settle().deploy("web:3").settle();
    assert.deepEqual([world.live(), world.status.message], ["web:1", "BlueGreenPause"]);
  });

  it("taken back to the stable template ends at once", () => {
    const world = paused().deploy("web:1").settle();
    assert.deepEqual(
      [world.live(), world.live("web-preview"), world.status.phase],
      ["web:1", "web:1", "Healthy"],
    );
    assert.equal(world.pass(30).size("web:2"), 0);
  });
});

describe("promote --full", () => {
  it("skips the pause, but not the wait for pods", () => {
    const world = new World(manual)
      .settle()
      .fail("web:2")
      .deploy("web:2")
      .settle()
      .ask({ promoteFull: true })
      .settle();
    assert.equal(world.live(), "web:1");
    world.heal("web:2").settle();
    assert.equal(world.live(), "web:2");
    assert.equal(world.status.promoteFull, undefined);
    assert(world.events.includes("RolloutCompleted"));
  });

  it("is dropped when there is nothing to promote", () => {
    assert.equal(new World().settle().ask({ promoteFull: true }).settle().status.promoteFull, undefined);
  });
});

describe("previewReplicaCount", () => {
  it("keeps the preview small until it is promoted, then grows it before the switch", () => {
    const world = new World({ ...manual, previewReplicaCount: 1 }, { replicas: 3 })
      .settle()
      .deploy("web:2")
      .settle();
    assert.deepEqual([world.size("web:2"), world.status.message], [1, "BlueGreenPause"]);
    world.calls.length = 0;
    world.promote().settle();
    assert.deepEqual([world.size("web:2"), world.live()], [3, "web:2"]);
    assert(world.calls.indexOf("scale ReplicaSet") < world.calls.indexOf("patch Service"));
    assert.equal(world.status.blueGreen?.scaleUpPreviewCheckPoint, undefined);
  });

  it("does not keep a first deployment small", () => {
    assert.equal(new World({ previewReplicaCount: 1 }, { replicas: 3 }).settle().size("web:1"), 3);
  });
});

describe("an abort", () => {
  it("before the switch leaves users where they are and retires the new version after its delay", () => {
    const world = paused().ask({ abort: true }).settle();
    assert.equal(world.live(), "web:1");
    assert.equal(world.status.phase, "Degraded");
    assert.equal(world.status.message, "RolloutAborted: Rollout aborted update to revision 2");
    assert.equal(world.status.pauseConditions, undefined);
    assert.equal(world.pass(29).size("web:2"), 2);
    assert.equal(world.pass(1).size("web:2"), 0);
  });

  it("never scales down with abortScaleDownDelaySeconds 0", () => {
    const world = paused({ abortScaleDownDelaySeconds: 0 }).ask({ abort: true }).settle();
    assert.equal(world.pass(86_400).size("web:2"), 2);
  });

  it("after the switch sends users back although the new version is dead", () => {
    const world = paused();
    world.lagging.set("web", world.slices("web"));
    world.promote().settle().fail("web:2");
    assert.equal(world.live(), "web:2");
    world.ask({ abort: true });
    world.lagging.clear();
    world.settle();
    assert.equal(world.live(), "web:1");
    assert.equal(world.status.phase, "Degraded");
  });

  it("counts its delay from the way back, not from the request", () => {
    const world = paused();
    world.lagging.set("web", world.slices("web"));
    world.promote().settle();
    const lagged = world.slices("web");
    world.lagging.set("web", lagged);
    world.ask({ abort: true }).settle().pass(300);
    assert.equal(world.size("web:2"), 2);
    world.lagging.clear();
    world.settle();
    assert.equal(world.pass(29).size("web:2"), 2);
    assert.equal(world.pass(1).size("web:2"), 0);
  });

  it("wins over promote --full", () => {
    const world = paused().fail("web:2").ask({ promoteFull: true }).settle().ask({ abort: true }).settle();
    world.heal("web:2").settle();
    assert.deepEqual([world.live(), world.status.promoteFull], ["web:1", undefined]);
  });

  it("is dropped when no update is under way", () => {
    const world = new World().settle().ask({ abort: true }).settle();
    assert.deepEqual([world.status.phase, world.status.abort], ["Healthy", undefined]);
  });

  it("can be retried, and the retry pauses again", () => {
    const world = paused().ask({ abort: true }).settle().pass(30);
    assert.equal(world.size("web:2"), 0);
    world.ask({ abort: false }).settle();
    assert.deepEqual([world.size("web:2"), world.status.message], [2, "BlueGreenPause"]);
    assert.equal(world.status.abortedAt, undefined);
    assert.equal(world.promote().settle().live(), "web:2");
  });
});

describe("the way back", () => {
  it("within the scale-down delay is a switch without a pause", () => {
    const world = paused().promote().settle().pass(10).deploy("web:1").settle();
    assert.deepEqual([world.live(), world.status.phase], ["web:1", "Healthy"]);
    const annotations = world.of("web:1")?.metadata.annotations;
    assert.deepEqual(
      [annotations?.[revisionAnnotation], annotations?.[revisionHistoryAnnotation]],
      ["3", "1"],
    );
    assert.equal(world.of("web:1")?.metadata.annotations?.["scale-down-deadline"], undefined);
    assert.equal(world.pass(60).size("web:1"), 2);
  });

  it("after the scale-down is an update like any other", () => {
    const world = paused().promote().settle().pass(30).deploy("web:1").settle();
    assert.deepEqual([world.live(), world.status.message], ["web:2", "BlueGreenPause"]);
    assert.equal(world.promote().settle().live(), "web:1");
  });

  it("within rollbackWindow skips the pause although the old version has no pods any more", () => {
    const world = paused({}, { rollbackWindow: { revisions: 1 } })
      .promote()
      .settle()
      .pass(30);
    assert.equal(world.deploy("web:1").settle().live(), "web:1");
  });

  it("to a version further back than rollbackWindow pauses", () => {
    const world = new World(
      { ...manual, scaleDownDelaySeconds: 0 },
      { rollbackWindow: { revisions: 1 } },
    ).settle();
    for (const image of ["web:2", "web:3"]) world.deploy(image).settle().promote().settle();
    assert.equal(world.deploy("web:1").settle().status.message, "BlueGreenPause");
  });

  it("forward again to a version that never was live pauses", () => {
    const world = paused().deploy("web:1").settle().deploy("web:2").settle();
    assert.deepEqual([world.live(), world.status.message], ["web:1", "BlueGreenPause"]);
  });
});

describe("an active Service that somebody else has changed", () => {
  it("without a hash is put back to the stable version, not taken for a promotion", () => {
    const world = paused().select("web", undefined).settle();
    assert.deepEqual([world.live(), world.status.message], ["web:1", "BlueGreenPause"]);
  });

  it("with the preview's hash is put back as well", () => {
    const world = paused();
    world.select("web", world.status.currentPodHash).settle();
    assert.deepEqual([world.live(), world.status.phase], ["web:1", "Paused"]);
  });

  it("is put right with no update under way, even while pods are down", () => {
    const world = new World().settle().fail("web:1").select("web", undefined).settle();
    assert.equal(world.live(), "web:1");
  });

  it("stays while the stable version has no pods to serve with, and is put right when it has", () => {
    for (const hash of [undefined, "preview"]) {
      const world = paused().fail("web:1");
      world.select("web", hash && world.status.currentPodHash).settle();
      assert.match(world.live(), /web:2/);
      assert.equal(world.heal("web:1").settle().live(), "web:1");
    }
  });

  it("is put right after a crash between the switch and the status", () => {
    const world = paused().promote();
    world.select("web", world.status.currentPodHash).settle();
    assert.deepEqual([world.live(), world.status.phase], ["web:2", "Healthy"]);
    assert.equal(world.calls.filter((call) => call === "patch Service").length, 3);
  });

  it("made anew is pointed again, and so is a preview Service", () => {
    const world = paused().addService("web").addService("web-preview").settle();
    assert.deepEqual([world.live(), world.live("web-preview")], ["web:1", "web:2"]);
  });
});

describe("spec.paused", () => {
  it("starts the new version but moves no route", () => {
    const world = new World()
      .settle()
      .edit({ paused: true, template: template("web:2") })
      .settle();
    assert.deepEqual([world.size("web:2"), world.live(), world.live("web-preview")], [2, "web:1", "web:1"]);
    assert.deepEqual([world.status.phase, world.status.message], ["Paused", "manually paused"]);
    assert.equal(world.edit({ paused: false }).settle().live(), "web:2");
  });

  it("does not keep an abort from bringing users back", () => {
    const world = paused();
    world.lagging.set("web", world.slices("web"));
    world.promote().settle().edit({ paused: true }).ask({ abort: true });
    world.lagging.clear();
    assert.equal(world.settle().live(), "web:1");
  });
});

describe("an analysis that cannot be run", () => {
  for (const field of ["prePromotionAnalysis", "postPromotionAnalysis"]) {
    it(`ends the update loudly before the switch: ${field}`, () => {
      const world = new World({ [field]: { templates: [{ templateName: "smoke" }] } }).settle();
      world.deploy("web:2").settle();
      assert.equal(world.live(), "web:1");
      assert.equal(world.status.phase, "Degraded");
      assert.match(world.status.message ?? "", new RegExp(`${field} \\(smoke\\).*cannot run analyses`));
    });
  }

  it("is left out by promote --full, as with Argo", () => {
    const world = new World({ prePromotionAnalysis: { templates: [{ templateName: "smoke" }] } }).settle();
    world.fail("web:2").deploy("web:2").settle().ask({ promoteFull: true }).heal("web:2").settle();
    assert.equal(world.live(), "web:2");
  });
});

describe("size", () => {
  it("follows spec.replicas for the live and the new version while paused", () => {
    const world = paused().edit({ replicas: 5 }).settle();
    assert.deepEqual([world.size("web:1"), world.size("web:2")], [5, 5]);
    assert.equal(world.status.message, "BlueGreenPause");
  });

  it("0 is a size like any other", () => {
    const world = new World({}, { replicas: 0 }).settle().deploy("web:2").settle();
    assert.equal(world.status.phase, "Healthy");
    assert.equal(world.edit({ replicas: 2 }).settle().live(), "web:2");
  });

  it("of the live version is kept while another one is under way", () => {
    const world = paused();
    const stable = world.of("web:1");
    world.replicaSets = world.replicaSets.map((it) =>
      it === stable ? { ...it, spec: { ...it.spec, replicas: 1 } } : it,
    );
    assert.equal(world.settle().size("web:1"), 2);
  });

  it("a changed minReadySeconds reaches the ReplicaSet", () => {
    const world = new World().settle().edit({ minReadySeconds: 7 }).settle();
    assert.equal(world.of("web:1")?.spec.minReadySeconds, 7);
  });
});

describe("history", () => {
  it("keeps revisionHistoryLimit old versions, the newest ones", () => {
    const world = new World({ scaleDownDelaySeconds: 0 }, { revisionHistoryLimit: 2 }).settle();
    for (const image of ["web:2", "web:3", "web:4", "web:5"]) world.deploy(image).settle();
    assert.deepEqual(world.replicaSets.map((it) => it.spec.template.spec.containers[0]?.image).toSorted(), [
      "web:3",
      "web:4",
      "web:5",
    ]);
  });

  it("does not delete a version that still has pods", () => {
    const world = new World({}, { revisionHistoryLimit: 0 }).settle().deploy("web:2").settle();
    assert.equal(world.size("web:1"), 2);
    world.pass(30);
    assert.equal(world.of("web:1"), undefined);
  });
});

describe("the progress deadline", () => {
  it("shows an update that makes no progress as Degraded, and takes it back when it moves again", () => {
    const world = new World({}, { progressDeadlineSeconds: 60 })
      .settle()
      .fail("web:2")
      .deploy("web:2")
      .settle();
    assert.equal(world.pass(30).last?.recheckAt, world.now + 30_000);
    assert.equal(world.pass(30).status.phase, "Progressing");
    world.pass(1);
    assert.match(
      world.status.message ?? "",
      /^ProgressDeadlineExceeded: ReplicaSet "web-\w+" has timed out progressing.$/,
    );
    assert.equal(world.live(), "web:1");
    assert.equal(world.heal("web:2").settle().status.phase, "Healthy");
  });

  it("aborts the update where progressDeadlineAbort says so", () => {
    const spec = { progressDeadlineSeconds: 60, progressDeadlineAbort: true };
    const world = new World({}, spec).settle().fail("web:2").deploy("web:2").settle().pass(61);
    assert.equal(world.status.abort, true);
    assert.match(world.status.message ?? "", /^RolloutAborted: .*has timed out progressing/);
    assert.equal(world.pass(30).size("web:2"), 0);
  });

  it("does not count while somebody has to promote", () => {
    const world = paused({}, { progressDeadlineSeconds: 60 });
    assert.equal(world.pass(3600).status.phase, "Paused");
  });
});

describe("a Rollout that cannot be carried out", () => {
  const cases: readonly [string, (world: World) => unknown, RegExp][] = [
    [
      "the same Service twice",
      (w) => w.edit({ strategy: { blueGreen: { activeService: "web", previewService: "web" } } }),
      /activeService: Invalid value: "web": This rollout uses the same service/,
    ],
    [
      "no activeService",
      (w) => w.edit({ strategy: { blueGreen: {} } }),
      /activeService: Invalid value: "": This rollout uses the same service/,
    ],
    [
      "a Service that is not there",
      (w) => w.services.delete("web"),
      /activeService: Invalid value: "web": service "web" not found/,
    ],
    [
      "a preview Service that is not there",
      (w) => w.services.delete("web-preview"),
      /previewService: .*not found/,
    ],
    [
      "a negative size",
      (w) => w.edit({ replicas: -1 }),
      /spec.replicas: Invalid value: -1: must be greater than or equal to 0/,
    ],
    [
      "two strategies",
      (w) => w.edit({ strategy: { blueGreen: { activeService: "web" }, canary: {} } }),
      /spec.strategy.strategy: .*Multiple Strategies/,
    ],
    ["no strategy", (w) => w.edit({ strategy: {} }), /spec.strategy.strategy: Required value/],
    ["canary", (w) => w.edit({ strategy: { canary: {} } }), /spec.strategy.canary: Forbidden/],
    ["an empty selector", (w) => w.edit({ selector: {} }), /spec.selector: Invalid value/],
    [
      "a selector that does not match",
      (w) => w.edit({ selector: { matchLabels: { app: "other" } } }),
      /`selector` does not match template `labels`/,
    ],
    [
      "a deadline below minReadySeconds",
      (w) => w.edit({ minReadySeconds: 9, progressDeadlineSeconds: 9 }),
      /progressDeadlineSeconds: .*greater than minReadySeconds/,
    ],
    [
      "another Rollout's Service",
      (w) => w.rivals.set("web", ["a-rival"]),
      /Service "web" is managed by another Rollout/,
    ],
    ["workloadRef", (w) => w.edit({ workloadRef: { name: "x" } }), /spec.workloadRef: Forbidden/],
  ];
  for (const [name, spoil, message] of cases) {
    it(`says so and changes nothing: ${name}`, () => {
      const world = new World();
      spoil(world);
      world.settle();
      assert.equal(world.status.phase, "Degraded");
      assert.match(world.status.message ?? "", message);
      assert.match(world.status.message ?? "", /^InvalidSpec: The Rollout "web" is invalid: /);
      assert.deepEqual(world.calls, ["patch status"]);
      const isOwnFault = !/not found|managed by another/.test(world.status.message ?? "");
      assert.deepEqual(world.events, ["RolloutAddedToInformer", ...(isOwnFault ? ["InvalidSpec"] : [])]);
    });
  }

  it("says so for a Service that selects other pods", () => {
    const world = new World();
    const service = world.services.get("web") ?? assert.fail();
    world.services.set("web", { ...service, spec: { ...service.spec, selector: { tier: "x" } } });
    assert.match(world.settle().status.message ?? "", /Service "web" has unmatch label "tier" in rollout/);
  });

  it("goes on where it stood when it is mended", () => {
    const world = paused();
    const strategy = world.rollout.spec.strategy ?? {};
    world.edit({ strategy: { blueGreen: { activeService: "web", previewService: "web" } } }).settle();
    assert.equal(world.status.phase, "Degraded");
    world.edit({ strategy }).settle();
    assert.deepEqual(
      [world.status.message, world.condition("InvalidSpec")],
      ["BlueGreenPause", "undefined undefined"],
    );
    assert.equal(world.promote().settle().live(), "web:2");
  });
});

describe("conditions", () => {
  it("of a paused and then completed update", () => {
    const world = paused();
    assert.deepEqual(
      ["Paused", "Progressing", "Completed", "Healthy", "Available"].map((type) => world.condition(type)),
      [
        "True RolloutPaused",
        "Unknown RolloutPaused",
        "False RolloutCompleted",
        "False RolloutHealthy",
        "True AvailableReason",
      ],
    );
    world.promote().settle();
    assert.deepEqual(
      ["Paused", "Progressing", "Completed", "Healthy", "Available"].map((type) => world.condition(type)),
      [
        "False RolloutPaused",
        "True NewReplicaSetAvailable",
        "True RolloutCompleted",
        "True RolloutHealthy",
        "True AvailableReason",
      ],
    );
  });

  it("count users' pods of the live version only", () => {
    const world = paused().fail("web:2").settle();
    const { replicas, updatedReplicas, readyReplicas, availableReplicas, HPAReplicas } = world.status;
    assert.deepEqual(
      [replicas, updatedReplicas, readyReplicas, availableReplicas, HPAReplicas],
      [4, 2, 2, 2, 2],
    );
    assert.match(world.status.selector ?? "", /^app=web,rollouts-pod-template-hash=\w+$/);
  });

  it("show a ReplicaSet that cannot make its pods", () => {
    const world = new World().settle();
    world.replicaSets = world.replicaSets.map((it) => ({
      ...it,
      status: {
        ...it.status,
        conditions: [{ type: "ReplicaFailure", status: "True", reason: "FailedCreate", message: "quota" }],
      },
    }));
    assert.equal(world.settle().condition("ReplicaFailure"), "True FailedCreate");
  });
});
