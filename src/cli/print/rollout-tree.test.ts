import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Pod, ReplicaSet } from "../../api/core.ts";
import type { Rollout } from "../../api/rollout.ts";
import { instant, later } from "../../time/clock.ts";
import { type RolloutView, rolloutTree } from "../../view/rollout-tree.ts";
import { byOwner, seenOf } from "../../view/seen.ts";
import { type Colour, plain } from "./paint.ts";
import { printRollout } from "./rollout-tree.ts";

const name = "rollout-weather-app";
const now = instant(Date.parse("2026-01-06T21:00:00Z"));
const agoText = (seconds: number): string => new Date(now - seconds * 1000).toISOString();

const weather: Rollout = {
  apiVersion: "argoproj.io/v1alpha1",
  kind: "Rollout",
  metadata: {
    name,
    namespace: "default",
    uid: "r",
    generation: 2,
    creationTimestamp: "2026-01-01T00:00:00Z",
  },
  spec: { replicas: 2, strategy: { blueGreen: { activeService: "hyd", previewService: "ny" } } },
  status: {
    observedGeneration: "2",
    phase: "Paused",
    message: "BlueGreenPause",
    controllerPause: true,
    pauseConditions: [{ reason: "BlueGreenPause", startTime: agoText(5) }],
    stableRS: "c94c64fdb",
    currentPodHash: "55b5fbb8cc",
    replicas: 4,
    updatedReplicas: 2,
    readyReplicas: 2,
    availableReplicas: 2,
    blueGreen: { activeSelector: "c94c64fdb", previewSelector: "55b5fbb8cc" },
  },
};

function replicaSet(
  hash: string,
  revision: number,
  age: number,
  replicas: number,
  image: string,
): ReplicaSet {
  return {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      name: `${name}-${hash}`,
      uid: hash,
      generation: 1,
      creationTimestamp: agoText(age),
      labels: { "rollouts-pod-template-hash": hash },
      annotations: { "rollout.argoproj.io/revision": String(revision) },
      ownerReferences: [{ apiVersion: "argoproj.io/v1alpha1", kind: "Rollout", name, uid: "r" }],
    },
    spec: { replicas, selector: {}, template: { spec: { containers: [{ name: "web", image }] } } },
    status: { observedGeneration: 1, replicas, availableReplicas: replicas },
  };
}

function pod(hash: string, suffix: string, age: number, restartCount = 0): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: `${name}-${hash}-${suffix}`,
      creationTimestamp: agoText(age),
      ownerReferences: [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: `${name}-${hash}`, uid: hash }],
    },
    spec: { containers: [{ name: "web" }] },
    status: {
      phase: "Running",
      containerStatuses: [
        { name: "web", image: "", imageID: "", ready: true, restartCount, state: { running: {} } },
      ],
    },
  };
}

const blue = replicaSet("c94c64fdb", 1, 418, 2, "docker.io/atulinfracloud/weatherappanacreon:v1");
const green = replicaSet("55b5fbb8cc", 2, 14, 2, "docker.io/atulinfracloud/weatherappanacreon:v2");
const pods = [
  pod("c94c64fdb", "b9mpg", 418),
  pod("c94c64fdb", "8lpkz", 418),
  pod("55b5fbb8cc", "pf4x4", 14),
  pod("55b5fbb8cc", "xft2l", 14, 1),
];

const view = (rollout: Rollout, replicaSets: readonly ReplicaSet[], all: readonly Pod[]): RolloutView =>
  rolloutTree(seenOf(rollout, byOwner(replicaSets), byOwner(all)));

describe("get rollout", () => {
  it("prints the preview beside the active version while it is paused", () => {
    const text = printRollout(view(weather, [blue, green], pods), plain, now);
    assert.equal(
      text,
      `Name:            rollout-weather-app
Namespace:       default
Status:          ॥ Paused
Message:         BlueGreenPause
Waiting:         for somebody to promote (5s): \`teal promote rollout-weather-app\` ends it
Strategy:        BlueGreen
Images:          docker.io/atulinfracloud/weatherappanacreon:v1 (stable, active)
                 docker.io/atulinfracloud/weatherappanacreon:v2 (preview)
Replicas:
  Desired:       2
  Current:       4
  Updated:       2
  Ready:         2
  Available:     2

NAME                                             KIND        STATUS     AGE    INFO
⟳ rollout-weather-app                            Rollout     ॥ Paused   5d21h
├──# revision:2
│  └──⧉ rollout-weather-app-55b5fbb8cc           ReplicaSet  ✔ Healthy  14s    preview
│     ├──□ rollout-weather-app-55b5fbb8cc-pf4x4  Pod         ✔ Running  14s    ready:1/1
│     └──□ rollout-weather-app-55b5fbb8cc-xft2l  Pod         ✔ Running  14s    ready:1/1,restarts:1
└──# revision:1
   └──⧉ rollout-weather-app-c94c64fdb            ReplicaSet  ✔ Healthy  6m58s  stable,active
      ├──□ rollout-weather-app-c94c64fdb-8lpkz   Pod         ✔ Running  6m58s  ready:1/1
      └──□ rollout-weather-app-c94c64fdb-b9mpg   Pod         ✔ Running  6m58s  ready:1/1
`,
    );
  });

  it("prints how long the old version stays, and nothing of ReplicaSets that are not the Rollout's", () => {
    const promoted: Rollout = {
      ...weather,
      status: {
        ...weather.status,
        phase: "Healthy",
        message: "",
        controllerPause: false,
        stableRS: "55b5fbb8cc",
        blueGreen: { activeSelector: "55b5fbb8cc", previewSelector: "55b5fbb8cc" },
      },
    };
    const annotations = {
      ...blue.metadata.annotations,
      "scale-down-deadline": new Date(now + 23_000).toISOString(),
    };
    const leaving = { ...blue, metadata: { ...blue.metadata, annotations } };
    const stranger = { ...blue, metadata: { ...blue.metadata, name: "other", ownerReferences: [] } };
    const empty = replicaSet("5f4b7c9d", 0, 500, 0, "old");
    const text = printRollout(view(promoted, [stranger, leaving, empty, green], []), plain, now);
    assert.equal(
      text,
      `Name:            rollout-weather-app
Namespace:       default
Status:          ✔ Healthy
Strategy:        BlueGreen
Images:          docker.io/atulinfracloud/weatherappanacreon:v1
                 docker.io/atulinfracloud/weatherappanacreon:v2 (stable, active)
Replicas:
  Desired:       2
  Current:       4
  Updated:       2
  Ready:         2
  Available:     2

NAME                                    KIND        STATUS        AGE    INFO
⟳ rollout-weather-app                   Rollout     ✔ Healthy     5d21h
├──# revision:2
│  └──⧉ rollout-weather-app-55b5fbb8cc  ReplicaSet  ✔ Healthy     14s    stable,active
├──# revision:1
│  └──⧉ rollout-weather-app-c94c64fdb   ReplicaSet  ✔ Healthy     6m58s  delay:23s
└──# revision:0
   └──⧉ rollout-weather-app-5f4b7c9d    ReplicaSet  • ScaledDown  8m20s
`,
    );
  });

  it("says below the tree what holds up the first pod that is held up", () => {
    const [first, second] = ["pf4x4", "xft2l"].map((suffix): Pod => {
      const message = `this cluster has no image\n"web:2" (${suffix})`;
      const waiting = { reason: "ImagePullBackOff", message };
      const status = {
        name: "web",
        image: "",
        imageID: "",
        ready: false,
        restartCount: 0,
        state: { waiting },
      };
      return { ...pod("55b5fbb8cc", suffix, 14), status: { phase: "Pending", containerStatuses: [status] } };
    });
    assert.ok(first !== undefined && second !== undefined);
    const text = printRollout(view(weather, [blue, green], [second, first]), plain, now);
    assert.match(text, /pf4x4 +Pod +⚠ ImagePullBackOff +14s +ready:0\/1\n/);
    assert.ok(
      text.endsWith(
        '\n\npod rollout-weather-app-55b5fbb8cc-pf4x4: this cluster has no image "web:2" (pf4x4)\n',
      ),
    );
  });

  it("keeps columns in line when it has colours", () => {
    const marked = (text: string, colour: Colour | undefined): string =>
      colour === undefined ? text : `<${colour}>${text}</>`;
    const shown = view(weather, [green], []);
    const uncoloured = printRollout(shown, marked, now).replaceAll(/<[a-z]*>|<\/>/g, "");
    assert.equal(uncoloured, printRollout(shown, plain, now));
    assert.match(
      printRollout(shown, marked, now),
      /⧉ <blue>rollout-weather-app-55b5fbb8cc<\/> {2}ReplicaSet {2}<green>✔<\/> Healthy {2}14s {4}<blue>preview<\/>/,
    );
  });
});

describe("the view of a ReplicaSet", () => {
  const statusOf = (it: ReplicaSet): string | undefined =>
    view(weather, [it], []).revisions[0]?.replicaSets[0]?.status;
  const status = blue.status ?? {};
  const cases: readonly [string, ReplicaSet, string][] = [
    ["with all pods available", blue, "Healthy"],
    ["with a pod missing", { ...blue, status: { ...status, availableReplicas: 1 } }, "Progressing"],
    [
      "that its controller has not looked at",
      { ...blue, status: { ...status, observedGeneration: 0 } },
      "Progressing",
    ],
    [
      "whose pods cannot be created",
      { ...blue, status: { ...status, conditions: [{ type: "ReplicaFailure", status: "True" }] } },
      "ReplicaFailure",
    ],
    ["that is to have no pods", replicaSet("a", 1, 1, 0, "x"), "ScaledDown"],
  ];
  for (const [what, given, expected] of cases) {
    it(`${what} is ${expected}`, () => assert.equal(statusOf(given), expected));
  }

  it("says that its time is over", () => {
    const annotations = { ...blue.metadata.annotations, "scale-down-deadline": agoText(1) };
    const shown = view(weather, [{ ...blue, metadata: { ...blue.metadata, annotations } }], []);
    assert.equal(shown.revisions[0]?.replicaSets[0]?.scaleDownAt, later(now, -1));
    assert.match(printRollout(shown, plain, now), /,delay:passed\n/);
  });
});
