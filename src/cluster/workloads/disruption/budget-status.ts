import type { Condition, Pod } from "../../../api/core.ts";
import { formatTime, type Instant, later, parseTime } from "../../../time/clock.ts";
import { allowedOf } from "../count-or-percent.ts";
import { isReady } from "../pods.ts";
import type { BudgetStatus, PodDisruptionBudget } from "./pod-disruption-budget.ts";

/** After so long an evicted pod that is still there was not deleted after all. */
const evictionSeconds = 120;

/**
 * The status of a budget over these pods, of which their owners want `expected` in all; and when it is to be looked at again
 * because an eviction has come to nothing.
 */
export function budgetStatus(
  budget: PodDisruptionBudget,
  pods: readonly Pod[],
  expected: number,
  now: Instant,
): { readonly status: BudgetStatus; readonly changesAt: Instant | undefined } {
  const { minAvailable, maxUnavailable } = budget.spec;
  // A number that is to be available is out of the pods that are there, whoever wants how many.
  const expectedPods = typeof minAvailable === "number" ? pods.length : expected;
  const desiredHealthy =
    maxUnavailable === undefined
      ? allowedOf(minAvailable ?? 1, expectedPods, "up")
      : Math.max(0, expectedPods - allowedOf(maxUnavailable, expectedPods, "up"));
  const { disruptedPods, changesAt } = stillGoing(budget, pods, now);
  const currentHealthy = pods.filter(
    (pod) =>
      pod.metadata.deletionTimestamp === undefined &&
      isReady(pod) &&
      disruptedPods[pod.metadata.name] === undefined,
  ).length;
  const disruptionsAllowed = expectedPods === 0 ? 0 : Math.max(0, currentHealthy - desiredHealthy);
  const { generation } = budget.metadata;
  return {
    status: {
      ...(generation === undefined ? {} : { observedGeneration: generation }),
      ...(Object.keys(disruptedPods).length === 0 ? {} : { disruptedPods }),
      disruptionsAllowed,
      currentHealthy,
      desiredHealthy,
      expectedPods,
      conditions: conditionsOf(budget, disruptionsAllowed > 0, now),
    },
    changesAt,
  };
}

function stillGoing({ status }: PodDisruptionBudget, pods: readonly Pod[], now: Instant) {
  const entries = Object.entries(status?.disruptedPods ?? {}).flatMap(([name, text]) => {
    const pod = pods.find(({ metadata }) => metadata.name === name);
    const until = later(parseTime(text) ?? now, evictionSeconds);
    const isOver = pod === undefined || pod.metadata.deletionTimestamp !== undefined || until <= now;
    return isOver ? [] : [{ name, text, until }];
  });
  return {
    disruptedPods: Object.fromEntries(entries.map(({ name, text }) => [name, text])),
    changesAt: entries.map(({ until }) => until).toSorted((a, b) => a - b)[0],
  };
}

function conditionsOf(
  { metadata, status }: PodDisruptionBudget,
  isAllowed: boolean,
  now: Instant,
): readonly Condition[] {
  const known = status?.conditions?.find(({ type }) => type === "DisruptionAllowed");
  const others = (status?.conditions ?? []).filter((condition) => condition !== known);
  const wanted = isAllowed ? "True" : "False";
  const { generation } = metadata;
  const condition = {
    type: "DisruptionAllowed",
    status: wanted,
    reason: isAllowed ? "SufficientPods" : "InsufficientPods",
    message: "",
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    lastTransitionTime:
      known?.status === wanted ? (known.lastTransitionTime ?? formatTime(now)) : formatTime(now),
  };
  return [...others, condition];
}
