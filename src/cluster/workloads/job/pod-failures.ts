import type { ContainerStatus, Pod } from "../../../api/core.ts";
import { backoffSeconds } from "../../../time/backoff.ts";
import { type Instant, instant, later, parseTime } from "../../../time/clock.ts";
import { isFinished } from "../pods.ts";
import type { Job, PodFailureRule } from "./job.ts";

const firstWaitSeconds = 10;
const longestWaitSeconds = 600;

/** What the Job's policy says of a failed pod; undefined when no rule is met. */
export function failureRuleFor(
  job: Job,
  pod: Pod,
): { readonly action: PodFailureRule["action"]; readonly message: string } | undefined {
  const name = `${pod.metadata.namespace}/${pod.metadata.name}`;
  for (const [position, rule] of (job.spec.podFailurePolicy?.rules ?? []).entries()) {
    const { action, onExitCodes, onPodConditions = [] } = rule;
    const matching = `matching ${action} rule at index ${position}`;
    const exited = onExitCodes && terminated(pod).find((status) => isMet(onExitCodes, status));
    if (exited !== undefined) {
      const code = exited.state?.terminated?.exitCode;
      return {
        action,
        message: `Container ${exited.name} for pod ${name} failed with exit code ${code} ${matching}`,
      };
    }
    const condition = onPodConditions.find(({ type, status }) =>
      pod.status?.conditions?.some((one) => one.type === type && one.status === status),
    );
    if (condition !== undefined)
      return { action, message: `Pod ${name} has condition ${condition.type} ${matching}` };
  }
  return undefined;
}

function terminated(pod: Pod): readonly ContainerStatus[] {
  const { initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {};
  return [...initContainerStatuses, ...containerStatuses].filter(
    ({ state }) => state?.terminated !== undefined && state.terminated.exitCode !== 0,
  );
}

function isMet(
  { containerName, operator, values }: NonNullable<PodFailureRule["onExitCodes"]>,
  { name, state }: ContainerStatus,
): boolean {
  if (containerName !== undefined && containerName !== name) return false;
  const isNamed = values.includes(state?.terminated?.exitCode ?? 0);
  return operator === "In" ? isNamed : !isNamed;
}

/** When the next pod may be made: after each failure since the last success the wait doubles, from 10 s to 10 min. */
export function nextAttemptAt(pods: readonly Pod[], hasFailed: (pod: Pod) => boolean): Instant | undefined {
  const ends = pods
    .filter((pod) => isFinished(pod) || hasFailed(pod))
    .map((pod) => ({ at: endOf(pod), isFailure: pod.status?.phase !== "Succeeded" }))
    .toSorted((a, b) => a.at - b.at);
  const lastSuccess = ends.findLastIndex(({ isFailure }) => !isFailure);
  const failures = ends.slice(lastSuccess + 1);
  const last = failures.at(-1);
  if (last === undefined) return undefined;
  return later(last.at, backoffSeconds(failures.length, firstWaitSeconds, longestWaitSeconds));
}

function endOf({ metadata, status }: Pod): Instant {
  const times = (status?.containerStatuses ?? [])
    .map(({ state }) => state?.terminated?.finishedAt)
    .filter((text) => text !== undefined);
  const latest = times.toSorted().at(-1) ?? metadata.deletionTimestamp ?? metadata.creationTimestamp;
  return parseTime(latest ?? "") ?? instant(0);
}

/** How often the containers of pods that restart theirs have failed so far. */
export function restartsOf(pods: readonly Pod[]): number {
  return pods
    .flatMap(({ status }) => [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])])
    .reduce((sum, { restartCount }) => sum + restartCount, 0);
}
