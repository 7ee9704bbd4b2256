import type { Condition } from "../../../api/core.ts";
import { formatTime, type Instant } from "../../../time/clock.ts";
import { counted } from "../status-writer.ts";
import { formatIndexes } from "./index-ranges.ts";
import { conditionOf, isIndexed, type Job, type JobStatus } from "./job.ts";
import type { Tally } from "./tally.ts";
import type { Verdict } from "./verdict.ts";

export interface JobStatusInput {
  readonly job: Job;
  readonly tally: Tally;
  readonly verdict: Verdict | undefined;
  /** Pods as they are after this pass has made and deleted some. */
  readonly active: number;
  readonly terminating: number;
  /** Whether the pods that have ended have been let go, so that they are in the counts. */
  readonly isSettled: boolean;
  readonly now: Instant;
}

type Told = Pick<Condition, "type" | "status"> & { readonly reason: string; readonly message: string };

export function jobStatus(input: JobStatusInput): JobStatus {
  const { job, tally, verdict, active, terminating, isSettled, now } = input;
  const { status: before = {}, spec } = job;
  const { uncounted } = tally;
  const hidden = isSettled
    ? { succeeded: 0, failed: 0 }
    : {
        succeeded: isIndexed(job) ? 0 : uncounted.succeeded.length,
        failed: uncounted.failed.length,
      };
  const hasEnded = verdict !== undefined && isSettled && active === 0 && terminating === 0;
  const conditions = conditionsOf(input, hasEnded);
  const isSuspended = spec.suspend === true && verdict === undefined;
  const startTime = isSuspended
    ? undefined
    : wasSuspended(job)
      ? formatTime(now)
      : (before.startTime ?? formatTime(now));
  const { completedIndexes, failedIndexes } = tally;
  return {
    ...(conditions.length === 0 ? {} : { conditions }),
    ...(startTime === undefined ? {} : { startTime }),
    ...(hasEnded && verdict.end === "Complete" ? { completionTime: formatTime(now) } : {}),
    ...counted({
      active,
      succeeded: tally.succeeded - hidden.succeeded,
      failed: tally.failed - hidden.failed,
    }),
    ready: Math.min(tally.ready, active),
    terminating,
    ...(completedIndexes.size === 0 ? {} : { completedIndexes: formatIndexes(completedIndexes) }),
    ...(spec.backoffLimitPerIndex === undefined ? {} : { failedIndexes: formatIndexes(failedIndexes) }),
    uncountedTerminatedPods: isSettled
      ? {}
      : {
          ...(uncounted.succeeded.length === 0 ? {} : { succeeded: uncounted.succeeded }),
          ...(uncounted.failed.length === 0 ? {} : { failed: uncounted.failed }),
        },
  };
}

export function wasSuspended({ spec, status }: Job): boolean {
  return spec.suspend !== true && conditionOf(status, "Suspended") !== undefined;
}

function conditionsOf({ job, verdict, now }: JobStatusInput, hasEnded: boolean): readonly Condition[] {
  const before = job.status?.conditions ?? [];
  const told: readonly Told[] = [
    ...(job.spec.suspend === true && verdict === undefined
      ? [{ type: "Suspended", status: "True", reason: "JobSuspended", message: "Job suspended" }]
      : wasSuspended(job)
        ? [{ type: "Suspended", status: "False", reason: "JobResumed", message: "Job resumed" }]
        : []),
    ...(verdict === undefined ? [] : [condition(verdict.target, verdict)]),
    ...(verdict !== undefined && hasEnded ? [condition(verdict.end, verdict)] : []),
  ];
  const at = formatTime(now);
  return told.reduce((conditions, one) => {
    const known = conditions.find(({ type }) => type === one.type);
    if (known?.status === one.status && known.reason === one.reason) return conditions;
    const next = { ...one, lastProbeTime: at, lastTransitionTime: at };
    return known === undefined
      ? [...conditions, next]
      : conditions.map((each) => (each === known ? next : each));
  }, before);
}

function condition(type: string, { reason, message }: Verdict): Told {
  return { type, status: "True", reason, message };
}
