import {
  active,
  blueGreen,
  change,
  deploy,
  healthy,
  phase,
  pods,
  preview,
  promote,
  retiring,
  revision,
  running,
  scenario,
  selects,
  size,
  stable,
  undo,
  versions,
} from "./bed/language.ts";

const manual = { autoPromotionEnabled: false };

scenario(
  "undo goes back at once, without a pause, while the old version is still warm",
  async (given, when, then) => {
    await given(blueGreen(manual), running("v1"));
    await when(deploy("v2"), promote());
    await then(active("v2"), retiring("v1"));
    await when(undo());
    await then(active("v1"), preview("v1"), stable("v1"), healthy, revision(3, "v1"), versions("v2", "v1"));
  },
);

scenario("undo of two revisions made within one second goes back at once, too", async (given, when, then) => {
  await given(blueGreen(manual));
  await when(deploy("v1"), deploy("v2"), promote(), undo());
  await then(active("v1"), stable("v1"), healthy, revision(3, "v1"));
});

scenario(
  "undo is an ordinary update once the old version has been scaled down",
  async (given, when, then, after) => {
    await given(blueGreen(manual), running("v1"));
    await when(deploy("v2"), promote());
    await after(31, "s");
    await then(size("v1", 0));
    await when(undo());
    await then(
      active("v2"),
      preview("v1"),
      size("v1", 2),
      phase("Paused", "BlueGreenPause"),
      revision(3, "v1"),
    );
    await when(promote());
    await then(active("v1"), healthy);
  },
);

scenario(
  "undo brings back the pods at their full size before it switches",
  async (given, when, then, after) => {
    await given(blueGreen({ scaleDownDelaySeconds: 0 }), running("v1"));
    await when(deploy("v2"));
    await then(size("v1", 0));
    await when(change({ minReadySeconds: 5 }), undo());
    await then(active("v2"));
    // Readiness is written down in whole seconds; five seconds are never less.
    await after(6, "s");
    await then(active("v1"), healthy);
  },
);

scenario("undo goes back to the revision that it is told", async (given, when, then, after) => {
  await given(blueGreen(), running("v1"));
  await when(deploy("v2"));
  await after(31, "s");
  await when(deploy("v3"));
  await after(31, "s");
  await when(undo(1));
  await then(active("v1"), revision(4, "v1"), versions("v2", "v3", "v1"), healthy);
});

scenario("undo needs no pause within the rollback window", async (given, when, then, after) => {
  await given(blueGreen(manual, { rollbackWindow: { revisions: 2 } }), running("v1"));
  await when(deploy("v2"), promote());
  await after(31, "s");
  await when(undo());
  await then(active("v1"), stable("v1"), healthy);
});

scenario("undo beyond the rollback window pauses", async (given, when, then, after) => {
  await given(blueGreen(manual, { rollbackWindow: { revisions: 1 } }), running("v1"));
  for (const version of ["v2", "v3", "v4"]) {
    await when(deploy(version), promote());
    await after(31, "s");
  }
  await when(undo(1));
  await then(active("v4"), preview("v1"), phase("Paused", "BlueGreenPause"));
});

scenario("rolling forward again after an undo is an ordinary update", async (given, when, then) => {
  await given(blueGreen(manual), running("v1"));
  await when(deploy("v2"), promote(), undo(), deploy("v2"));
  await then(active("v1"), preview("v2"), phase("Paused", "BlueGreenPause"));
  await when(promote());
  await then(active("v2"), healthy, revision(4, "v2"));
});

scenario("a fast way back still waits for a pod that is down", async (given, when, then, after) => {
  await given(blueGreen(manual), running("v1"), pods("v1", { readyAfterSeconds: 0 }));
  await when(deploy("v2"), promote());
  await when(change({ replicas: 3 }), undo());
  await then(active("v1"), size("v1", 3), healthy);
  await after(31, "s");
  await then(size("v2", 0), selects("web", "v1"));
});
