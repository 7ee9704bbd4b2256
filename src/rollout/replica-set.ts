import {
  desiredReplicasAnnotation,
  podTemplateHashLabel,
  revisionAnnotation,
  revisionHistoryAnnotation,
  scaleDownDeadlineAnnotation,
} from "../api/names.ts";
import { formatTime, type Instant, parseTime } from "../time/clock.ts";
import type { BareReplicaSet } from "./identified-replica-set.ts";
import { type Action, seen } from "./plan-types.ts";

// What a ReplicaSet of a Rollout says about itself, and the calls that change it.

export function hashOf(replicaSet: BareReplicaSet): string {
  return replicaSet.metadata.labels?.[podTemplateHashLabel] ?? "";
}

/** 0 for a ReplicaSet without a (readable) revision. */
export function revisionOf(replicaSet: BareReplicaSet): number {
  return Number(replicaSet.metadata.annotations?.[revisionAnnotation]) || 0;
}

/** The revision that the ReplicaSet was made for: unlike the present one it does not change when it is used again. */
export function firstRevisionOf(replicaSet: BareReplicaSet): number {
  const former = replicaSet.metadata.annotations?.[revisionHistoryAnnotation] ?? "";
  const revisions = former
    .split(",")
    .map(Number)
    .filter((revision) => revision > 0);
  return Math.min(revisionOf(replicaSet), ...revisions);
}

export function sizeOf(replicaSet: BareReplicaSet | undefined): number {
  return replicaSet?.spec.replicas ?? 0;
}

export function availableOf(replicaSet: BareReplicaSet | undefined): number {
  return replicaSet?.status?.availableReplicas ?? 0;
}

/** Whether it shall have exactly `size` pods and at least as many are available. */
export function isAvailable(replicaSet: BareReplicaSet | undefined, size: number): boolean {
  return replicaSet !== undefined && sizeOf(replicaSet) === size && availableOf(replicaSet) >= size;
}

export function deadlineOf(replicaSet: BareReplicaSet): Instant | undefined {
  const text = replicaSet.metadata.annotations?.[scaleDownDeadlineAnnotation];
  return text === undefined ? undefined : parseTime(text);
}

/** Sets the size, and with it the annotation that tells Argo's tools what size was wanted. */
export function scale(replicaSet: BareReplicaSet, to: number, desired: number, because: string): Action {
  const from = sizeOf(replicaSet);
  const direction = to > from ? "up" : "down";
  const { name } = replicaSet.metadata;
  const forgetDeadline =
    to === 0 && deadlineOf(replicaSet) !== undefined ? { [scaleDownDeadlineAnnotation]: null } : {};
  return {
    do: "scaleReplicaSet",
    seen: seen(replicaSet),
    from,
    to,
    patch: {
      metadata: { annotations: { [desiredReplicasAnnotation]: String(desired), ...forgetDeadline } },
      spec: { replicas: to },
    },
    because,
    event: {
      type: "Normal",
      reason: "ScalingReplicaSet",
      message: `Scaled ${direction} ReplicaSet ${name} (revision ${revisionOf(replicaSet)}) from ${from} to ${to}`,
    },
  };
}

export function annotate(
  replicaSet: BareReplicaSet,
  annotations: Readonly<Record<string, string | null>>,
  because: string,
): Action {
  return {
    do: "annotateReplicaSet",
    seen: seen(replicaSet),
    patch: { metadata: { annotations } },
    because,
  };
}

/** Says when the pods are to go; without an instant, that they stay. */
export function setDeadline(replicaSet: BareReplicaSet, until: Instant | undefined, because: string): Action {
  const text = until === undefined ? null : formatTime(until);
  return annotate(replicaSet, { [scaleDownDeadlineAnnotation]: text }, because);
}
