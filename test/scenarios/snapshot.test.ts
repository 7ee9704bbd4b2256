import assert from "node:assert/strict";
import { snapshotNow } from "../../src/controller/debug-snapshot.ts";
import { plan } from "../../src/rollout/plan.ts";
import { readSnapshot, snapshotText } from "../../src/rollout/saved-snapshot.ts";
import { blueGreen, deploy, type Expectation, running, scenario } from "./bed/language.ts";
import { namespace } from "./bed/manifests.ts";

/** What `teal debug snapshot` prints, read again and planned, leads to where the controller has come to. */
const isPlannedTheSame: Expectation = async ({ cluster, name }) => {
  const { client, clock } = cluster;
  const reading = snapshotNow(client, clock, namespace, name, assert.fail);
  await clock.settle();
  const snapshot = readSnapshot(snapshotText(await reading));
  assert.ok(snapshot.replicaSets.length > 0 && snapshot.objects.length > 0);
  const { actions, status } = plan(snapshot, clock.now());
  assert.deepEqual(actions, []);
  assert.deepEqual(JSON.parse(JSON.stringify(status)), snapshot.rollout.status);
};

scenario("a snapshot that was saved is planned as the controller has planned", async (given, when, then) => {
  await given(blueGreen({ autoPromotionEnabled: false }), running("v1"));
  await then(isPlannedTheSame);
  await when(deploy("v2"));
  await then(isPlannedTheSame, async ({ cluster }) => {
    await assert.rejects(
      snapshotNow(cluster.client, cluster.clock, namespace, "nobody", assert.fail),
      /nobody/,
    );
  });
});
