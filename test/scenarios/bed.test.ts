import assert from "node:assert/strict";
import { test } from "node:test";
import { resources } from "../../src/api/resources.ts";
import type { ApplicationUnderTest } from "./bed/application-under-test.ts";
import { type Act, blueGreen, deploy, type Play, playScenario, pods, running } from "./bed/language.ts";

// The bed is only worth something if it notices what must never happen; so here it is made to happen.

const hashLabel = "rollouts-pod-template-hash";

async function hashOf(app: ApplicationUnderTest, version: string): Promise<string> {
  return (await app.existingReplicaSet(version)).metadata.labels?.[hashLabel] ?? "";
}

const misdeeds: readonly (readonly [string, RegExp, Act])[] = [
  [
    "a switch to a version that has no available pod",
    /Service web was switched to \w+, which has no available pod, while web-\w+ has some/,
    async (app) =>
      app.patch(resources.services, "web", { spec: { selector: { [hashLabel]: await hashOf(app, "v2") } } }),
  ],
  [
    "the end of the pods that users are on",
    /ReplicaSet web-\w+ was emptied while Service web selects it/,
    async (app) => {
      const { name } = (await app.existingReplicaSet("v1")).metadata;
      await app.patch(resources.replicaSets, name, { spec: { replicas: 0 } });
    },
  ],
  [
    "a moment in which nobody is reached although pods serve",
    /EndpointSlice web-\w+ was emptied while web-\w+-\w+ is ready/,
    async (app) => {
      const { items } = await app.cluster.client.list(resources.endpointSlices, {
        labelSelector: "kubernetes.io/service-name=web",
      });
      await app.patch(resources.endpointSlices, items[0]?.metadata.name ?? "", { endpoints: [] });
    },
  ],
];

for (const [title, message, misdeed] of misdeeds) {
  test(`notices ${title}`, async () => {
    const play: Play = async (given, when) => {
      await given(blueGreen(), running("v1"), pods("v2", { neverReady: true }));
      await when(deploy("v2"), misdeed);
    };
    const silent = { diagnostic: () => {} };
    await assert.rejects(playScenario(silent, play), (error: Error) => message.test(error.message));
  });
}
