import assert from "node:assert/strict";
import type { KubernetesObject } from "../../src/api/core.ts";
import { resources } from "../../src/api/resources.ts";
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
const mostWrites = 13;
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

interface CountedEvent extends KubernetesObject {
  readonly reason: string;
  readonly involvedObject: { readonly name: string };
  readonly count: number;
}

scenario("counts every event, however many there have been", async (given, when, then, after) => {
  await given(blueGreen({ previewService: undefined, scaleDownDelaySeconds: 5 }), running("v1"));
  for (let n = 2; n <= 12; n++) {
    await when(deploy(`v${n}`));
    await after(6, "s");
  }
  // Counts are written every ten seconds at most.
  await after(10, "s");
  const first = 6;
  const perRelease = 7;
  // From the eleventh on in ten minutes, those that differ only in their message are one Event that counts.
  await then(async ({ cluster, name }) => {
    const { items } = await cluster.client.list<CountedEvent>(resources.events);
    const own = items.filter(
      ({ involvedObject, reason }) => involvedObject.name === name && reason !== "ForeignEndpoints",
    );
    const total = own.reduce((sum, { count }) => sum + count, 0);
    assert.equal(total, first + 11 * perRelease);
  });
});
