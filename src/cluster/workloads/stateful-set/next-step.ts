import type { Pod } from "../../../api/core.ts";
import { type Instant, later } from "../../../time/clock.ts";
import { availableAt, isFinished, isReady, readySince } from "../pods.ts";
import { isBehindPartition, revisionLabel } from "./identity.ts";
import { ordinalOf, type StatefulSet, startOf } from "./stateful-set.ts";

/** What is to be done with the pods of a set now; the pods' next change asks again. */
export interface Steps {
  readonly create: readonly number[];
  readonly remove: readonly Pod[];
}

const nothing: Steps = { create: [], remove: [] };

/** Whether the pod is running, ready, and has been for as long as its set asks. */
export function isAvailable(set: StatefulSet, pod: Pod, now: Instant): boolean {
  const at = availableAt(pod, set.spec.minReadySeconds ?? 0);
  return isReady(pod) && pod.metadata.deletionTimestamp === undefined && at !== undefined && at <= now;
}

/** When a pod that is ready becomes available by time alone. */
export function availableLater(set: StatefulSet, pods: readonly Pod[], now: Instant): Instant | undefined {
  const seconds = set.spec.minReadySeconds ?? 0;
  return pods
    .flatMap((pod) => readySince(pod) ?? [])
    .map((since) => later(since, seconds))
    .filter((at) => at > now)
    .toSorted((a, b) => a - b)[0];
}

/**
 * One pod after the other, from the lowest ordinal up, each when those before it are available; surplus ones from the highest
 * down; then those of an older template, from the highest down to the partition. All at once where the policy is Parallel,
 * but for the update.
 */
export function nextSteps(
  set: StatefulSet,
  pods: readonly Pod[],
  updateRevision: string,
  now: Instant,
): Steps {
  const start = startOf(set);
  const end = start + (set.spec.replicas ?? 1);
  const isOrdered = set.spec.podManagementPolicy !== "Parallel";
  const byOrdinal = new Map(pods.map((pod) => [ordinalOf(set, pod.metadata.name) ?? -1, pod]));
  const create: number[] = [];
  const ended: Pod[] = [];
  for (let ordinal = start; ordinal < end; ordinal++) {
    const pod = byOrdinal.get(ordinal);
    if (pod === undefined) create.push(ordinal);
    else if (isFinished(pod) && isStaying(pod)) ended.push(pod);
    else if (isAvailable(set, pod, now)) continue;
    if (isOrdered) return { create, remove: ended };
  }
  const surplus = [...byOrdinal]
    .filter(([ordinal]) => ordinal < start || ordinal >= end)
    .toSorted(([a], [b]) => b - a)
    .map(([, pod]) => pod);
  if (isOrdered) {
    const [last] = surplus;
    if (last !== undefined) return isStaying(last) ? { create, remove: [last] } : nothing;
  } else if (create.length + ended.length + surplus.length > 0)
    return { create, remove: [...ended, ...surplus.filter(isStaying)] };
  return { create, remove: outdated(set, byOrdinal, { start, end }, updateRevision, now) };
}

function outdated(
  set: StatefulSet,
  byOrdinal: ReadonlyMap<number, Pod>,
  { start, end }: { readonly start: number; readonly end: number },
  updateRevision: string,
  now: Instant,
): readonly Pod[] {
  if (set.spec.updateStrategy?.type === "OnDelete") return [];
  for (let ordinal = end - 1; ordinal >= start && !isBehindPartition(set, ordinal); ordinal--) {
    const pod = byOrdinal.get(ordinal);
    if (pod === undefined || !isStaying(pod)) return [];
    if (pod.metadata.labels?.[revisionLabel] !== updateRevision) return [pod];
    if (!isAvailable(set, pod, now)) return [];
  }
  return [];
}

function isStaying({ metadata }: Pod): boolean {
  return metadata.deletionTimestamp === undefined;
}
