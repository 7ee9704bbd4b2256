import assert from "node:assert/strict";
import { test } from "node:test";
import type { EndpointSlice, ReplicaSet } from "../../src/api/core.ts";
import { resources } from "../../src/api/resources.ts";
import type { WatchEvent } from "../../src/kubernetes/transport.ts";
import type { ApplicationUnderTest } from "./bed/application-under-test.ts";
import {
  type Act,
  blueGreen,
  deploy,
  dialects,
  type Play,
  playScenario,
  pods,
  running,
} from "./bed/language.ts";

// The bed is only worth something if it notices what must never happen; so here it is made to happen.

const silent = { diagnostic: () => {} };
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
      for (const { metadata } of items)
        await app.patch(resources.endpointSlices, metadata.name, { endpoints: [] });
    },
  ],
];

for (const [title, message, misdeed] of misdeeds) {
  for (const dialect of dialects)
    test(`notices ${title} [${dialect}]`, async () => {
      const play: Play = async (given, when) => {
        await given(blueGreen(), running("v1"), pods("v2", { neverReady: true }));
        await when(deploy("v2"), misdeed);
      };
      await assert.rejects(playScenario(silent, dialect, play), (error: Error) =>
        message.test(error.message),
      );
    });
}

test("a plain Kubernetes has small slices in both families, and statuses that lag behind generations", async () => {
  let isLate = false;
  let stopWatching = () => {};
  const watchStatuses: Act = async ({ cluster }) => {
    const event = ({ object }: WatchEvent) => {
      const { metadata, status } = object as ReplicaSet;
      isLate ||= (status?.observedGeneration ?? 0) < (metadata.generation ?? 0);
    };
    stopWatching = cluster.client.watch(resources.replicaSets, {}, { event, ended: () => {} });
  };
  await playScenario(silent, "plain Kubernetes", async (given, when, then) => {
    await given(blueGreen({}, { replicas: 3 }), running("v1"));
    await when(watchStatuses, deploy("v2"));
    await then(async ({ cluster }) => {
      stopWatching();
      const { items } = await cluster.client.list<EndpointSlice>(resources.endpointSlices, {
        labelSelector:
          "kubernetes.io/service-name=web,endpointslice.kubernetes.io/managed-by=endpointslice-controller.k8s.io",
      });
      const seen = items.map(({ addressType, endpoints }) => `${addressType} ${endpoints?.length ?? 0}`);
      assert.deepEqual(seen.toSorted(), ["IPv4 1", "IPv4 2", "IPv6 1", "IPv6 2"]);
    });
  });
  assert.ok(isLate, "a status was seen that had not observed its generation");
});
