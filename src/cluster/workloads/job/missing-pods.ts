import type { Pod } from "../../../api/core.ts";
import { earliest, type Instant } from "../../../time/clock.ts";
import { indexOf, isIndexed, type Job, replacesEndedOnly } from "./job.ts";
import type { PodPlan } from "./job-pod.ts";
import { nextAttemptAt } from "./pod-failures.ts";
import { hasFailed, indexFailures, type Tally } from "./tally.ts";

export interface Missing {
  /** How many pods are to be active at a time. */
  readonly wanted: number;
  /** Those that are to be made now. */
  readonly plans: readonly PodPlan[];
  /** When the wait after failures is over. */
  readonly retryAt: Instant | undefined;
  /** Whether an active pod of an indexed Job is the one for its index, which is still to be done. */
  readonly isUseful: (pod: Pod) => boolean;
}

/** What a Job that goes on is short of. */
export function missingPods(job: Job, pods: readonly Pod[], tally: Tally, now: Instant): Missing {
  return isIndexed(job) ? missingIndexes(job, pods, tally, now) : missingAny(job, pods, tally, now);
}

function missingAny(job: Job, pods: readonly Pod[], tally: Tally, now: Instant): Missing {
  const { completions } = job.spec;
  const { active, succeeded } = tally;
  const parallelism = job.spec.parallelism ?? 1;
  // Where nobody says how many, the first success means that the others are the last.
  const untilSuccess = succeeded > 0 ? Math.min(active.length, parallelism) : parallelism;
  const wanted =
    completions === undefined ? untilSuccess : Math.max(0, Math.min(completions - succeeded, parallelism));
  const short = Math.max(0, wanted - active.length - stillGoing(job, tally));
  const at = nextAttemptAt(pods, (pod) => hasFailed(job, pod));
  const isToWait = short > 0 && at !== undefined && at > now;
  return {
    wanted,
    plans: isToWait ? [] : Array.from({ length: short }, () => ({})),
    retryAt: isToWait ? at : undefined,
    isUseful: () => true,
  };
}

function missingIndexes(job: Job, pods: readonly Pod[], tally: Tally, now: Instant): Missing {
  const { completions = 0, parallelism = 1, backoffLimitPerIndex } = job.spec;
  const { active, completedIndexes, failedIndexes } = tally;
  const isOpen = (index: number) =>
    index < completions && !completedIndexes.has(index) && !failedIndexes.has(index);
  const running = new Map<number, Pod>();
  for (const pod of active) {
    const index = indexOf(pod);
    if (index !== undefined && isOpen(index) && !running.has(index)) running.set(index, pod);
  }
  const open = Array.from({ length: completions }, (_, index) => index).filter(isOpen);
  const wanted = Math.min(open.length, parallelism);
  const byIndex = Map.groupBy(pods, indexOf);
  const isGoing = (index: number) =>
    replacesEndedOnly(job) &&
    byIndex.get(index)?.some((pod) => pod.metadata.deletionTimestamp !== undefined && !hasFailed(job, pod));
  const waits: Instant[] = [];
  const attemptAt = (attempts: readonly Pod[]) => nextAttemptAt(attempts, (pod) => hasFailed(job, pod));
  const allWait = backoffLimitPerIndex === undefined ? attemptAt(pods) : undefined;
  const plans: PodPlan[] = [];
  for (const index of open) {
    if (plans.length + running.size + stillGoing(job, tally) >= wanted) break;
    if (running.has(index) || isGoing(index) === true) continue;
    const own = byIndex.get(index) ?? [];
    const at = backoffLimitPerIndex === undefined ? allWait : attemptAt(own);
    if (at !== undefined && at > now) waits.push(at);
    else if (backoffLimitPerIndex === undefined) plans.push({ index });
    else {
      const failures = own.filter((pod) => hasFailed(job, pod)).map(indexFailures);
      plans.push({ index, indexFailures: Math.max(0, ...failures) });
    }
  }
  return {
    wanted,
    plans,
    retryAt: earliest(...waits),
    isUseful: (pod) => running.get(indexOf(pod) ?? -1) === pod,
  };
}

/** Pods that are going and must have gone before they are replaced. */
function stillGoing(job: Job, { terminating }: Tally): number {
  return replacesEndedOnly(job) ? terminating : 0;
}
