import type { Pod } from "../../../api/core.ts";
import { isActive, isFinished, isReady } from "../pods.ts";
import { parseIndexes } from "./index-ranges.ts";
import {
  indexFailuresAnnotation,
  indexOf,
  isIndexed,
  type Job,
  replacesEndedOnly,
  trackingFinalizer,
} from "./job.ts";
import { failureRuleFor } from "./pod-failures.ts";

/** What has become of a Job's pods. Counts are as they stand once the pods of `release` have been let go. */
export interface Tally {
  readonly active: readonly Pod[];
  readonly ready: number;
  readonly terminating: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly completedIndexes: ReadonlySet<number>;
  readonly failedIndexes: ReadonlySet<number>;
  /** By uid: what has ended and is not yet in the counts of the status, since its pod still has the finalizer. */
  readonly uncounted: { readonly succeeded: readonly string[]; readonly failed: readonly string[] };
  /** Pods that have ended and are written down by then. */
  readonly release: readonly Pod[];
  /** Why one of the failures is the end of the Job. */
  readonly fatal: string | undefined;
}

/** `isReleased`: whether the pod's finalizer has been taken off although the cache still shows it. */
export function tallyOf(job: Job, pods: readonly Pod[], isReleased: (pod: Pod) => boolean): Tally {
  const { status = {}, spec } = job;
  const isTracked = (pod: Pod) =>
    pod.metadata.finalizers?.includes(trackingFinalizer) === true && !isReleased(pod);
  const tracked = new Map(pods.filter(isTracked).map((pod) => [pod.metadata.uid ?? "", pod]));
  const before = status.uncountedTerminatedPods ?? {};
  const pending = (uids: readonly string[] = []) => uids.filter((uid) => tracked.has(uid));
  const uncounted = { succeeded: pending(before.succeeded), failed: pending(before.failed) };
  const settledNow = (all: readonly string[] = [], left: readonly string[]) => all.length - left.length;
  const succeededBefore = (status.succeeded ?? 0) + settledNow(before.succeeded, uncounted.succeeded);
  const failedBefore = (status.failed ?? 0) + settledNow(before.failed, uncounted.failed);
  const completedIndexes = parseIndexes(status.completedIndexes, spec.completions);
  const failedIndexes = parseIndexes(status.failedIndexes, spec.completions);
  const release: Pod[] = [];
  let fatal: string | undefined;
  for (const [uid, pod] of tracked) {
    if (uncounted.succeeded.includes(uid) || uncounted.failed.includes(uid)) release.push(pod);
    else if (pod.status?.phase === "Succeeded") {
      release.push(pod);
      const index = indexOf(pod);
      if (!isIndexed(job)) uncounted.succeeded.push(uid);
      else if (index !== undefined && index < (spec.completions ?? 0)) completedIndexes.add(index);
    } else if (hasFailed(job, pod)) {
      release.push(pod);
      const rule = pod.status?.phase === "Failed" ? failureRuleFor(job, pod) : undefined;
      if (rule?.action === "Ignore") continue;
      if (rule?.action === "FailJob") fatal ??= rule.message;
      uncounted.failed.push(uid);
      const index = indexOf(pod);
      if (index !== undefined && isIndexLost(job, pod, rule?.action)) failedIndexes.add(index);
    }
  }
  const active = pods.filter(isActive);
  return {
    active,
    ready: active.filter(isReady).length,
    terminating: pods.filter((pod) => pod.metadata.deletionTimestamp !== undefined && !isFinished(pod))
      .length,
    succeeded: isIndexed(job) ? completedIndexes.size : succeededBefore + uncounted.succeeded.length,
    failed: failedBefore + uncounted.failed.length,
    completedIndexes,
    failedIndexes,
    uncounted,
    release,
    fatal,
  };
}

/** Whether the pod counts as a failure: it has failed, or is going and will not be waited for. */
export function hasFailed(job: Job, pod: Pod): boolean {
  const { phase } = pod.status ?? {};
  if (phase === "Failed") return true;
  if (pod.metadata.deletionTimestamp === undefined || phase === "Succeeded") return false;
  // A pod that no node has got will never tell of its end.
  return !replacesEndedOnly(job) || pod.spec.nodeName === undefined;
}

/** How often the pod's index has failed by now, this pod included. */
export function indexFailures(pod: Pod): number {
  return Number(pod.metadata.annotations?.[indexFailuresAnnotation] ?? 0) + 1;
}

function isIndexLost({ spec }: Job, pod: Pod, action: string | undefined): boolean {
  if (action === "FailIndex") return true;
  return spec.backoffLimitPerIndex !== undefined && indexFailures(pod) > spec.backoffLimitPerIndex;
}
