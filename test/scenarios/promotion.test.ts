import {
  active,
  blueGreen,
  change,
  deletePod,
  deploy,
  healthy,
  phase,
  pods,
  podsBehave,
  podsRecover,
  preview,
  promote,
  promoteFull,
  running,
  scale,
  scenario,
  size,
  stable,
  status,
} from "./bed/language.ts";

scenario("promotes by itself when autoPromotionSeconds have passed", async (given, when, then, after) => {
  await given(blueGreen({ autoPromotionSeconds: 30 }), running("v1"));
  await when(deploy("v2"));
  await then(phase("Paused", "BlueGreenPause"), preview("v2"), active("v1"));
  await after(29, "s");
  await then(active("v1"), phase("Paused", "BlueGreenPause"));
  await after(2, "s");
  await then(active("v2"), healthy);
});

scenario("can be promoted before autoPromotionSeconds have passed", async (given, when, then) => {
  await given(blueGreen({ autoPromotionSeconds: 3600 }), running("v1"));
  await when(deploy("v2"), promote());
  await then(active("v2"), healthy);
});

scenario("ignores autoPromotionSeconds where promotion is manual", async (given, when, then, after) => {
  await given(blueGreen({ autoPromotionEnabled: false, autoPromotionSeconds: 10 }), running("v1"));
  await when(deploy("v2"));
  await after(1, "h");
  await then(active("v1"), phase("Paused", "BlueGreenPause"));
});

scenario("promotes without a pause where nothing asks for one", async (given, when, then) => {
  await given(blueGreen(), running("v1"));
  await when(deploy("v2"));
  await then(active("v2"), stable("v2"), healthy, status({ pauseConditions: undefined }));
});

scenario("remembers a promotion that comes while a preview pod is down", async (given, when, then, after) => {
  await given(blueGreen({ autoPromotionEnabled: false }), running("v1"));
  await when(deploy("v2"), podsBehave("v2", { neverReady: true }));
  await when(promote());
  await then(active("v1"), phase("Progressing"));
  await after(1, "min");
  await then(active("v1"));
  await when(podsRecover("v2"));
  await then(active("v2"), healthy);
});

scenario(
  "remembers a promotion that comes while a deleted preview pod is replaced",
  async (given, when, then, after) => {
    await given(
      blueGreen({ autoPromotionEnabled: false }),
      running("v1"),
      pods("v2", { readyAfterSeconds: 5 }),
    );
    await when(deploy("v2"));
    await after(5, "s");
    await when(deletePod("v2"), promote());
    await then(active("v1"));
    await after(5, "s");
    await then(active("v2"), healthy);
  },
);

scenario("remembers a promotion over a change of size", async (given, when, then, after) => {
  await given(
    blueGreen({ autoPromotionEnabled: false }),
    running("v1"),
    pods("v2", { readyAfterSeconds: 5 }),
  );
  await when(deploy("v2"));
  await after(5, "s");
  await when(scale(4), promote());
  await then(active("v1"));
  await after(5, "s");
  await then(active("v2"), size("v2", 4), healthy);
});

scenario("promote --full skips the pause that has been reached", async (given, when, then) => {
  await given(blueGreen({ autoPromotionEnabled: false }), running("v1"));
  await when(deploy("v2"), promoteFull());
  await then(active("v2"), stable("v2"), healthy, status({ promoteFull: undefined }));
});

scenario(
  "promote --full skips the pause that is still ahead, but waits for the pods",
  async (given, when, then, after) => {
    await given(
      blueGreen({ autoPromotionEnabled: false }),
      running("v1"),
      pods("v2", { readyAfterSeconds: 10 }),
    );
    await when(deploy("v2"), promoteFull());
    await then(active("v1"), status({ promoteFull: true }));
    await after(10, "s");
    await then(active("v2"), healthy, status({ promoteFull: undefined }));
  },
);

scenario("promote --full holds for one update only", async (given, when, then) => {
  await given(blueGreen({ autoPromotionEnabled: false }), running("v1"));
  await when(deploy("v2"), promoteFull(), deploy("v3"));
  await then(active("v2"), preview("v3"), phase("Paused", "BlueGreenPause"));
});

scenario("promote --full with nothing to promote changes nothing", async (given, when, then) => {
  await given(blueGreen({ autoPromotionEnabled: false }), running("v1"));
  await when(promoteFull());
  await then(active("v1"), healthy, status({ promoteFull: undefined }));
});

scenario(
  "promoting while the pods are still starting does not shorten the pause ahead",
  async (given, when, then, after) => {
    await given(
      blueGreen({ autoPromotionEnabled: false }),
      running("v1"),
      pods("v2", { readyAfterSeconds: 10 }),
    );
    await when(deploy("v2"), promote());
    await after(10, "s");
    await then(active("v1"), phase("Paused", "BlueGreenPause"));
  },
);

scenario(
  "goes on by itself when manual promotion is switched off during the pause",
  async (given, when, then) => {
    await given(blueGreen({ autoPromotionEnabled: false }), running("v1"));
    await when(deploy("v2"));
    await when(change({ strategy: { blueGreen: { autoPromotionEnabled: true } } }));
    await then(active("v2"), healthy);
  },
);
