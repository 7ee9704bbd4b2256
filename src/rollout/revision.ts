import type { ReplicaSet } from "../api/core.ts";
import {
  desiredReplicasAnnotation,
  lastAppliedAnnotation,
  notifiedAnnotation,
  podTemplateHashLabel,
  revisionAnnotation,
  revisionHistoryAnnotation,
  scaleDownDeadlineAnnotation,
  scaleDownPostponedFromAnnotation,
  templateAnnotation,
  wasLiveAnnotation,
} from "../api/names.ts";
import { resources } from "../api/resources.ts";
import { type Action, seen } from "./action.ts";
import { controllerReference } from "./adopt.ts";
import { annotate, revisionOf } from "./replica-set.ts";
import type { Situation } from "./situation.ts";
import { acting, done, type StepResult, waiting } from "./step.ts";
import { templateRecord } from "./template.ts";

export function createReplicaSet(situation: Situation): StepResult {
  if (situation.current !== undefined) return done;
  const replicaSet = newReplicaSet(situation);
  if (replicaSet === undefined) return waiting("a pod template");
  const create: Action = {
    do: "create",
    resource: resources.replicaSets,
    namespace: situation.rollout.metadata.namespace ?? "",
    object: replicaSet,
    what: `create ReplicaSet ${replicaSet.metadata.name}`,
    because: "the template has no ReplicaSet yet",
    event: {
      type: "Normal",
      reason: "NewReplicaSetCreated",
      message: `Created ReplicaSet ${replicaSet.metadata.name} (revision ${situation.revision})`,
    },
  };
  const announce = announceRevision(situation);
  return announce === undefined ? acting(create) : acting(announce, create);
}

/** A former version that comes back gets the newest number and keeps its old ones as history. */
export function recordRevision(situation: Situation): StepResult {
  const { current } = situation;
  if (current === undefined) return waiting("the new ReplicaSet to appear");
  const announce = announceRevision(situation);
  if (revisionOf(current) === situation.revision) return announce === undefined ? done : acting(announce);
  const former = current.metadata.annotations?.[revisionAnnotation];
  const history = current.metadata.annotations?.[revisionHistoryAnnotation];
  const known = [history, former].filter((text) => text !== undefined && text !== "").join(",");
  const renumber = annotate(
    current,
    {
      [revisionAnnotation]: String(situation.revision),
      ...(known === "" ? {} : { [revisionHistoryAnnotation]: known }),
    },
    "a former version is used again",
  );
  return announce === undefined ? acting(renumber) : acting(renumber, announce);
}

function announceRevision(situation: Situation): Action | undefined {
  const revision = String(situation.revision);
  if (situation.rollout.metadata.annotations?.[revisionAnnotation] === revision) return undefined;
  return {
    do: "patch",
    resource: resources.rollouts,
    seen: seen(situation.rollout),
    patch: { metadata: { annotations: { [revisionAnnotation]: revision } } },
    what: "annotate the Rollout",
    because: "the Rollout shows the revision of its template",
    event: { type: "Normal", reason: "RolloutUpdated", message: `Rollout updated to revision ${revision}` },
  };
}

const notCopied: readonly string[] = [
  lastAppliedAnnotation,
  revisionAnnotation,
  revisionHistoryAnnotation,
  desiredReplicasAnnotation,
  notifiedAnnotation,
  scaleDownDeadlineAnnotation,
  scaleDownPostponedFromAnnotation,
  wasLiveAnnotation,
  templateAnnotation,
];

/** Size 0: it gets its pods by a later step, when the preview Service selects them. */
function newReplicaSet(situation: Situation): ReplicaSet | undefined {
  const { metadata, spec } = situation.rollout;
  if (spec.template === undefined || situation.identity === undefined) return undefined;
  const hash = { [podTemplateHashLabel]: situation.currentHash };
  const labels = { ...spec.template.metadata?.labels, ...hash };
  const annotations = Object.fromEntries(
    Object.entries(metadata.annotations ?? {}).filter(([key]) => !notCopied.includes(key)),
  );
  return {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      name: `${metadata.name}-${situation.currentHash}`,
      ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
      labels,
      annotations: {
        ...annotations,
        [revisionAnnotation]: String(situation.revision),
        [desiredReplicasAnnotation]: String(situation.replicas),
        ...templateRecord(situation.identity),
      },
      ownerReferences: [controllerReference(situation.rollout)],
    },
    spec: {
      replicas: 0,
      ...(spec.minReadySeconds === undefined ? {} : { minReadySeconds: spec.minReadySeconds }),
      selector: { ...spec.selector, matchLabels: { ...spec.selector?.matchLabels, ...hash } },
      template: { ...spec.template, metadata: { ...spec.template.metadata, labels } },
    },
  };
}
