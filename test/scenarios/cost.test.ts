import assert from "node:assert/strict";
import {
  active,
  blueGreen,
  deploy,
  type Expectation,
  healthy,
  promote,
  running,
  scenario,
  size,
} from "./bed/language.ts";

// Argo's controller was measured with 15.2 writes and 9 events for the same release.
const mostWrites = 14;
const mostEvents = 10;

scenario(
  "a release costs no more writes than it needs, scale-down included",
  async (given, when, then, after) => {
    await given(blueGreen({ autoPromotionEnabled: false, scaleDownDelaySeconds: 5 }), running("v1"));
    let before = { writes: 0, events: 0 };
    const count = ({ cluster }: Parameters<Expectation>[0]) => ({
      writes: cluster.controllerWrites - cluster.controllerEvents,
      events: cluster.controllerEvents,
    });
    await then(async (app) => {
      before = count(app);
    });
    await when(deploy("v2"), promote());
    await after(6, "s");
    await then(active("v2"), size("v1", 0), healthy, async (app) => {
      const { writes, events } = count(app);
      assert.ok(writes - before.writes <= mostWrites, `${writes - before.writes} writes`);
      assert.ok(events - before.events <= mostEvents, `${events - before.events} events`);
    });
  },
);

scenario("a Rollout at rest costs nothing", async (given, _when, then, after) => {
  await given(blueGreen(), running("v1"));
  let before = 0;
  await then(async ({ cluster }) => {
    before = cluster.controllerWrites;
  });
  await after(24, "h");
  await then(async ({ cluster }) => assert.equal(cluster.controllerWrites, before));
});

scenario("records every event, however many there have been", async (given, when, then, after) => {
  await given(blueGreen({ previewService: undefined, scaleDownDelaySeconds: 5 }), running("v1"));
  for (let n = 2; n <= 12; n++) {
    await when(deploy(`v${n}`));
    await after(6, "s");
  }
  const first = 6;
  const perRelease = 7;
  await then(async ({ cluster, name }) => {
    const seen = cluster.witness.events.get(name)?.filter((reason) => reason !== "ForeignEndpoints");
    assert.equal(seen?.length, first + 11 * perRelease);
  });
});
