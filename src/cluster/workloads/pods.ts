import type { Pod } from "../../api/core.ts";
import { type Instant, later, parseTime } from "../../time/clock.ts";

/** Whether the pod counts as a replica: it has not ended and is not being deleted. */
export function isActive(pod: Pod): boolean {
  return !isFinished(pod) && pod.metadata.deletionTimestamp === undefined;
}

/** Whether the pod's containers have ended for good. */
export function isFinished(pod: Pod): boolean {
  return pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
}

export function isReady(pod: Pod): boolean {
  return readyCondition(pod)?.status === "True";
}

/** Since when the pod is ready; undefined while it is not. */
export function readySince(pod: Pod): Instant | undefined {
  const condition = readyCondition(pod);
  return condition?.status === "True" && condition.lastTransitionTime !== undefined
    ? parseTime(condition.lastTransitionTime)
    : undefined;
}

/** When a ready pod has been ready for `minReadySeconds`; undefined while it is not ready. */
export function availableAt(pod: Pod, minReadySeconds: number): Instant | undefined {
  const since = readySince(pod);
  return since === undefined ? undefined : later(since, minReadySeconds);
}

function readyCondition(pod: Pod) {
  return pod.status?.conditions?.find((condition) => condition.type === "Ready");
}
