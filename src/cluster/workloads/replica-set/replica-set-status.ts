import type { Condition, Pod, ReplicaSet } from "../../../api/core.ts";
import { hasLabels } from "../../../api/label-selector.ts";
import { formatTime, type Instant } from "../../../time/clock.ts";
import type { PodFailure } from "../pod-control/refusals.ts";
import { availableAt, isReady } from "../pods.ts";
import { counted } from "../status-writer.ts";

type ReplicaSetStatus = NonNullable<ReplicaSet["status"]>;

/** The status of a ReplicaSet with these active pods, and when time alone will change it. */
export function replicaSetStatus(
  replicaSet: ReplicaSet,
  pods: readonly Pod[],
  failure: PodFailure | undefined,
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
    ...counted({
      fullyLabeledReplicas: pods.filter((pod) => hasLabels(pod.metadata.labels, templateLabels)).length,
      readyReplicas: ready.length,
      availableReplicas: availableTimes.length - waits.length,
    }),
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    ...(conditions.length === 0 ? {} : { conditions }),
  };
  const changesAt = waits.toSorted((a, b) => a - b)[0];
  return changesAt === undefined ? { status } : { status, changesAt };
}

function replicaSetConditions(
  before: readonly Condition[],
  failure: PodFailure | undefined,
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
