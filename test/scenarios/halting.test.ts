import {
  abort,
  active,
  blueGreen,
  condition,
  deploy,
  healthy,
  pause,
  phase,
  pods,
  pointSelector,
  preview,
  promote,
  resume,
  running,
  scale,
  scenario,
  selects,
  size,
  stripSelector,
} from "./bed/language.ts";

scenario("a paused Rollout starts no switch, but still does as it is sized", async (given, when, then) => {
  await given(blueGreen(), running("v1"));
  await when(pause());
  await then(phase("Paused", "manually paused"), condition("Paused", "True"));
  await when(scale(3));
  await then(size("v1", 3), active("v1"));
  await when(deploy("v2"));
  await then(active("v1"), selects("web-preview", "v1"), phase("Paused", "manually paused"));
  await when(resume());
  await then(active("v2"), preview("v2"), healthy, condition("Paused", "False"));
});

scenario("pausing while the pods start holds the switch back", async (given, when, then, after) => {
  await given(blueGreen(), running("v1"), pods("v2", { readyAfterSeconds: 10 }));
  await when(deploy("v2"), pause());
  await after(1, "min");
  await then(active("v1"), size("v2", 2), phase("Paused", "manually paused"));
  await when(resume());
  await then(active("v2"), healthy);
});

scenario("pausing during the wait for promotion needs no second promotion", async (given, when, then) => {
  await given(blueGreen({ autoPromotionEnabled: false }), running("v1"));
  await when(deploy("v2"), pause());
  await then(phase("Paused", "manually paused"), active("v1"));
  await when(promote());
  await then(active("v2"), healthy);
});

scenario("resuming is no promotion", async (given, when, then) => {
  await given(blueGreen({ autoPromotionEnabled: false }), running("v1"));
  await when(deploy("v2"), pause(), resume());
  await then(active("v1"), phase("Paused", "BlueGreenPause"));
});

scenario(
  "pausing after the switch leaves users on the new version and the old one to its delay",
  async (given, when, then, after) => {
    await given(blueGreen(), running("v1"));
    await when(deploy("v2"), pause());
    await then(active("v2"), phase("Paused", "manually paused"));
    await after(31, "s");
    await then(size("v1", 0), active("v2"));
    await when(resume());
    await then(healthy);
  },
);

scenario("a paused Rollout can be aborted", async (given, when, then) => {
  await given(blueGreen({ autoPromotionEnabled: false }), running("v1"));
  await when(deploy("v2"), pause(), abort());
  await then(active("v1"), phase("Degraded", /^RolloutAborted: /));
});

scenario(
  "pausing before the first version is there keeps it from users until resumed",
  async (given, when, then, after) => {
    await given(blueGreen(), pods("v1", { readyAfterSeconds: 5 }));
    await when(deploy("v1"), pause());
    await after(10, "s");
    await then(size("v1", 2), selects("web", undefined), phase("Paused", "manually paused"));
    await when(resume());
    await then(active("v1"), healthy);
  },
);

scenario(
  "a paused Rollout leaves users where somebody has sent them by hand, until it is resumed",
  async (given, when, then) => {
    await given(blueGreen(), running("v1"));
    await when(deploy("v2"), pause(), pointSelector("web", "v1"));
    await then(active("v1"), size("v1", 2), phase("Paused", "manually paused"));
    await when(resume());
    await then(active("v2"), healthy);
  },
);

scenario("a paused Rollout still puts a stripped selector back", async (given, when, then) => {
  await given(blueGreen(), running("v1"));
  await when(deploy("v2"), pause(), stripSelector("web"));
  await then(active("v2"), phase("Paused", "manually paused"));
  await when(resume());
  await then(active("v2"), healthy);
});

scenario(
  "a way back by hand keeps its pods for as long as the Rollout is paused",
  async (given, when, then, after) => {
    await given(blueGreen(), running("v1"));
    await when(deploy("v2"), pause(), pointSelector("web", "v1"));
    await after(10, "min");
    await then(active("v1"), size("v1", 2));
    await when(resume());
    await then(active("v2"), healthy);
  },
);

scenario(
  "a paused Rollout keeps the version that its preview Service leads to",
  async (given, when, then, after) => {
    await given(blueGreen({ autoPromotionEnabled: false }), running("v1"));
    await when(deploy("v2"), pause(), deploy("v3"));
    await after(10, "min");
    await then(active("v1"), preview("v2"), size("v2", 2), size("v3", 2));
    await when(resume());
    await then(active("v1"), preview("v3"), phase("Paused", "BlueGreenPause"));
    await after(31, "s");
    await then(size("v2", 0));
  },
);
