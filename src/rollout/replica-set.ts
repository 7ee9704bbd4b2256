import {
  desiredReplicasAnnotation,
  podTemplateHashLabel,
  revisionAnnotation,
  revisionHistoryAnnotation,
  scaleDownDeadlineAnnotation,
  scaleDownPostponedFromAnnotation,
  wasLiveAnnotation,
} from "../api/names.ts";
import { resources } from "../api/resources.ts";
import { formatTimeNotBefore, type Instant, parseTime } from "../time/clock.ts";
import { type Action, seen } from "./action.ts";
import type { BareReplicaSet } from "./identified-replica-set.ts";

// What a ReplicaSet of a Rollout says about itself, and the calls that change it.

export function hashOf(replicaSet: BareReplicaSet): string {
  return replicaSet.metadata.labels?.[podTemplateHashLabel] ?? "";
}

/** 0 for a ReplicaSet without a (readable) revision. */
export function revisionOf(replicaSet: BareReplicaSet): number {
  return parseRevision(replicaSet.metadata.annotations?.[revisionAnnotation]);
}

/** Numbers that can be counted on from; anybody may write an annotation. */
function parseRevision(text = ""): number {
  return /^\d{1,15}$/.test(text) ? Number(text) : 0;
}

/** The revision that the ReplicaSet was made for: unlike the present one it does not change when it is used again. */
export function firstRevisionOf(replicaSet: BareReplicaSet): number {
  const former = replicaSet.metadata.annotations?.[revisionHistoryAnnotation] ?? "";
  const revisions = former
    .split(",")
    .map((text) => parseRevision(text))
    .filter((revision) => revision > 0);
  return Math.min(revisionOf(replicaSet), ...revisions);
}

export function sizeOf(replicaSet: BareReplicaSet | undefined): number {
  return replicaSet?.spec.replicas ?? 0;
}

/**
 * How many of the pods that it shall have are available, as far as is known: the numbers may be older than its size. No gate
 * asks for this; see `isAvailable`.
 */
export function availableOf(replicaSet: BareReplicaSet | undefined): number {
  return Math.min(replicaSet?.status?.availableReplicas ?? 0, sizeOf(replicaSet));
}

/** Whether the numbers in its status are about the size that it has now, and not about the one before. */
function isObserved({ metadata, status }: BareReplicaSet): boolean {
  return (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0);
}

/** Whether it shall have exactly `size` pods, and is known to have as many available. */
export function isAvailable(replicaSet: BareReplicaSet | undefined, size: number): boolean {
  return (
    replicaSet !== undefined &&
    isObserved(replicaSet) &&
    sizeOf(replicaSet) === size &&
    availableOf(replicaSet) >= size
  );
}

/** Whether it has no pods, and is known to have lost the last one. */
export function isIdle(replicaSet: BareReplicaSet): boolean {
  return sizeOf(replicaSet) === 0 && isObserved(replicaSet) && (replicaSet.status?.replicas ?? 0) === 0;
}

/**
 * Whether it was once the stable version: all gates were passed then. Its uid says so, which no copy has: tools that restore
 * or copy objects take annotations along.
 */
export function wasLive({ metadata: { uid, annotations } }: BareReplicaSet): boolean {
  return uid !== undefined && annotations?.[wasLiveAnnotation] === uid;
}

export function deadlineOf(replicaSet: BareReplicaSet): Instant | undefined {
  return timeIn(replicaSet, scaleDownDeadlineAnnotation);
}

/** The deadline that it had before its end was first put off; undefined when it was not. */
export function firstDeadlineOf(replicaSet: BareReplicaSet): Instant | undefined {
  return timeIn(replicaSet, scaleDownPostponedFromAnnotation);
}

function timeIn(replicaSet: BareReplicaSet, annotation: string): Instant | undefined {
  const text = replicaSet.metadata.annotations?.[annotation];
  return text === undefined ? undefined : parseTime(text);
}

export function patchReplicaSet(replicaSet: BareReplicaSet, patch: object, because: string): Action {
  return {
    do: "patch",
    resource: resources.replicaSets,
    seen: seen(replicaSet),
    patch,
    what: `update ReplicaSet ${replicaSet.metadata.name}`,
    because,
  };
}

/** Only one without pods: they would go with it. */
export function deleteReplicaSet(replicaSet: BareReplicaSet, because: string): Action {
  const { name } = replicaSet.metadata;
  return {
    do: "delete",
    resource: resources.replicaSets,
    seen: seen(replicaSet),
    what: `delete ReplicaSet ${name}`,
    because,
    effect: { on: "pods", replicaSet: name, from: sizeOf(replicaSet), to: 0 },
  };
}

/** Sets the size, and with it the annotation that tells Argo's tools what size was wanted. */
export function scale(replicaSet: BareReplicaSet, to: number, desired: number, because: string): Action {
  const from = sizeOf(replicaSet);
  const direction = to > from ? "up" : "down";
  const { name } = replicaSet.metadata;
  const forgetDeadline = to === 0 ? withoutDeadline(replicaSet) : {};
  const patch = {
    metadata: { annotations: { [desiredReplicasAnnotation]: String(desired), ...forgetDeadline } },
    spec: { replicas: to },
  };
  return {
    ...patchReplicaSet(replicaSet, patch, because),
    what: `scale ReplicaSet ${name} from ${from} to ${to}`,
    effect: { on: "pods", replicaSet: name, from, to },
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
  return patchReplicaSet(replicaSet, { metadata: { annotations } }, because);
}

/** Says when the pods are to go: in whole seconds, and not before `until`. */
export function setDeadline(replicaSet: BareReplicaSet, until: Instant, because: string): Action {
  return annotate(replicaSet, deadlineAnnotation(until), because);
}

/** Puts off the end of the pods, and remembers when it was first to be. */
export function postponeDeadline(
  replicaSet: BareReplicaSet,
  until: Instant,
  first: Instant,
  because: string,
): Action {
  const isFirstTime = firstDeadlineOf(replicaSet) === undefined;
  const from = isFirstTime ? { [scaleDownPostponedFromAnnotation]: formatTimeNotBefore(first) } : {};
  const action = annotate(replicaSet, { ...deadlineAnnotation(until), ...from }, because);
  if (!isFirstTime) return action;
  const message = `Kept ReplicaSet ${replicaSet.metadata.name} beyond its scale-down deadline: ${because}`;
  return { ...action, event: { type: "Warning", reason: "ScaleDownPostponed", message } };
}

/** Says that the pods stay; `more` is noted in the same write. */
export function dropDeadline(
  replicaSet: BareReplicaSet,
  because: string,
  more: Readonly<Record<string, string>> = {},
): Action {
  return annotate(replicaSet, { ...withoutDeadline(replicaSet), ...more }, because);
}

/** Says that it was the stable version and, where its pods are to go, when. */
export function recordWasLive(
  replicaSet: BareReplicaSet,
  until: Instant | undefined,
  because: string,
): Action {
  const deadline = until === undefined ? {} : deadlineAnnotation(until);
  const { uid = "" } = replicaSet.metadata;
  return annotate(replicaSet, { [wasLiveAnnotation]: uid, ...deadline }, because);
}

function deadlineAnnotation(until: Instant): Readonly<Record<string, string>> {
  return { [scaleDownDeadlineAnnotation]: formatTimeNotBefore(until) };
}

function withoutDeadline({ metadata: { annotations } }: BareReplicaSet): Readonly<Record<string, null>> {
  const present = [scaleDownDeadlineAnnotation, scaleDownPostponedFromAnnotation].filter(
    (name) => annotations?.[name] !== undefined,
  );
  return Object.fromEntries(present.map((name) => [name, null]));
}
