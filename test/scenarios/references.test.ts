import {
  active,
  another,
  blueGreen,
  change,
  changeSelector,
  changeStrategy,
  condition,
  createService,
  createTemplate,
  deleteService,
  deploy,
  healthy,
  installTemplates,
  noCondition,
  of,
  phase,
  podsCrash,
  pointSelector,
  preview,
  promote,
  running,
  scenario,
  seenBy,
  selects,
  size,
  stable,
  startController,
  stopController,
  stripSelector,
  trafficStalls,
  unmanaged,
  versions,
} from "./bed/language.ts";

const manual = { autoPromotionEnabled: false };

scenario("a selector that somebody strips at rest is put back", async (given, when, then) => {
  await given(blueGreen(manual), running("v1"));
  await when(stripSelector("web"), stripSelector("web-preview"));
  await then(active("v1"), preview("v1"), healthy);
});

scenario(
  "a selector that somebody strips during the pause is put back, and promotes nothing",
  async (given, when, then, after) => {
    await given(blueGreen(manual), running("v1"));
    await when(deploy("v2"), stripSelector("web"));
    await then(active("v1"), stable("v1"), preview("v2"), phase("Paused", "BlueGreenPause"));
    await after(1, "h");
    await then(active("v1"), phase("Paused", "BlueGreenPause"));
    await when(promote());
    await then(active("v2"), healthy);
  },
);

scenario(
  "a selector that was stripped while the controller was away gives no permission",
  async (given, when, then) => {
    await given(blueGreen(manual), running("v1"));
    await when(stopController(), stripSelector("web"), deploy("v2"), startController());
    await then(active("v1"), preview("v2"), phase("Paused", "BlueGreenPause"));
  },
);

scenario("a selector that somebody points to the preview is put back", async (given, when, then) => {
  await given(blueGreen(manual), running("v1"));
  await when(deploy("v2"), pointSelector("web", "v2"));
  await then(active("v1"), stable("v1"), phase("Paused", "BlueGreenPause"));
});

scenario(
  "a selector that somebody points back to the old version is put right",
  async (given, when, then) => {
    await given(blueGreen(manual), running("v1"));
    await when(deploy("v2"), promote(), pointSelector("web", "v1"));
    await then(active("v2"), stable("v2"), healthy);
  },
);

scenario(
  "a preview Service that is deleted and made anew is taken up again at rest",
  async (given, when, then) => {
    await given(blueGreen(manual), running("v1"));
    await when(deleteService("web-preview"));
    await then(
      phase("Degraded", /service "web-preview" not found/),
      condition("InvalidSpec", "True", "InvalidSpec"),
    );
    await when(createService("web-preview"));
    await then(preview("v1"), healthy, noCondition("InvalidSpec"));
  },
);

scenario(
  "a preview Service that is made anew during the pause leads to the preview again",
  async (given, when, then) => {
    await given(blueGreen(manual), running("v1"));
    await when(deploy("v2"), deleteService("web-preview"), createService("web-preview"));
    await then(active("v1"), preview("v2"), phase("Paused", "BlueGreenPause"));
    await when(promote());
    await then(active("v2"), healthy);
  },
);

scenario(
  "an active Service that is made anew leads to the stable version, not to the preview",
  async (given, when, then) => {
    await given(blueGreen(manual), running("v1"));
    await when(deploy("v2"), deleteService("web"));
    await then(phase("Degraded", /service "web" not found/));
    await when(createService("web"));
    await then(active("v1"), preview("v2"), phase("Paused", "BlueGreenPause"));
  },
);

scenario("nothing is scaled down while a Service is missing", async (given, when, then, after) => {
  await given(blueGreen(manual), running("v1"));
  await when(deploy("v2"), deleteService("web"));
  await after(10, "min");
  await then(size("v1", 2), size("v2", 2));
  await when(createService("web"));
  await then(active("v1"));
});

scenario(
  "a Service whose selector asks for other labels than the pods have is refused until mended",
  async (given, when, then) => {
    await given(blueGreen(manual), running("v1"));
    await when(changeSelector("web", { tier: "front" }));
    await then(phase("Degraded", /Service "web" has unmatch label "tier" in rollout/));
    await when(changeSelector("web", { tier: null }));
    await then(active("v1"), healthy);
  },
);

scenario("one Service for both roles is refused until mended", async (given, when, then) => {
  await given(blueGreen(manual), running("v1"));
  await when(changeStrategy({ previewService: "web" }));
  await then(phase("Degraded", /uses the same service for the active and preview services/), size("v1", 2));
  await when(changeStrategy({ previewService: "web-preview" }));
  await then(active("v1"), healthy);
});

scenario("an update of a Rollout that is refused starts when it is mended", async (given, when, then) => {
  await given(blueGreen(), running("v1"));
  await when(changeStrategy({ activeService: "absent" }), deploy("v2"));
  await then(
    size("v1", 2),
    versions("v1"),
    phase("Degraded", /service "absent" not found/),
    unmanaged("web"),
  );
  await when(changeStrategy({ activeService: "web" }));
  await then(active("v2"), healthy);
});

scenario("an analysis that is asked for and cannot be run is never skipped", async (given, when, then) => {
  const prePromotionAnalysis = { templates: [{ templateName: "smoke" }] };
  await given(blueGreen({ prePromotionAnalysis }));
  await when(installTemplates, createTemplate("smoke"), deploy("v1"));
  await when(deploy("v2"));
  await then(active("v1"), phase("Degraded", /^RolloutAborted: .*prePromotionAnalysis/), size("v1", 2));
});

scenario("other Rollouts go on while one is broken", async (given, when, then) => {
  await given(blueGreen(), another("api", manual), running("v1"));
  await when(deleteService("web"), of("api", deploy("v2")));
  await then(
    phase("Degraded"),
    seenBy("api", active("v1"), preview("v2"), phase("Paused", "BlueGreenPause")),
  );
  await when(of("api", promote()));
  await then(phase("Degraded"), seenBy("api", active("v2"), healthy));
});

scenario(
  "other Rollouts go on while one crashes and another is not confirmed",
  async (given, when, then) => {
    await given(blueGreen(manual), another("api"), running("v1"));
    await when(deploy("v2"), podsCrash("v2"), of("api", deploy("v2")));
    await then(active("v1"), seenBy("api", active("v2"), healthy));
  },
  { restless: true },
);

scenario(
  "of two Rollouts that name the same Service, the one that has it keeps it",
  async (given, when, then) => {
    await given(blueGreen(), another("api"), running("v1"));
    await when(of("api", changeStrategy({ activeService: "web" })));
    await then(
      active("v1"),
      healthy,
      seenBy("api", phase("Degraded", /Service "web" is managed by another Rollout/)),
    );
    await when(of("api", changeStrategy({ activeService: "api" })));
    await then(seenBy("api", healthy));
  },
);

scenario("an unconfirmed switch shows as such and scales nothing down", async (given, when, then, after) => {
  await given(blueGreen(), running("v1"));
  await when(trafficStalls(), deploy("v2"));
  await after(5, "min");
  await then(selects("web", "v2"), stable("v1"), size("v1", 2), size("v2", 2));
  await then(phase("Progressing", "active service cutover pending"));
});

scenario(
  "a pod template that the API server refuses shows in the status, and users stay where they are",
  async (given, when, then) => {
    await given(blueGreen(manual), running("v1"));
    const containers = [{ name: "Not_A_Name", image: "web:v2" }];
    await when(change({ template: { metadata: { labels: { app: "web" } }, spec: { containers } } }));
    await then(active("v1"), phase("Degraded", /^ReplicaSetCreateError: .*Not_A_Name/));
    await when(change({ template: { spec: { containers: [{ name: "web", image: "web:v2" }] } } }));
    await then(active("v1"), preview("v2"), phase("Paused", "BlueGreenPause"));
  },
);
