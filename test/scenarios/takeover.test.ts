import assert from "node:assert/strict";
import type { PodTemplateSpec } from "../../src/api/core.ts";
import { resources } from "../../src/api/resources.ts";
import { leftByArgo, type MadeByArgo } from "./bed/argo.ts";
import {
  type Act,
  abort,
  active,
  applyRollout,
  blueGreen,
  deleteRollout,
  deploy,
  type Expectation,
  healthy,
  phase,
  preview,
  promote,
  restartController,
  retiring,
  running,
  scale,
  scenario,
  size,
  stable,
  startController,
  status,
  stopController,
  undo,
  versions,
} from "./bed/language.ts";
import { namespace } from "./bed/manifests.ts";

const manual = { autoPromotionEnabled: false };
const automatic = { autoPromotionEnabled: true };

const first: MadeByArgo = { version: "v1", hash: "5f4c8d9b7c", revision: 1, replicas: 2 };
const second: MadeByArgo = { version: "v2", hash: "6d8b4c9f5", revision: 2, replicas: 2 };

/** The application's pods by their identity: noted at one moment, and still the same at another. */
function samePods(): { readonly note: Act; readonly kept: Expectation } {
  let noted: readonly (string | undefined)[] = [];
  const all = async (app: Parameters<Act>[0]) => {
    const selection = { namespace, labelSelector: `app=${app.name}` };
    const { items } = await app.cluster.client.list(resources.pods, selection);
    return items
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .map(({ metadata }) => metadata.uid)
      .toSorted();
  };
  return {
    note: async (app) => {
      noted = await all(app);
    },
    kept: async (app) => {
      assert(noted.length > 0, "there are pods");
      assert.deepEqual(await all(app), noted, "the pods are the same as before");
    },
  };
}

const atRest = {
  active: first.hash,
  status: { stableRS: first.hash, phase: "Healthy" },
} as const;
const inPause = {
  active: first.hash,
  status: {
    stableRS: first.hash,
    phase: "Paused",
    message: "BlueGreenPause",
    controllerPause: true,
    pauseConditions: [{ reason: "BlueGreenPause", startTime: "2026-01-01T00:00:00Z" }],
  },
} as const;

function withSidecar(template: PodTemplateSpec): PodTemplateSpec {
  const { containers } = template.spec;
  const sidecar = { name: "proxy", image: "web:proxy" };
  return { ...template, spec: { ...template.spec, containers: [...containers, sidecar] } };
}

for (const strategy of [manual, automatic]) {
  const how = strategy.autoPromotionEnabled ? "with automatic promotion" : "with manual promotion";
  scenario(`a healthy Rollout of Argo's, ${how}, keeps its pods`, async (given, when, then, after) => {
    const pods = samePods();
    await given(blueGreen({ ...strategy, activeMetadata: { labels: { role: "active" } } }));
    await when(leftByArgo([{ ...first, ephemeralLabels: { role: "active" } }], atRest));
    await after(5, "s");
    await when(pods.note, startController());
    await after(120, "s");
    await then(pods.kept, versions("v1"), active("v1"), healthy, status({ stableRS: first.hash }));
  });

  scenario(
    `one whose template a webhook has changed, ${how}, too, and when it is resized`,
    async (given, when, then, after) => {
      const pods = samePods();
      await given(blueGreen(strategy));
      await when(leftByArgo([{ ...first, change: withSidecar }], atRest));
      await after(5, "s");
      await when(pods.note, startController());
      await after(60, "s");
      await then(pods.kept, active("v1"), healthy);
      await when(scale(3), restartController(), scale(2));
      await then(
        versions("v1"),
        active("v1"),
        size("v1", 2),
        healthy,
        status({ currentPodHash: first.hash }),
      );
      await when(deploy("v2"), promote(), deploy("v1"));
      await then(versions("v2", "v1"), active("v1"), healthy, status({ currentPodHash: first.hash }));
    },
  );
}

const apart: MadeByArgo = {
  ...second,
  ephemeralLabels: { role: "preview" },
  apartFrom: first.hash,
};

scenario(
  "an update that Argo has paused waits on, and is promoted as ever",
  async (given, when, then, after) => {
    const pods = samePods();
    await given(
      blueGreen({ ...manual, antiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: {} } }),
    );
    await when(leftByArgo([{ ...first, ephemeralLabels: { role: "active" } }, apart], inPause));
    await after(5, "s");
    await when(pods.note, startController());
    await after(120, "s");
    await then(
      pods.kept,
      active("v1"),
      preview("v2"),
      phase("Paused", "BlueGreenPause"),
      versions("v1", "v2"),
    );
    await when(scale(3));
    await then(phase("Paused", "BlueGreenPause"), versions("v1", "v2"));
    await when(promote());
    await then(active("v2"), stable("v2"), retiring("v1"), status({ stableRS: second.hash }));
  },
);

scenario("an update that Argo has paused can be aborted", async (given, when, then, after) => {
  await given(blueGreen(manual));
  await when(leftByArgo([first, apart], inPause));
  await after(5, "s");
  await when(startController(), abort());
  await then(active("v1"), phase("Degraded", /^RolloutAborted/));
  await after(31, "s");
  await then(size("v2", 0), size("v1", 2));
});

scenario("an update that was aborted under Argo ends when Argo said", async (given, when, then, after) => {
  const pods = samePods();
  await given(blueGreen(manual));
  await when(
    leftByArgo([first, { ...apart, deadline: "2026-01-01T00:00:30Z" }], {
      active: first.hash,
      status: { stableRS: first.hash, abort: true, abortedAt: "2026-01-01T00:00:00Z", phase: "Degraded" },
    }),
  );
  await after(5, "s");
  await when(pods.note, startController());
  await then(pods.kept, active("v1"), phase("Degraded", /^RolloutAborted/));
  await after(30, "s");
  await then(size("v2", 0), size("v1", 2), active("v1"), versions("v1", "v2"));
});

scenario(
  "a version that Argo keeps warm may never have been live, and so waits at its gate",
  async (given, when, then, after) => {
    await given(blueGreen(manual));
    await when(
      leftByArgo([{ ...first, deadline: "2026-01-01T00:05:00Z" }, apart], {
        active: second.hash,
        status: { stableRS: second.hash, phase: "Healthy" },
      }),
    );
    await after(5, "s");
    await when(startController());
    await then(active("v2"), healthy, retiring("v1"));
    await when(undo(1));
    await then(active("v2"), phase("Paused", "BlueGreenPause"), size("v1", 2), versions("v2", "v1"));
    await when(promote());
    await then(active("v1"), stable("v1"), healthy);
  },
);

function orphan(): Act {
  return ({ cluster, name }) =>
    cluster.client.delete(resources.rollouts, namespace, name, { propagationPolicy: "Orphan" });
}

scenario(
  "pods outlive a Rollout that is deleted without them and applied again",
  async (given, when, then, after) => {
    const pods = samePods();
    await given(blueGreen(), running("v1"));
    await when(pods.note, orphan());
    await after(2, "s");
    await then(pods.kept);
    await when(applyRollout("v1"));
    await then(pods.kept, active("v1"), healthy, versions("v1"));
    await when(deleteRollout());
    await after(1, "min");
    await then(async (app) =>
      assert.deepEqual(await app.replicaSets(), [], "the new owner takes them along"),
    );
  },
);

scenario("and so they do when that happens while no controller runs", async (given, when, then) => {
  const pods = samePods();
  await given(blueGreen(), running("v1"));
  await when(pods.note, stopController(), orphan(), applyRollout("v1"), startController());
  await then(pods.kept, active("v1"), healthy, versions("v1"));
});

scenario("a ReplicaSet that loses its owner's mark gets it back", async (given, when, then) => {
  const pods = samePods();
  await given(blueGreen(), running("v1"));
  await when(pods.note, async (app) => {
    const { metadata } = await app.existingReplicaSet("v1");
    await app.patch(resources.replicaSets, metadata.name, { metadata: { ownerReferences: null } });
  });
  await then(pods.kept, versions("v1"), active("v1"), healthy, async (app) => {
    const { metadata } = await app.existingReplicaSet("v1");
    const { uid } = (await app.rollout()).metadata;
    assert.deepEqual(
      metadata.ownerReferences?.map((owner) => owner.uid),
      [uid],
    );
  });
});

scenario(
  "a version that is deleted in the foreground comes back under its name",
  async (given, when, then, after) => {
    await given(blueGreen(manual), running("v1"));
    await when(deploy("v2"), async (app) => {
      const { metadata } = await app.existingReplicaSet("v2");
      await app.cluster.client.delete(resources.replicaSets, namespace, metadata.name, {
        propagationPolicy: "Foreground",
      });
    });
    await after(2, "min");
    await then(
      active("v1"),
      preview("v2"),
      size("v2", 2),
      versions("v1", "v2"),
      status({ collisionCount: undefined }),
      async ({ cluster }) =>
        assert(
          cluster.log.some((line) => line.includes("which is being deleted")),
          "it was waited for",
        ),
    );
  },
  // Elsewhere a late status of the first ReplicaSet reaches the second one, and the bed tells that it is refused.
  { only: "embedded" },
);
