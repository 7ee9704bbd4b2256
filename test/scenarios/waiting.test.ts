import assert from "node:assert/strict";
import {
  abort,
  active,
  blueGreen,
  condition,
  deploy,
  type Expectation,
  events,
  healthy,
  noCondition,
  pause,
  phase,
  pods,
  podsRecover,
  promote,
  resume,
  routesAfter,
  running,
  scenario,
  trafficConfirms,
  trafficStalls,
} from "./bed/language.ts";

const manual = { autoPromotionEnabled: false, previewService: undefined };
const waitsFor = (reason: string) => condition("Waiting", "True", reason);
const waitsForNothing = noCondition("Waiting");

/** How often the controller's log has a line like this. */
function logged(line: RegExp, times: number): Expectation {
  return async ({ cluster }) =>
    assert.equal(cluster.log.filter((text) => line.test(text)).length, times, `${line}`);
}

/** The Rollout's events of this reason so far. */
function told(reason: string, times: number): Expectation {
  return async ({ cluster, name }) => {
    const all = cluster.witness.events.get(name) ?? [];
    assert.equal(all.filter((it) => it === reason).length, times, reason);
  };
}

scenario(
  // The log has the two waits of version 1 as well.
  "says what it waits for, from the first pod to the confirmed switch",
  async (given, when, then, after) => {
    await given(blueGreen(manual), running("v1"), pods("v2", { readyAfterSeconds: 20 }));
    await then(waitsForNothing);
    await when(deploy("v2"));
    await then(waitsFor("ScalePreview"), logged(/waiting for pods of the new version/, 2));
    await after(30, "s");
    await then(waitsFor("AwaitPromotion"), logged(/waiting for somebody to promote/, 1));
    await after(24, "h");
    await then(waitsFor("AwaitPromotion"), told("RolloutWaiting", 0));
    await when(trafficStalls(), promote());
    await then(waitsFor("ConfirmRouting"));
    await when(trafficConfirms());
    await then(active("v2"), waitsForNothing, logged(/waiting for/, 5));
  },
);

scenario(
  "tells once of a wait that lasts, and writes nothing more for it",
  async (given, when, then, after) => {
    await given(blueGreen(manual), running("v1"), pods("v2", { neverReady: true }));
    await when(deploy("v2"));
    await after(299, "s");
    await then(told("RolloutWaiting", 0));
    await after(2, "s");
    await then(told("RolloutWaiting", 1));
    await after(600, "s");
    await then(phase("Degraded", /ProgressDeadlineExceeded/), waitsFor("ScalePreview"));
    let writes = 0;
    await then(async ({ cluster }) => {
      writes = cluster.controllerWrites;
    });
    await after(24, "h");
    await then(told("RolloutWaiting", 1), async ({ cluster }) =>
      assert.equal(cluster.controllerWrites, writes),
    );
    await when(podsRecover("v2"));
    await then(waitsFor("AwaitPromotion"));
  },
);

scenario(
  "says of the way back what holds it up",
  async (given, when, then) => {
    await given(blueGreen(manual), running("v1"));
    await when(deploy("v2"), trafficStalls(), promote(), abort());
    await then(waitsFor("ConfirmReturn"));
    await when(trafficConfirms());
    await then(active("v1"), waitsFor("RetireAborted"));
  },
  { only: "embedded" },
);

scenario("of a first version that nobody routes to yet it says so", async (given, when, then) => {
  await given(blueGreen(manual), routesAfter("never"));
  await when(deploy("v1"));
  await then(waitsFor("ConfirmRouting"));
  await when(trafficConfirms());
  await then(healthy, waitsForNothing);
});

scenario(
  "a pause without an update is told neither as a wait nor as a loss",
  async (given, when, then, after) => {
    await given(blueGreen(manual), running("v1"));
    const before = ["RolloutAddedToInformer", "RolloutUpdated", "NewReplicaSetCreated", "ScalingReplicaSet"];
    const first = [...before, "RolloutCompleted", "SwitchService"];
    await when(pause());
    await after(1, "h");
    await then(
      waitsForNothing,
      condition("Progressing", "True", "NewReplicaSetAvailable"),
      condition("Available", "True"),
      condition("Paused", "True", "RolloutPaused"),
      events(...first),
    );
    await when(resume());
    await then(healthy, condition("Paused", "False"), events(...first));
  },
);
