import {
  active,
  blueGreen,
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
  trafficConfirms,
  trafficStalls,
  versions,
} from "./bed/language.ts";

const manual = { autoPromotionEnabled: false };

scenario(
  "a newer version takes the place of one that waits for promotion",
  async (given, when, then, after) => {
    await given(blueGreen(manual), running("v1"));
    await when(deploy("v2"), deploy("v3"));
    await then(
      active("v1"),
      preview("v3"),
      stable("v1"),
      revision(3, "v3"),
      phase("Paused", "BlueGreenPause"),
    );
    await after(31, "s");
    await then(size("v1", 2), size("v2", 0), size("v3", 2));
    await when(promote());
    await then(active("v3"), healthy);
  },
);

scenario(
  "a newer version takes the place of one that is still starting",
  async (given, when, then, after) => {
    await given(
      blueGreen(),
      running("v1"),
      pods("v2", { neverReady: true }),
      pods("v3", { readyAfterSeconds: 5 }),
    );
    await when(deploy("v2"), deploy("v3"));
    await then(active("v1"), preview("v3"));
    await after(5, "s");
    await then(active("v3"), healthy);
    await after(1, "min");
    await then(size("v1", 0), size("v2", 0));
  },
);

scenario("a promotion is for the version that it was given to", async (given, when, then) => {
  await given(blueGreen(manual), running("v1"), pods("v2", { readyAfterSeconds: 60 }));
  await when(deploy("v2"), promote(), deploy("v3"));
  await then(active("v1"), preview("v3"), phase("Paused", "BlueGreenPause"));
});

scenario(
  "going back to the live version during an update ends the update",
  async (given, when, then, after) => {
    await given(blueGreen(manual), running("v1"));
    await when(deploy("v2"), deploy("v1"));
    await then(active("v1"), preview("v1"), stable("v1"), healthy, revision(3, "v1"));
    await after(31, "s");
    await then(size("v2", 0), size("v1", 2), versions("v2", "v1"));
  },
);

scenario(
  "going back to a version that was superseded during the update pauses as any update",
  async (given, when, then, after) => {
    await given(blueGreen(manual), running("v1"));
    await when(deploy("v2"), deploy("v3"));
    await after(31, "s");
    await when(deploy("v2"));
    await then(active("v1"), preview("v2"), size("v2", 2), phase("Paused", "BlueGreenPause"));
  },
);

scenario(
  "a third version that arrives between switch and confirmation finds users on the second and leaves them there",
  async (given, when, then) => {
    await given(blueGreen(manual), running("v1"));
    await when(trafficStalls(), deploy("v2"), promote());
    await then(selects("web", "v2"), stable("v1"));
    await when(deploy("v3"), trafficConfirms());
    await then(preview("v3"), phase("Paused", "BlueGreenPause"), active("v2"), stable("v2"), retiring("v1"));
    await when(promote());
    await then(active("v3"), stable("v3"), healthy);
  },
);

scenario("ten versions in a row end with the last one", async (given, when, then, after) => {
  await given(blueGreen(), running("v1"), pods("*", { readyAfterSeconds: 1 }));
  for (let n = 2; n <= 11; n++) await when(deploy(`v${n}`));
  await after(2, "min");
  await then(active("v11"), preview("v11"), healthy, size("v11", 2), size("v10", 0));
});
