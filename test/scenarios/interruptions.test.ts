import assert from "node:assert/strict";
import { test } from "node:test";
import {
  abort,
  active,
  blueGreen,
  controllerDiesAfterWrites,
  deploy,
  dialects,
  events,
  healthy,
  type Play,
  phase,
  playScenario,
  podFails,
  pods,
  preview,
  promote,
  restartController,
  retiring,
  routesAfter,
  running,
  scale,
  scenario,
  selects,
  size,
  stable,
  startController,
  stopController,
  trafficConfirms,
  trafficStalls,
  undo,
  versions,
} from "./bed/language.ts";

const manual = { autoPromotionEnabled: false };

/** The whole life of a release; `dies` is the write with which the controller is killed, before a new one starts. */
const releaseWithDeathAfter =
  (dies: number): Play =>
  async (given, when, then, after) => {
    await given(blueGreen(manual), running("v1"), pods("v2", { readyAfterSeconds: 2 }));
    await when(controllerDiesAfterWrites(dies), deploy("v2"));
    await after(3, "s");
    await when(revive);
    await after(3, "s");
    await then(active("v1"), preview("v2"), size("v1", 2), size("v2", 2), phase("Paused", "BlueGreenPause"));
    await when(promote(), revive);
    await then(active("v2"), stable("v2"), healthy);
    await after(40, "s");
    await when(revive);
    await after(40, "s");
    await then(active("v2"), healthy, size("v1", 0), size("v2", 2), versions("v1", "v2"));
  };

for (const dialect of dialects)
  test(`a release ends the same wherever the controller is killed and started again [${dialect}]`, async (context) => {
    for (let dies = 1; dies <= 24; dies++)
      await context.test(`after write ${dies}`, (inner) =>
        playScenario(inner, dialect, releaseWithDeathAfter(dies)),
      );
  });

scenario("a controller that starts again finds nothing to do", async (given, when, then) => {
  await given(blueGreen(manual), running("v1"));
  let before = 0;
  await then(async ({ cluster }) => {
    before = cluster.controllerWrites;
  });
  await when(restartController());
  await then(active("v1"), healthy, async ({ cluster }) => {
    assert.equal(cluster.controllerWrites, before);
  });
});

scenario(
  "a new template that was applied while the controller was away is brought out",
  async (given, when, then) => {
    await given(blueGreen(), running("v1"));
    await when(stopController(), deploy("v2"));
    await then(active("v1"));
    await when(startController());
    await then(active("v2"), healthy);
  },
);

scenario(
  "a promotion that was given while the controller was away is carried out",
  async (given, when, then) => {
    await given(blueGreen(manual), running("v1"));
    await when(deploy("v2"), stopController(), promote());
    await then(active("v1"));
    await when(startController());
    await then(active("v2"), healthy);
  },
);

scenario(
  "an abort that was given while the controller was away is carried out",
  async (given, when, then) => {
    await given(blueGreen(manual), running("v1"));
    await when(deploy("v2"), stopController(), abort(), startController());
    await then(active("v1"), phase("Degraded", /^RolloutAborted: /));
  },
);

scenario(
  "a timed pause that ended while the controller was away is over",
  async (given, when, then, after) => {
    await given(blueGreen({ autoPromotionSeconds: 60 }), running("v1"));
    await when(deploy("v2"), stopController());
    await after(5, "min");
    await then(active("v1"));
    await when(startController());
    await then(active("v2"), healthy);
  },
);

scenario(
  "a timed pause goes on from where it was when the controller starts again",
  async (given, when, then, after) => {
    await given(blueGreen({ autoPromotionSeconds: 60 }), running("v1"));
    await when(deploy("v2"));
    await after(30, "s");
    await when(restartController());
    await after(29, "s");
    await then(active("v1"));
    await after(2, "s");
    await then(active("v2"));
  },
);

scenario(
  "a scale-down that was due while the controller was away is made up for",
  async (given, when, then, after) => {
    await given(blueGreen(), running("v1"));
    await when(deploy("v2"), stopController());
    await after(5, "min");
    await then(size("v1", 2));
    await when(startController());
    await then(size("v1", 0), active("v2"));
  },
);

scenario("a fast way back works with a controller that has just started", async (given, when, then) => {
  await given(blueGreen(manual), running("v1"));
  await when(deploy("v2"), promote());
  await then(retiring("v1"));
  await when(stopController(), undo(), startController());
  await then(active("v1"), healthy);
});

scenario(
  "waits for the traffic process before it calls the switch done",
  async (given, when, then, after) => {
    await given(blueGreen(), running("v1"), routesAfter(4));
    await when(deploy("v2"));
    await then(stable("v1"), phase("Progressing"));
    await after(3, "s");
    await then(stable("v1"), size("v1", 2));
    await after(2, "s");
    await then(active("v2"), stable("v2"), healthy);
    await after(28, "s");
    await then(size("v1", 2));
    await after(3, "s");
    await then(size("v1", 0));
  },
);

scenario(
  "stays with the new version when a pod of it fails before the switch is confirmed",
  async (given, when, then) => {
    await given(blueGreen(manual), running("v1"));
    await when(trafficStalls(), deploy("v2"), promote(), podFails("v2"));
    await then(selects("web", "v2"), stable("v1"), size("v1", 2));
    await when(trafficConfirms());
    await then(active("v2"));
  },
);

scenario(
  "stays with the new version when it is resized before the switch is confirmed",
  async (given, when, then, after) => {
    await given(blueGreen(manual), running("v1"), pods("v2", { readyAfterSeconds: 2 }));
    await when(trafficStalls(), deploy("v2"));
    await after(3, "s");
    await when(promote(), scale(3));
    await then(selects("web", "v2"), stable("v1"));
    await when(trafficConfirms());
    await after(3, "s");
    await then(active("v2"), size("v2", 3), healthy);
  },
);

scenario("tells of each thing once, also when it is restarted in between", async (given, when, then) => {
  await given(blueGreen({ previewService: undefined }), running("v1"));
  await when(restartController(), deploy("v2"), restartController());
  await then(
    events(
      "RolloutAddedToInformer",
      "RolloutUpdated",
      "NewReplicaSetCreated",
      "ScalingReplicaSet",
      "RolloutCompleted",
      "SwitchService",
      "RolloutUpdated",
      "NewReplicaSetCreated",
      "RolloutNotCompleted",
      "ScalingReplicaSet",
      "SwitchService",
      "RolloutCompleted",
    ),
  );
});

/** A new controller, if the last one has died. */
async function revive(app: Parameters<ReturnType<typeof startController>>[0]): Promise<void> {
  if (!app.cluster.isControllerDead) return;
  await app.cluster.killController();
  await app.cluster.startController();
}
