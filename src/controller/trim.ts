import type { ReplicaSet } from "../api/core.ts";
import { identityOf, noTexts, only, ownerOf } from "../api/kept.ts";
import { controllerOf } from "../api/metadata.ts";
import {
  fastRollbackAnnotation,
  lastAppliedAnnotation,
  podTemplateHashLabel,
  revisionAnnotation,
  revisionHistoryAnnotation,
  scaleDownDeadlineAnnotation,
  scaleDownPostponedFromAnnotation,
  wasLiveAnnotation,
} from "../api/names.ts";
import type { Rollout } from "../api/rollout.ts";
import { type IdentifiedReplicaSet, identified } from "../rollout/identified-replica-set.ts";

// What the caches keep of each object: thousands of Rollouts with all their pods shall fit into little memory.

/** All but the manifest that kubectl applied, which is as large as the object itself. */
export function trimRollout(rollout: Rollout): Rollout {
  const { annotations } = rollout.metadata;
  if (annotations?.[lastAppliedAnnotation] === undefined) return rollout;
  const { [lastAppliedAnnotation]: _, ...kept } = annotations;
  return { ...rollout, metadata: { ...rollout.metadata, annotations: kept } };
}

export function trimReplicaSet(replicaSet: ReplicaSet): IdentifiedReplicaSet {
  const { metadata, ...rest } = identified(replicaSet);
  const { generation, labels, annotations } = metadata;
  return {
    ...rest,
    metadata: {
      ...identityOf(metadata),
      ...ownerOf(metadata),
      ...(generation === undefined ? {} : { generation }),
      // Those of ownerless ones say whose they are.
      labels:
        controllerOf({ metadata }) === undefined ? (labels ?? noTexts) : only(labels, podTemplateHashLabel),
      annotations: only(
        annotations,
        revisionAnnotation,
        revisionHistoryAnnotation,
        scaleDownDeadlineAnnotation,
        fastRollbackAnnotation,
        scaleDownPostponedFromAnnotation,
        wasLiveAnnotation,
      ),
    },
  };
}
