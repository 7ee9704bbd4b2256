import { type Instant, later, parseTime } from "../../../time/clock.ts";
import { parseIndexes } from "./index-ranges.ts";
import { conditionOf, isIndexed, type Job } from "./job.ts";
import { restartsOf } from "./pod-failures.ts";
import type { Tally } from "./tally.ts";

/** Why a Job is to end. Its pods go first; then the condition that it ended with is the one named `end`. */
export interface Verdict {
  readonly target: "FailureTarget" | "SuccessCriteriaMet";
  readonly end: "Failed" | "Complete";
  readonly reason: string;
  readonly message: string;
}

const failure = (reason: string, message: string): Verdict => ({
  target: "FailureTarget",
  end: "Failed",
  reason,
  message,
});
const success = (reason: string, message: string): Verdict => ({
  target: "SuccessCriteriaMet",
  end: "Complete",
  reason,
  message,
});

/** Whether and why the Job is to end. Once it was said it stays. Reasons and texts are Kubernetes' own. */
export function verdictOf(job: Job, tally: Tally, now: Instant): Verdict | undefined {
  const known = spoken(job);
  if (known !== undefined) return known;
  if (tally.fatal !== undefined) return failure("PodFailurePolicy", tally.fatal);
  const { spec } = job;
  const matched = matchedSuccessRule(job, tally);
  if (matched !== undefined) return success("SuccessPolicy", `Matched rules at index ${matched}`);
  if (tally.failed > (spec.backoffLimit ?? 6) || hasRestartedTooOften(job, tally))
    return failure("BackoffLimitExceeded", "Job has reached the specified backoff limit");
  const deadline = deadlineOf(job);
  if (deadline !== undefined && deadline <= now)
    return failure("DeadlineExceeded", "Job was active longer than specified deadline");
  const lost = tally.failedIndexes.size;
  if (spec.maxFailedIndexes !== undefined && lost > spec.maxFailedIndexes)
    return failure(
      "MaxFailedIndexesExceeded",
      "Job has exceeded the specified maximal number of failed indexes",
    );
  const { completions } = spec;
  if (completions === undefined) {
    const isDone = tally.succeeded > 0 && tally.active.length === 0 && spec.suspend !== true;
    return isDone ? reached : undefined;
  }
  if (tally.succeeded >= completions) return reached;
  return lost > 0 && tally.succeeded + lost >= completions
    ? failure("FailedIndexes", "Job has failed indexes")
    : undefined;
}

const reached = success("CompletionsReached", "Reached expected number of succeeded pods");

/** When the Job has been active for too long. */
export function deadlineOf({ spec, status }: Job): Instant | undefined {
  const started = parseTime(status?.startTime ?? "");
  return spec.activeDeadlineSeconds === undefined || started === undefined || spec.suspend === true
    ? undefined
    : later(started, spec.activeDeadlineSeconds);
}

function spoken({ status }: Job): Verdict | undefined {
  for (const make of [failure, success]) {
    const { target } = make("", "");
    const condition = conditionOf(status, target);
    if (condition !== undefined) return make(condition.reason ?? "", condition.message ?? "");
  }
  return undefined;
}

/** Where containers are restarted in their pods, those restarts are the attempts. */
function hasRestartedTooOften({ spec }: Job, tally: Tally): boolean {
  if (spec.template.spec.restartPolicy !== "OnFailure") return false;
  const restarts = restartsOf(tally.active);
  const limit = spec.backoffLimit ?? 6;
  return limit === 0 ? restarts > 0 : restarts >= limit;
}

function matchedSuccessRule(job: Job, { completedIndexes }: Tally): number | undefined {
  if (!isIndexed(job)) return undefined;
  const position = (job.spec.successPolicy?.rules ?? []).findIndex(({ succeededIndexes, succeededCount }) => {
    const named = succeededIndexes === undefined ? undefined : parseIndexes(succeededIndexes);
    const met =
      named === undefined
        ? completedIndexes
        : new Set([...named].filter((index) => completedIndexes.has(index)));
    return met.size >= (succeededCount ?? named?.size ?? Number.POSITIVE_INFINITY);
  });
  return position === -1 || position === undefined ? undefined : position;
}
