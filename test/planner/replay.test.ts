import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { plan } from "../../src/rollout/plan.ts";
import { readSnapshot, snapshotText } from "../../src/rollout/saved-snapshot.ts";
import { World } from "./world.ts";

describe("a snapshot that was saved", () => {
  const moments: readonly (readonly [when: string, world: () => World])[] = [
    ["nothing is there yet", () => new World()],
    ["a preview waits", () => new World({ autoPromotionEnabled: false }).settle().deploy("web:2").settle()],
    [
      "a switch is not confirmed yet",
      () => {
        const world = new World({ autoPromotionEnabled: false }).settle().deploy("web:2").settle();
        world.lagging.set("web", world.slices("web"));
        return world.promote().settle();
      },
    ],
    [
      "a kind may not be read and a rival has the Service",
      () => {
        const world = new World().settle();
        world.unknown.set("endpointslices", "cannot list endpointslices: no rights");
        world.rivals.set("web", ["another"]);
        return world;
      },
    ],
    ["the next template is there", () => new World().settle().deploy("web:2")],
  ];
  for (const [when, make] of moments)
    it(`is planned as it was when ${when}`, () => {
      const { snapshot, now } = make();
      const read = readSnapshot(snapshotText(snapshot));
      assert.deepEqual(
        JSON.parse(JSON.stringify(plan(read, now))),
        JSON.parse(JSON.stringify(plan(snapshot, now))),
      );
    });
});
