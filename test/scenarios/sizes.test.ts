import {
  abort,
  active,
  blueGreen,
  change,
  deletePod,
  deploy,
  healthy,
  phase,
  pods,
  preview,
  promote,
  promoteFull,
  running,
  scale,
  scenario,
  size,
  status,
} from "./bed/language.ts";

const manual = { autoPromotionEnabled: false };

scenario(
  "previews with previewReplicaCount pods and grows before the switch",
  async (given, when, then, after) => {
    await given(
      blueGreen({ ...manual, previewReplicaCount: 1 }, { replicas: 3 }),
      running("v1"),
      pods("v2", { readyAfterSeconds: 5 }),
    );
    await when(deploy("v2"));
    await then(size("v2", 1), size("v1", 3));
    await after(5, "s");
    await then(phase("Paused", "BlueGreenPause"), preview("v2"));
    await when(promote());
    await then(size("v2", 3), active("v1"));
    await after(5, "s");
    await then(active("v2"), healthy, size("v2", 3));
  },
);

scenario("previewReplicaCount is for updates, not for the first version", async (given, when, then) => {
  await given(blueGreen({ previewReplicaCount: 1 }, { replicas: 3 }));
  await when(deploy("v1"));
  await then(size("v1", 3), active("v1"), healthy);
});

scenario("previewReplicaCount holds until the timed pause is over", async (given, when, then, after) => {
  await given(
    blueGreen({ autoPromotionSeconds: 30, previewReplicaCount: 1 }, { replicas: 3 }),
    running("v1"),
  );
  await when(deploy("v2"));
  await after(29, "s");
  await then(size("v2", 1), active("v1"));
  await after(2, "s");
  await then(size("v2", 3), active("v2"), healthy);
});

scenario("promote --full takes no notice of previewReplicaCount", async (given, when, then) => {
  await given(blueGreen({ ...manual, previewReplicaCount: 1 }, { replicas: 3 }), running("v1"));
  await when(deploy("v2"), promoteFull());
  await then(size("v2", 3), active("v2"), healthy);
});

scenario("resizes both versions during the pause", async (given, when, then) => {
  await given(blueGreen(manual), running("v1"));
  await when(deploy("v2"), scale(5));
  await then(size("v1", 5), size("v2", 5), active("v1"), phase("Paused", "BlueGreenPause"));
  await when(scale(1));
  await then(size("v1", 1), size("v2", 1), active("v1"), phase("Paused", "BlueGreenPause"));
  await when(promote());
  await then(active("v2"), healthy);
});

scenario(
  "resizes only the live version while the preview has a size of its own",
  async (given, when, then) => {
    await given(blueGreen({ ...manual, previewReplicaCount: 1 }), running("v1"));
    await when(deploy("v2"), scale(4));
    await then(size("v1", 4), size("v2", 1), phase("Paused", "BlueGreenPause"));
  },
);

scenario("resizes at rest", async (given, when, then) => {
  await given(blueGreen(), running("v1"));
  await when(scale(4));
  await then(size("v1", 4), healthy, status({ replicas: 4, availableReplicas: 4, HPAReplicas: 4 }));
  await when(scale(0));
  await then(size("v1", 0));
  await when(scale(2));
  await then(size("v1", 2), active("v1"), healthy);
});

scenario("does not resize a version that waits for its end", async (given, when, then) => {
  await given(blueGreen(), running("v1"));
  await when(deploy("v2"), scale(4));
  await then(active("v2"), size("v2", 4), size("v1", 2));
});

scenario("resizes the live version while the update is aborted", async (given, when, then, after) => {
  await given(blueGreen(manual), running("v1"));
  await when(deploy("v2"), abort(), scale(3));
  await then(active("v1"), size("v1", 3));
  await after(1, "min");
  await then(size("v2", 0));
});

scenario("constant resizing does not hold up a release", async (given, when, then, after) => {
  await given(blueGreen({ autoPromotionSeconds: 10 }), running("v1"));
  await when(deploy("v2"));
  for (let n = 0; n < 12; n++) {
    await when(scale(2 + (n % 2)));
    await after(1, "s");
  }
  await then(active("v2"), healthy);
});

scenario("replaces a pod that is gone without leaving the live version", async (given, when, then, after) => {
  await given(blueGreen({}, {}), running("v1"), pods("v1", { readyAfterSeconds: 3 }));
  await when(deletePod("v1"));
  await then(active("v1"), phase("Progressing"));
  await after(3, "s");
  await then(active("v1"), healthy, size("v1", 2));
});

scenario("writes 1 into spec.replicas when nobody says how many", async (given, when, then) => {
  await given(blueGreen());
  await when(deploy("v1"), change({ replicas: null }));
  await then(size("v1", 1), active("v1"), healthy);
});
