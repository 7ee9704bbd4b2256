import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Pod, ReplicaSet } from "../../api/core.ts";
import { wasLiveAnnotation } from "../../api/names.ts";
import type { Rollout, RolloutSpec, RolloutStatus } from "../../api/rollout.ts";
import { byOwner, type Seen, seenOf } from "../seen.ts";
import type { Answer } from "./answer.ts";
import { promotion } from "./promote.ts";
import { undoing } from "./undo.ts";
import { abortion, pausing, retrial } from "./update.ts";

const templateOf = (version: number) => ({
  metadata: { labels: { app: "web" } },
  spec: { containers: [{ name: "web", image: `web:${version}` }] },
});

function rollout(version: number, status: RolloutStatus, spec: RolloutSpec = {}): Rollout {
  return {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Rollout",
    metadata: { name: "web", uid: "r", generation: 2 },
    spec: {
      replicas: 2,
      template: templateOf(version),
      strategy: { blueGreen: { activeService: "a", autoPromotionEnabled: false } },
      ...spec,
    },
    status: { observedGeneration: "2", stableRS: "h1", currentPodHash: `h${version}`, ...status },
  };
}

function replicaSet(version: number, availableReplicas = 2): ReplicaSet {
  return {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      name: `web-h${version}`,
      uid: `u${version}`,
      labels: { "rollouts-pod-template-hash": `h${version}` },
      annotations: { "rollout.argoproj.io/revision": String(version) },
      ownerReferences: [{ apiVersion: "argoproj.io/v1alpha1", kind: "Rollout", name: "web", uid: "r" }],
    },
    spec: { replicas: 2, selector: {}, template: templateOf(version) },
    status: { replicas: 2, availableReplicas },
  };
}

/** It cannot have its image. */
const stuckPod: Pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name: "web-h2-a",
    ownerReferences: [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: "web-h2", uid: "u2" }],
  },
  spec: { containers: [{ name: "web" }] },
  status: {
    phase: "Pending",
    containerStatuses: [
      {
        name: "web",
        image: "",
        imageID: "",
        ready: false,
        restartCount: 0,
        state: { waiting: { reason: "ErrImagePull", message: "there is no image web:2" } },
      },
    ],
  },
};

function seen(of: Rollout, replicaSets: readonly ReplicaSet[], pods: readonly Pod[] = []): Seen {
  return seenOf(of, byOwner(replicaSets), byOwner(pods));
}

const start = "2026-01-01T00:00:00Z";
const paused: RolloutStatus = {
  phase: "Paused",
  message: "BlueGreenPause",
  controllerPause: true,
  pauseConditions: [{ reason: "BlueGreenPause", startTime: start }],
};
const scaling: RolloutStatus = {
  phase: "Progressing",
  message: "more replicas need to be updated",
};
const late: RolloutStatus = { phase: "Degraded", message: "ProgressDeadlineExceeded: late" };
const healthy: RolloutStatus = { phase: "Healthy", stableRS: "h2" };
const unfit = [replicaSet(2, 0), replicaSet(1)];
const full = { full: true };
const plain = { full: false };

function textOf(answer: Answer): string {
  if (answer.is === "refused") return `${answer.because}. ${answer.wayOut}`;
  return answer.is === "needless" ? answer.because : answer.says;
}

describe("a refusal to promote", () => {
  it("names no way that does not help while the new version has no image", () => {
    const cases = [
      promotion(seen(rollout(2, paused), unfit, [stuckPod]), plain),
      promotion(seen(rollout(2, scaling), unfit, [stuckPod]), plain),
      promotion(seen(rollout(2, late), unfit, [stuckPod]), plain),
    ];
    for (const answer of cases) {
      assert.equal(answer.is, "refused");
      const wayOut = answer.is === "refused" ? answer.wayOut : "";
      assert.match(wayOut, /^Mend the template.* or give the update up with "teal abort web"$/);
    }
    assert.match(
      textOf(cases[0] ?? pausing(rollout(2, {}))),
      /0 of 2 .*; pod web-h2-a: there is no image web:2\./,
    );
  });

  it("does not offer to abort a first version: there is none to go back to", () => {
    const first = rollout(1, { ...scaling, stableRS: "" });
    const pod = {
      ...stuckPod,
      metadata: {
        ...stuckPod.metadata,
        ownerReferences: [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: "", uid: "u1" }],
      },
    };
    const answer = promotion(seen(first, [replicaSet(1, 0)], [pod]), plain);
    assert.match(textOf(answer), /Mend the template, for example with "teal set image web CONTAINER=IMAGE"$/);
  });

  it("speaks of a pause only where one is to come", () => {
    const up = [replicaSet(2, 1), replicaSet(1)];
    const auto = { strategy: { blueGreen: { activeService: "a" } } };
    const switched = { ...scaling, blueGreen: { activeSelector: "h2" } };
    assert.match(textOf(promotion(seen(rollout(2, scaling), up), plain)), /Wait until it is Paused/);
    assert.match(textOf(promotion(seen(rollout(2, scaling, auto), up), plain)), /It goes on by itself/);
    assert.match(textOf(promotion(seen(rollout(2, switched), up), plain)), /It goes on by itself/);
  });

  it("keeps a version from users that nobody has looked at: the pause was that of an earlier one", () => {
    const newer = {
      ...rollout(3, { ...paused, currentPodHash: "h2" }),
      metadata: { name: "web", uid: "r", generation: 3 },
    };
    for (const how of [plain, full]) {
      const answer = promotion(seen(newer, [replicaSet(2), replicaSet(1)]), how);
      assert.match(textOf(answer), /Wait until its controller has looked at the new spec/);
    }
  });
});

describe("what undo goes back to", () => {
  const all = [replicaSet(3), replicaSet(2), replicaSet(1)];

  it("is the version before today's, and said", () => {
    const answer = undoing(seen(rollout(3, healthy), all), undefined);
    assert.equal(textOf(answer), "undo to revision 2 (web:2)");
    assert.ok(answer.is === "allowed");
    assert.deepEqual(
      answer.patches.map((patch) => patch.of === "template" && patch.template),
      [templateOf(2)],
    );
  });

  it("is the last one that there is while nobody has looked at today's", () => {
    const newer = {
      ...rollout(4, { ...healthy, currentPodHash: "h3", stableRS: "h3" }),
      metadata: { name: "web", uid: "r", generation: 3 },
    };
    assert.equal(textOf(undoing(seen(newer, all), undefined)), "undo to revision 3 (web:3)");
  });

  it("is the version that users are on, or were on last, and none that was never live", () => {
    const wasLive = {
      ...replicaSet(1),
      metadata: {
        ...replicaSet(1).metadata,
        annotations: {
          ...replicaSet(1).metadata.annotations,
          [wasLiveAnnotation]: "u1",
        },
      },
    };
    const versions = [replicaSet(3), replicaSet(2), wasLive];
    const promoted = rollout(3, { ...healthy, stableRS: "h3" });
    assert.equal(textOf(undoing(seen(promoted, versions), undefined)), "undo to revision 1 (web:1)");
    const previewed = rollout(3, { ...healthy, stableRS: "h2" });
    assert.equal(textOf(undoing(seen(previewed, versions), undefined)), "undo to revision 2 (web:2)");
    assert.equal(textOf(undoing(seen(promoted, all), undefined)), "undo to revision 2 (web:2)");
  });

  it("is nothing where there is no other", () => {
    const answer = undoing(seen(rollout(1, healthy), [replicaSet(1)]), undefined);
    assert.equal(answer.is, "refused");
    assert.match(textOf(answer), /older than today's; available: 1\. An earlier version can be given with/);
  });

  it("is the template where the Rollout refers to it, as far as that can be changed", () => {
    const refer = (kind: string) => ({ workloadRef: { apiVersion: "apps/v1", kind, name: "base" } });
    const answer = undoing(seen(rollout(3, healthy, refer("Deployment")), all), 1);
    assert.ok(answer.is === "allowed" && answer.patches[0]?.of === "template");
    assert.equal(answer.patches[0].name, "base");
    assert.match(
      textOf(undoing(seen(rollout(3, healthy, refer("constructor")), all), 1)),
      /is that of a constructor/,
    );
  });
});

it("nothing is asked of a Rollout that is being deleted", () => {
  const it = rollout(2, paused);
  const leaving = { ...it, metadata: { ...it.metadata, deletionTimestamp: start } };
  const view = seen(leaving, [replicaSet(2), replicaSet(1)]);
  const answers = [
    promotion(view, plain),
    abortion(leaving),
    retrial(leaving),
    pausing(leaving),
    undoing(view, 1),
  ];
  for (const answer of answers) assert.match(textOf(answer), /is being deleted/);
});

it("the answer needs no look at what belongs to others, however many there are", () => {
  let looks = 0;
  const counted = (one: ReplicaSet): ReplicaSet => ({
    ...one,
    get metadata() {
      looks += 1;
      return one.metadata;
    },
  });
  const others = Array.from({ length: 1000 }, (_, at) => {
    const { metadata, ...rest } = replicaSet(1);
    const ownerReferences = [{ apiVersion: "a", kind: "Rollout", name: "x", uid: `x${at}` }];
    return counted({ ...rest, metadata: { ...metadata, ownerReferences } });
  });
  const index = byOwner([replicaSet(2), replicaSet(1), ...others]);
  const once = looks;
  for (let at = 0; at < 100; at++) seenOf(rollout(2, paused), index, byOwner([]));
  assert.equal(looks, once);
});
