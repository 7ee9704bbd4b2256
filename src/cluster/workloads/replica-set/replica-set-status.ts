import type { Condition, Pod, ReplicaSet } from "../../../api/core.ts";
import { hasLabels } from "../../../api/label-selector.ts";
import { formatTime, type Instant } from "../../../time/clock.ts";
import { availableAt, isReady } from "../pods.ts";

export type ReplicaSetStatus = NonNullable<ReplicaSet["status"]>;

/** Why the last attempt to change the number of pods was refused. */
export interface ReplicaFailure {
  readonly reason: "FailedCreate" | "FailedDelete";
  readonly message: string;
}

/** The status of a ReplicaSet with these active pods, and when time alone will change it. */
export function replicaSetStatus(
  replicaSet: ReplicaSet,
  pods: readonly Pod[],
  failure: ReplicaFailure | undefined,
  now: Instant,
): { readonly status: ReplicaSetStatus; readonly changesAt?: Instant } {
  const templateLabels = replicaSet.spec.template.metadata?.labels ?? {};
  const minReadySeconds = replicaSet.spec.minReadySeconds ?? 0;
  const ready = pods.filter(isReady);
  const availableTimes = ready
    .map((pod) => (minReadySeconds === 0 ? now : availableAt(pod, minReadySeconds)))
    .filter((at) => at !== undefined);
  const waits = availableTimes.filter((at) => at > now);
  const conditions = replicaSetConditions(replicaSet.status?.conditions ?? [], failure, now);
  const generation = replicaSet.metadata.generation;
  const status: ReplicaSetStatus = {
    replicas: pods.length,
    fullyLabeledReplicas: pods.filter((pod) => hasLabels(pod.metadata.labels, templateLabels)).length,
    readyReplicas: ready.length,
    availableReplicas: availableTimes.length - waits.length,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    ...(conditions.length === 0 ? {} : { conditions }),
  };
  const changesAt = waits.toSorted((a, b) => a - b)[0];
  return changesAt === undefined ? { status } : { status, changesAt };
}

/** The merge patch that turns one status into the other; undefined when they say the same. */
export function statusPatch(
  from: ReplicaSetStatus | undefined,
  to: ReplicaSetStatus,
): Readonly<Record<string, unknown>> | undefined {
  const counts = ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"] as const;
  const patch: Record<string, unknown> = {};
  if (from?.replicas !== to.replicas) patch["replicas"] = to.replicas ?? 0;
  // A count of zero is left out of the object, as Kubernetes does.
  for (const count of counts) if ((from?.[count] ?? 0) !== (to[count] ?? 0)) patch[count] = to[count] || null;
  if (from?.observedGeneration !== to.observedGeneration) patch["observedGeneration"] = to.observedGeneration;
  if (JSON.stringify(from?.conditions ?? []) !== JSON.stringify(to.conditions ?? []))
    patch["conditions"] = to.conditions ?? null;
  return Object.keys(patch).length === 0 ? undefined : patch;
}

function replicaSetConditions(
  before: readonly Condition[],
  failure: ReplicaFailure | undefined,
  now: Instant,
): readonly Condition[] {
  const others = before.filter((condition) => condition.type !== "ReplicaFailure");
  if (failure === undefined) return others;
  const known = before.find((condition) => condition.type === "ReplicaFailure");
  if (known?.reason === failure.reason && known.message === failure.message) return before;
  return [
    ...others,
    { type: "ReplicaFailure", status: "True", ...failure, lastTransitionTime: formatTime(now) },
  ];
}
