import {
  abort,
  active,
  blueGreen,
  condition,
  deploy,
  healthy,
  notRetiring,
  phase,
  podFails,
  pods,
  podsBehave,
  podsCrash,
  podsRecover,
  preview,
  promote,
  promoteFull,
  retiring,
  retry,
  running,
  scenario,
  selects,
  size,
  stable,
  status,
  trafficConfirms,
  trafficStalls,
} from "./bed/language.ts";

const manual = { autoPromotionEnabled: false };

scenario(
  "leaves users where they are when an update is aborted before the switch",
  async (given, when, then) => {
    await given(blueGreen(manual), running("v1"));
    await when(deploy("v2"), abort());
    await then(active("v1"), preview("v2"), stable("v1"), phase("Degraded", /^RolloutAborted: /));
    await then(
      condition("Progressing", "False", "RolloutAborted"),
      status({ abort: true, pauseConditions: undefined, controllerPause: undefined }),
    );
  },
);

scenario("keeps an aborted version for 30 seconds", async (given, when, then, after) => {
  await given(blueGreen(manual), running("v1"));
  await when(deploy("v2"), abort());
  await then(size("v2", 2), retiring("v2"));
  await after(29, "s");
  await then(size("v2", 2));
  await after(2, "s");
  await then(size("v2", 0), size("v1", 2), active("v1"), phase("Degraded"));
});

scenario(
  "keeps an aborted version for as long as abortScaleDownDelaySeconds says",
  async (given, when, then, after) => {
    await given(blueGreen({ ...manual, abortScaleDownDelaySeconds: 90 }), running("v1"));
    await when(deploy("v2"), abort());
    await after(89, "s");
    await then(size("v2", 2));
    await after(2, "s");
    await then(size("v2", 0));
  },
);

scenario(
  "keeps an aborted version for ever when abortScaleDownDelaySeconds is 0",
  async (given, when, then, after) => {
    await given(blueGreen({ ...manual, abortScaleDownDelaySeconds: 0 }), running("v1"));
    await when(deploy("v2"), abort());
    await after(24, "h");
    await then(size("v2", 2), notRetiring("v2"), active("v1"));
  },
);

scenario("aborts an update whose pods never become available", async (given, when, then, after) => {
  await given(blueGreen(), running("v1"), pods("v2", { neverReady: true }));
  await when(deploy("v2"), abort());
  await then(active("v1"), phase("Degraded", /^RolloutAborted: /));
  await after(31, "s");
  await then(size("v2", 0), active("v1"));
});

scenario("takes users back when an update is aborted after the switch", async (given, when, then, after) => {
  await given(blueGreen(), running("v1"));
  await when(trafficStalls(), deploy("v2"));
  await then(selects("web", "v2"), stable("v1"), phase("Progressing", "active service cutover pending"));
  await when(trafficConfirms(), abort());
  await then(active("v2"), stable("v2"), healthy);
  await after(1, "min");
});

scenario(
  "takes users back although the new version has crashed since the switch",
  async (given, when, then, after) => {
    await given(blueGreen(manual), running("v1"));
    await when(trafficStalls(), deploy("v2"), promote());
    await then(selects("web", "v2"), stable("v1"));
    await when(podsCrash("v2"), abort(), trafficConfirms());
    await then(active("v1"), stable("v1"), size("v1", 2), phase("Degraded", /^RolloutAborted: /));
    await after(2, "min");
    await then(active("v1"), size("v1", 2), size("v2", 0));
  },
  { restless: true },
);

scenario(
  "counts the delay of an aborted version from when users have left it",
  async (given, when, then, after) => {
    await given(blueGreen(manual), running("v1"));
    await when(trafficStalls(), deploy("v2"), promote(), abort());
    await then(selects("web", "v1"), size("v2", 2), notRetiring("v2"));
    await after(5, "min");
    await then(size("v2", 2), notRetiring("v2"));
    await when(trafficConfirms());
    await then(active("v1"), retiring("v2"));
    await after(29, "s");
    await then(size("v2", 2));
    await after(2, "s");
    await then(size("v2", 0));
  },
  { only: "embedded" },
);

scenario("brings the aborted version out after all when told to try again", async (given, when, then) => {
  await given(blueGreen(manual), running("v1"));
  await when(deploy("v2"), abort(), retry());
  await then(
    active("v1"),
    preview("v2"),
    size("v2", 2),
    notRetiring("v2"),
    phase("Paused", "BlueGreenPause"),
  );
  await when(promote());
  await then(active("v2"), healthy, stable("v2"));
});

scenario(
  "starts the pods again when told to try again after the scale-down",
  async (given, when, then, after) => {
    await given(blueGreen(manual), running("v1"), pods("v2", { readyAfterSeconds: 5 }));
    await when(deploy("v2"));
    await after(6, "s");
    await when(abort());
    await after(31, "s");
    await then(size("v2", 0));
    await when(retry());
    await then(size("v2", 2), phase("Progressing"), condition("Progressing", "True"));
    await after(5, "s");
    await then(phase("Paused", "BlueGreenPause"), active("v1"));
  },
);

scenario(
  "remembers a promotion right after a retry, while the pods are still starting",
  async (given, when, then, after) => {
    await given(blueGreen(manual), running("v1"), pods("v2", { readyAfterSeconds: 5 }));
    await when(deploy("v2"));
    await after(6, "s");
    await when(abort(), retry());
    await then(phase("Paused", "BlueGreenPause"));
    await when(promote());
    await then(active("v2"), healthy);
  },
);

scenario("an abort wins over promote --full", async (given, when, then, after) => {
  await given(blueGreen(manual), running("v1"), pods("v2", { readyAfterSeconds: 10 }));
  await when(deploy("v2"), promoteFull(), abort());
  await after(1, "min");
  await then(active("v1"), phase("Degraded", /^RolloutAborted: /), size("v2", 0));
});

scenario("an abort without an update under way changes nothing", async (given, when, then) => {
  await given(blueGreen(manual), running("v1"));
  await when(abort());
  await then(active("v1"), size("v1", 2), healthy, status({ abort: undefined }));
});

scenario("a new template ends an abort", async (given, when, then) => {
  await given(blueGreen(manual), running("v1"));
  await when(deploy("v2"), abort(), deploy("v3"));
  await then(active("v1"), preview("v3"), phase("Paused", "BlueGreenPause"), status({ abort: undefined }));
});

scenario("going back to the old template ends an abort", async (given, when, then, after) => {
  await given(blueGreen(manual), running("v1"));
  await when(deploy("v2"), abort(), deploy("v1"));
  await then(active("v1"), preview("v1"), healthy);
  await after(31, "s");
  await then(size("v2", 0));
});

scenario("an aborted version that mends itself stays aborted", async (given, when, then, after) => {
  await given(
    blueGreen({ ...manual, abortScaleDownDelaySeconds: 0 }),
    running("v1"),
    pods("v2", { neverReady: true }),
  );
  await when(deploy("v2"), abort(), podsRecover("v2"));
  await after(1, "min");
  await then(active("v1"), phase("Degraded"));
});

scenario(
  "takes users back to what is left of the stable version when the new one has nothing left",
  async (given, when, then) => {
    await given(blueGreen(manual), running("v1"));
    await when(trafficStalls(), deploy("v2"), promote(), podFails("v1"), abort());
    await then(selects("web", "v2"));
    await when(podsBehave("v2", { neverReady: true }), trafficConfirms());
    await then(active("v1"), stable("v1"));
  },
);

scenario(
  "leaves users on a new version that serves until the stable one can carry them all",
  async (given, when, then) => {
    await given(blueGreen(manual), running("v1"));
    await when(trafficStalls(), deploy("v2"), promote(), podFails("v1"), abort());
    await then(
      selects("web", "v2"),
      size("v2", 2),
      notRetiring("v2"),
      phase("Degraded", /^RolloutAborted: /),
    );
    await when(podsRecover("v1"), trafficConfirms());
    await then(active("v1"), stable("v1"), retiring("v2"));
  },
);

scenario("keeps an aborted version until the stable one is complete", async (given, when, then, after) => {
  await given(blueGreen(manual), running("v1"));
  await when(deploy("v2"), podFails("v1"), abort());
  await after(5, "min");
  await then(size("v2", 2), notRetiring("v2"), selects("web", "v1"));
  await when(podsRecover("v1"));
  await then(active("v1"), retiring("v2"));
  await after(31, "s");
  await then(size("v2", 0));
});

scenario("an abort takes a full promotion back, also for a later retry", async (given, when, then, after) => {
  await given(blueGreen(manual), running("v1"), pods("v2", { readyAfterSeconds: 10 }));
  await when(deploy("v2"), promoteFull(), abort());
  await then(status({ promoteFull: undefined }));
  await when(retry());
  await after(10, "s");
  await then(active("v1"), phase("Paused", "BlueGreenPause"));
});
