import {
  active,
  applyRollout,
  blueGreen,
  condition,
  createService,
  deploy,
  healthy,
  phase,
  pods,
  podsRecover,
  preview,
  revision,
  scenario,
  selects,
  size,
  stable,
  status,
  versions,
} from "./bed/language.ts";

scenario(
  "brings out the first version at once, also where updates wait for promotion",
  async (given, when, then) => {
    await given(blueGreen({ autoPromotionEnabled: false }));
    await when(deploy("v1"));
    await then(active("v1"), preview("v1"), stable("v1"), size("v1", 2), revision(1, "v1"), healthy);
    await then(
      condition("Available", "True"),
      condition("Completed", "True"),
      condition("Healthy", "True"),
      condition("Progressing", "True", "NewReplicaSetAvailable"),
      status({
        replicas: 2,
        updatedReplicas: 2,
        readyReplicas: 2,
        availableReplicas: 2,
        pauseConditions: undefined,
      }),
    );
  },
);

scenario(
  "sends nobody to the first version before all of its pods are available",
  async (given, when, then, after) => {
    await given(blueGreen(), pods("v1", { readyAfterSeconds: 5 }));
    await when(deploy("v1"));
    await then(phase("Progressing"), selects("web", undefined), size("v1", 2));
    await after(5, "s");
    await then(active("v1"), healthy);
  },
);

scenario("waits for minReadySeconds before a pod counts as available", async (given, when, then, after) => {
  await given(blueGreen({}, { minReadySeconds: 10 }));
  await when(deploy("v1"));
  // How far the pods are is told once a second.
  await after(1, "s");
  await then(phase("Progressing", "updated replicas are still becoming available"));
  await after(8, "s");
  await then(selects("web", undefined), status({ availableReplicas: 0, readyReplicas: 2 }));
  await after(2, "s");
  await then(active("v1"), healthy);
});

scenario("needs no preview Service", async (given, when, then) => {
  await given(blueGreen({ previewService: undefined }));
  await when(deploy("v1"));
  await then(active("v1"), healthy);
});

scenario("waits for its Services when the Rollout comes first", async (given, when, then) => {
  await given(blueGreen());
  await when(applyRollout("v1"));
  await then(phase("Degraded", /^InvalidSpec: .*service "web" not found/), versions());
  await when(createService("web"), createService("web-preview"));
  await then(active("v1"), preview("v1"), healthy);
});

scenario(
  "takes the next template when the first version never becomes available",
  async (given, when, then) => {
    await given(blueGreen(), pods("v1", { neverReady: true }));
    await when(deploy("v1"));
    await then(phase("Progressing"), selects("web", undefined));
    await when(deploy("v2"));
    await then(active("v2"), stable("v2"), healthy);
  },
);

scenario("goes live as soon as the first version mends itself", async (given, when, then, after) => {
  await given(blueGreen(), pods("v1", { neverReady: true }));
  await when(deploy("v1"));
  await after(5, "min");
  await when(podsRecover("v1"));
  await then(active("v1"), healthy);
});

scenario("runs with no pods at all, and comes up from there", async (given, when, then) => {
  await given(blueGreen({}, { replicas: 0 }));
  await when(deploy("v1"));
  await then(size("v1", 0), stable("v1"), healthy);
});
