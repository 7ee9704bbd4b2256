import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Condition, Pod, ReplicaSet } from "../api/core.ts";
import { wasLiveAnnotation } from "../api/names.ts";
import type { Rollout, RolloutSpec, RolloutStatus } from "../api/rollout.ts";
import { printWords } from "../cli/print/words.ts";
import { instant } from "../time/clock.ts";
import { byOwner, type Seen, seenOf } from "./seen.ts";
import { waitingOf } from "./waiting.ts";
import { whyOf } from "./why.ts";

const now = instant(Date.UTC(2026, 0, 1, 0, 5));
const start = "2026-01-01T00:00:00Z";
const blueGreen = { activeService: "web" };

function rollout(status: RolloutStatus, spec: RolloutSpec = {}): Rollout {
  return {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Rollout",
    metadata: { name: "web", uid: "r", generation: 2 },
    spec: { replicas: 3, strategy: { blueGreen }, ...spec },
    status: { observedGeneration: "2", stableRS: "old", currentPodHash: "new", ...status },
  };
}

function condition(type: string, reason: string, message = ""): Condition {
  return { type, status: "True", reason, message, lastTransitionTime: start, lastUpdateTime: start };
}

const replicaSet: ReplicaSet = {
  apiVersion: "apps/v1",
  kind: "ReplicaSet",
  metadata: {
    name: "web-new",
    uid: "new",
    labels: { "rollouts-pod-template-hash": "new" },
    ownerReferences: [{ apiVersion: "argoproj.io/v1alpha1", kind: "Rollout", name: "web", uid: "r" }],
  },
  spec: { replicas: 3, selector: {}, template: { spec: { containers: [{ name: "web", image: "web:2" }] } } },
  status: { replicas: 3, availableReplicas: 1 },
};

const stuckPod: Pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name: "web-new-1",
    ownerReferences: [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: "web-new", uid: "new" }],
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
        state: { waiting: { reason: "ErrImagePull", message: "no image\n web:2" } },
      },
    ],
  },
};

function seen(subject: Rollout, replicaSets: readonly ReplicaSet[], pods: readonly Pod[] = []): Seen {
  return seenOf(subject, byOwner(replicaSets), byOwner(pods));
}

function why(subject: Rollout, replicaSets: readonly ReplicaSet[] = [], pods: readonly Pod[] = []): string {
  return printWords(whyOf(seen(subject, replicaSets, pods)), now);
}

/** The version that users are on. */
const live: ReplicaSet = {
  ...replicaSet,
  metadata: {
    ...replicaSet.metadata,
    name: "web-old",
    uid: "old",
    labels: { "rollouts-pod-template-hash": "old" },
  },
  status: { ...replicaSet.status, replicas: 2, availableReplicas: 2 },
};

const since = "since 2026-01-01T00:00:00Z (5m)";
const pause = (reason: "BlueGreenPause" | "CanaryPauseStep" | "InconclusiveAnalysisRun"): RolloutStatus => ({
  phase: "Paused",
  message: reason,
  controllerPause: true,
  pauseConditions: [{ reason, startTime: start }],
});
const progressing = (message: string): RolloutStatus => ({
  phase: "Progressing",
  message,
  conditions: [condition("Progressing", "ReplicaSetUpdated")],
});

// As Argo's controller writes them: without the condition Waiting.
const argo: readonly [string, Rollout, string][] = [
  [
    "a pause",
    rollout(pause("BlueGreenPause"), {
      strategy: { blueGreen: { ...blueGreen, autoPromotionEnabled: false } },
    }),
    `rollout 'web' is waiting for somebody to promote, ${since}; \`teal promote web\` ends it`,
  ],
  [
    "a pause with an end",
    rollout(pause("BlueGreenPause"), {
      strategy: { blueGreen: { ...blueGreen, autoPromotionSeconds: 600 } },
    }),
    `rollout 'web' is waiting for autoPromotionSeconds to pass, until 2026-01-01T00:10:00Z, ${since}; \`teal promote web\` ends it`,
  ],
  [
    "a canary's pause",
    rollout(pause("CanaryPauseStep"), { strategy: { canary: {} } }),
    `rollout 'web' is waiting for somebody to promote, ${since}; \`teal promote web\` ends it`,
  ],
  [
    "an inconclusive analysis",
    rollout(pause("InconclusiveAnalysisRun")),
    `rollout 'web' is waiting for somebody to judge an inconclusive analysis, ${since}; \`teal promote web\` ends it`,
  ],
  [
    "spec.paused",
    rollout(
      { phase: "Paused", message: "manually paused", conditions: [condition("Paused", "RolloutPaused")] },
      { paused: true },
    ),
    `rollout 'web' is waiting for spec.paused to be taken back, ${since}; \`teal promote web\` ends it`,
  ],
  [
    "pods",
    rollout(progressing("updated replicas are still becoming available")),
    `rollout 'web' is waiting for pods of the new version to become available (1 of 3 are), ${since}; ` +
      "it goes on as soon as they are, `teal abort web` gives it up; " +
      "without progress it counts as late at 2026-01-01T00:10:00Z (in 5m)",
  ],
  [
    "the switch",
    rollout(progressing("active service cutover pending")),
    `rollout 'web' is waiting for requests to the active Service to reach the new version only, ${since}; ` +
      "it goes on as soon as they do, `teal abort web` sends them back; " +
      "without progress it counts as late at 2026-01-01T00:10:00Z (in 5m)",
  ],
  [
    "an analysis",
    rollout(progressing("waiting for analysis to complete")),
    `rollout 'web' is waiting for the analysis to complete, ${since}; it goes on by itself; ` +
      "without progress it counts as late at 2026-01-01T00:10:00Z (in 5m)",
  ],
  [
    "words that nobody knows",
    rollout(progressing("something of a newer version")),
    "rollout 'web' is Progressing: something of a newer version",
  ],
  ["no words", rollout({ phase: "Progressing" }), "rollout 'web' is Progressing"],
  [
    "a lateness",
    rollout({
      phase: "Degraded",
      message: 'ProgressDeadlineExceeded: ReplicaSet "web-new" has timed out progressing.',
      conditions: [condition("Progressing", "ProgressDeadlineExceeded")],
    }),
    `rollout 'web' is broken ${since}: ProgressDeadlineExceeded: ReplicaSet "web-new" has timed out progressing; ` +
      "mend the template, or give the update up with `teal abort web`",
  ],
  [
    "a template that nobody takes",
    rollout({
      stableRS: "new",
      phase: "Degraded",
      message: "ReplicaSetCreateError: no image",
      conditions: [condition("Progressing", "ReplicaSetCreateError")],
    }),
    `rollout 'web' is broken ${since}: ReplicaSetCreateError: no image; mend the template, or what its pods need`,
  ],
  [
    "health, with a condition that Teal left behind",
    rollout({
      stableRS: "new",
      phase: "Healthy",
      conditions: [
        condition("Waiting", "AwaitPromotion", "somebody to promote"),
        condition("Completed", "X"),
      ],
    }),
    `rollout 'web' waits for nothing: revision 0 (web:2) is live ${since}`,
  ],
];

describe("while nobody is served", () => {
  const waits = rollout({ stableRS: "old", ...pause("BlueGreenPause") });

  it("says so before all else: no pod is available", () => {
    const down: ReplicaSet = { ...live, status: { replicas: 2, availableReplicas: 0 } };
    assert.match(
      why(waits, [replicaSet, down]),
      /; users get no answer: no pod of the live version old is available; /,
    );
  });

  it("names the way back to a version that users were on and that still has pods", () => {
    const down: ReplicaSet = { ...live, status: { replicas: 2, availableReplicas: 0 } };
    const annotations = { ...replicaSet.metadata.annotations, [wasLiveAnnotation]: "u" };
    const warm = { ...replicaSet, metadata: { ...replicaSet.metadata, uid: "u", annotations } };
    const ready = { ...warm, status: { replicas: 2, availableReplicas: 2 } };
    assert.match(
      why(waits, [ready, down]),
      /is available; `teal undo web` takes them back to revision \d+, whose/,
    );
    assert.doesNotMatch(
      why(waits, [{ ...warm, status: { replicas: 2, availableReplicas: 0 } }, down]),
      /undo/,
    );
  });

  it("says so before all else: its ReplicaSet is gone", () => {
    assert.match(
      why(waits, [replicaSet]),
      /; users get no answer: the ReplicaSet of the live version old is gone; /,
    );
  });

  it("says nothing of the kind otherwise", () => {
    assert.doesNotMatch(why(waits, [replicaSet, live]), /no answer/);
  });
});

describe("why a Rollout of another controller stands where it stands", () => {
  for (const [what, subject, expected] of argo) {
    it(`is read off ${what}`, () => assert.equal(why(subject, [replicaSet, live]), expected));
  }

  it("is what everybody shows as waited for", () => {
    for (const [what, subject, expected] of argo) {
      const [, on] = / is waiting for (.*?)(?: \(1 of 3 are\))?, since/.exec(expected) ?? [];
      assert.equal(waitingOf(seen(subject, [replicaSet, live]))?.on, on, what);
    }
  });
});

describe("what holds pods up", () => {
  const waiting = rollout({
    phase: "Progressing",
    message: "updated replicas are still becoming available",
    conditions: [condition("Waiting", "ScalePreview", "pods of the new version to become available")],
  });

  it("is said with how many are there", () => {
    assert.match(
      why(waiting, [replicaSet], [stuckPod]),
      /\(1 of 3 are; pod web-new-1: no image web:2\), since/,
    );
  });

  it("may be the ReplicaSet's own trouble", () => {
    const failure = {
      type: "ReplicaFailure",
      status: "True",
      reason: "FailedCreate",
      message: "quota",
    } as const;
    const refused = { ...replicaSet, status: { replicas: 0, availableReplicas: 0, conditions: [failure] } };
    assert.match(why(waiting, [refused]), /\(0 of 3 are; quota\), since/);
  });

  it("is left out where its ReplicaSet is not there", () => {
    assert.match(why(waiting), /to become available, since/);
  });
});

describe("connections that no switch could move", () => {
  const staying = (name: string, count: string): Pod => ({
    ...stuckPod,
    metadata: { ...stuckPod.metadata, name, annotations: { "teal.dev/staying-connections": count } },
    status: { phase: "Running" },
  });
  const numbered: ReplicaSet = {
    ...replicaSet,
    metadata: { ...replicaSet.metadata, annotations: { "rollout.argoproj.io/revision": "3" } },
  };

  it("are told with the revision that they are on, all of its pods together", () => {
    const healthy = rollout({ phase: "Healthy" });
    assert.match(
      why(healthy, [numbered], [staying("a", "1"), staying("b", "1")]),
      /2 connections are still on revision 3/,
    );
    assert.match(why(healthy, [numbered], [staying("a", "1")]), /1 connection is still on revision 3/);
    assert.doesNotMatch(why(healthy, [numbered], [staying("a", "many")]), /still on/);
  });
});
