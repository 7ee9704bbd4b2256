import {
  active,
  blueGreen,
  condition,
  deploy,
  events,
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
  status,
  versions,
} from "./bed/language.ts";

scenario("keeps the new version in preview until somebody promotes it", async (given, when, then, after) => {
  await given(blueGreen({ autoPromotionEnabled: false }), running("v1"));
  await when(deploy("v2"));
  await then(active("v1"), preview("v2"), size("v1", 2), size("v2", 2), phase("Paused", "BlueGreenPause"));
  await then(
    condition("Paused", "True", "RolloutPaused"),
    condition("Completed", "False"),
    revision(2, "v2"),
  );
  await after(24, "h");
  await then(active("v1"), preview("v2"), phase("Paused", "BlueGreenPause"));
  await when(promote());
  await then(active("v2"), preview("v2"), stable("v2"), healthy, condition("Paused", "False"));
});

scenario("keeps the old version warm for 30 seconds after the switch", async (given, when, then, after) => {
  await given(blueGreen(), running("v1"));
  await when(deploy("v2"));
  await then(active("v2"), healthy, size("v1", 2), retiring("v1"));
  await after(29, "s");
  await then(size("v1", 2));
  await after(2, "s");
  await then(size("v1", 0), active("v2"), healthy, versions("v1", "v2"));
});

scenario(
  "keeps the old version warm for as long as scaleDownDelaySeconds says",
  async (given, when, then, after) => {
    await given(blueGreen({ scaleDownDelaySeconds: 300 }), running("v1"));
    await when(deploy("v2"));
    await after(299, "s");
    await then(size("v1", 2), retiring("v1"));
    await after(2, "s");
    await then(size("v1", 0));
  },
);

scenario("scales the old version down at once when scaleDownDelaySeconds is 0", async (given, when, then) => {
  await given(blueGreen({ scaleDownDelaySeconds: 0 }), running("v1"));
  await when(deploy("v2"));
  await then(active("v2"), healthy, size("v1", 0));
});

scenario("switches only when every pod of the new version is available", async (given, when, then, after) => {
  await given(blueGreen(), running("v1"), pods("v2", { readyAfterSeconds: 20 }));
  await when(deploy("v2"));
  await then(active("v1"), phase("Progressing"));
  await after(19, "s");
  await then(active("v1"));
  await after(1, "s");
  await then(active("v2"), healthy);
});

scenario("counts minReadySeconds before the pause as well", async (given, when, then, after) => {
  await given(blueGreen({ autoPromotionEnabled: false }, { minReadySeconds: 10 }), running("v1"));
  await when(deploy("v2"));
  await after(9, "s");
  await then(phase("Progressing"), active("v1"));
  await after(2, "s");
  await then(phase("Paused", "BlueGreenPause"));
});

scenario("releases without a preview Service", async (given, when, then) => {
  await given(blueGreen({ previewService: undefined, autoPromotionEnabled: false }), running("v1"));
  await when(deploy("v2"));
  await then(active("v1"), phase("Paused", "BlueGreenPause"), size("v2", 2));
  await when(promote());
  await then(active("v2"), healthy);
});

scenario("points the preview Service to the new version before there are pods", async (given, when, then) => {
  await given(blueGreen(), running("v1"), pods("v2", { startAfterSeconds: 60 }));
  await when(deploy("v2"));
  await then(selects("web-preview", "v2"), selects("web", "v1"));
});

scenario("records the events of a plain release in Argo's order", async (given, when, then) => {
  await given(blueGreen({ previewService: undefined }), running("v1"));
  const first = [
    "RolloutAddedToInformer",
    "RolloutUpdated",
    "NewReplicaSetCreated",
    "ScalingReplicaSet",
    "RolloutCompleted",
    "SwitchService",
  ];
  await then(events(...first));
  await when(deploy("v2"));
  await then(
    events(
      ...first,
      "RolloutUpdated",
      "NewReplicaSetCreated",
      "RolloutNotCompleted",
      "ScalingReplicaSet",
      "SwitchService",
      "RolloutCompleted",
    ),
  );
});

scenario("shows in the status how far the release is", async (given, when, then, after) => {
  await given(blueGreen(), running("v1"), pods("v2", { readyAfterSeconds: 5 }));
  await when(deploy("v2"));
  // How far the pods are is told once a second.
  await after(1, "s");
  await then(
    phase("Progressing", "active service cutover pending"),
    condition("Progressing", "True"),
    status({ replicas: 4, updatedReplicas: 2, readyReplicas: 2, availableReplicas: 2, HPAReplicas: 2 }),
  );
  await after(4, "s");
  await then(healthy, condition("Progressing", "True", "NewReplicaSetAvailable"), status({ replicas: 4 }));
  await after(33, "s");
  await then(status({ replicas: 2, updatedReplicas: 2, availableReplicas: 2 }));
});

scenario("keeps no more former versions than revisionHistoryLimit", async (given, when, then, after) => {
  await given(blueGreen({}, { revisionHistoryLimit: 2 }), running("v1"));
  for (const version of ["v2", "v3", "v4", "v5"]) {
    await when(deploy(version));
    await after(31, "s");
  }
  await then(versions("v3", "v4", "v5"), active("v5"), revision(5, "v5"), healthy);
});

scenario(
  "deletes no version that still has pods, whatever the history limit",
  async (given, when, then, after) => {
    await given(blueGreen({}, { revisionHistoryLimit: 0 }), running("v1"));
    await when(deploy("v2"));
    await then(versions("v1", "v2"), size("v1", 2));
    await after(31, "s");
    await then(versions("v2"), healthy);
  },
);

scenario("lets no more old versions wait than scaleDownDelayRevisionLimit", async (given, when, then) => {
  await given(blueGreen({ scaleDownDelayRevisionLimit: 1 }), running("v1"));
  await when(deploy("v2"));
  await then(size("v1", 2));
  await when(deploy("v3"));
  await then(size("v1", 0), size("v2", 2), active("v3"), healthy);
});
