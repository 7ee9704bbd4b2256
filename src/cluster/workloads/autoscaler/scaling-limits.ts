import { type Instant, later } from "../../../time/clock.ts";
import type { HorizontalPodAutoscaler, ScalingRules } from "./horizontal-pod-autoscaler.ts";

/** Reason and message of a condition. */
export interface Verdict {
  readonly status: "True" | "False";
  readonly reason: string;
  readonly message: string;
}

interface Happened {
  readonly at: Instant;
  readonly count: number;
}

/** What an autoscaler has proposed and done of late; kept in memory only, as Kubernetes does. */
export interface ScalingHistory {
  readonly recommendations: readonly Happened[];
  readonly added: readonly Happened[];
  readonly removed: readonly Happened[];
}

export const noHistory: ScalingHistory = { recommendations: [], added: [], removed: [] };

export interface Limited {
  readonly replicas: number;
  readonly history: ScalingHistory;
  readonly ableToScale: Verdict;
  readonly scalingLimited: Verdict;
}

type Spec = HorizontalPodAutoscaler["spec"];

// `--horizontal-pod-autoscaler-downscale-stabilization` of kube-controller-manager, and the longest that the API takes.
const usualDownSeconds = 300;
const longestSeconds = 3600;

const texts = {
  ReadyForNewScale: "recommended size matches current size",
  ScaleDownStabilized:
    "recent recommendations were higher than current one, applying the highest recent recommendation",
  ScaleUpStabilized:
    "recent recommendations were lower than current one, applying the lowest recent recommendation",
  TooManyReplicas: "the desired replica count is more than the maximum replica count",
  TooFewReplicas: "the desired replica count is less than the minimum replica count",
  ScaleUpLimit: "the desired replica count is increasing faster than the maximum scale rate",
  ScaleDownLimit: "the desired replica count is decreasing faster than the maximum scale rate",
  DesiredWithinRange: "the desired count is within the acceptable range",
} as const;

function verdict(status: "True" | "False", reason: keyof typeof texts): Verdict {
  return { status, reason, message: texts[reason] };
}

/** Without a behaviour of its own an autoscaler may double, or go to 4, and waits 5 minutes before it shrinks. */
const usualUp: ScalingRules = {
  policies: [
    { type: "Pods", value: 4, periodSeconds: 15 },
    { type: "Percent", value: 100, periodSeconds: 15 },
  ],
};

/** What of the desired number may be had now: not against what was desired just before, not faster than the policies, not beyond the bounds. */
export function limit(
  { minReplicas = 1, maxReplicas, behavior }: Spec,
  current: number,
  desired: number,
  before: ScalingHistory,
  now: Instant,
): Limited {
  const up = behavior?.scaleUp ?? usualUp;
  const down = behavior?.scaleDown ?? {};
  const recent = before.recommendations.filter(({ at }) => later(at, longestSeconds) > now);
  // Where it began counts as its first wish, so that a new autoscaler does not shrink at once.
  const known = recent.length === 0 ? [{ at: now, count: current }] : recent;
  const history = { ...before, recommendations: [...known, { at: now, count: desired }] };
  const within = (seconds: number) =>
    known.filter(({ at }) => later(at, seconds) > now).map(({ count }) => count);
  const lowest = Math.min(desired, ...within(up.stabilizationWindowSeconds ?? 0));
  const highest = Math.max(desired, ...within(down.stabilizationWindowSeconds ?? usualDownSeconds));
  const stabilized = Math.min(Math.max(current, lowest), highest);
  const { replicas, reason } = withinRates({
    current,
    desired: stabilized,
    bounds: { minReplicas, maxReplicas },
    rates: rates(behavior, current, before, now),
  });
  return {
    replicas,
    history,
    ableToScale: verdict(
      "True",
      stabilized === desired
        ? "ReadyForNewScale"
        : desired >= current
          ? "ScaleUpStabilized"
          : "ScaleDownStabilized",
    ),
    scalingLimited: verdict(replicas === stabilized ? "False" : "True", reason),
  };
}

/** The history after the number was changed. */
export function withChange(history: ScalingHistory, from: number, to: number, now: Instant): ScalingHistory {
  const kept = (happened: readonly Happened[]) =>
    happened.filter(({ at }) => later(at, longestSeconds) > now);
  const added = kept(history.added);
  const removed = kept(history.removed);
  return to > from
    ? { ...history, added: [...added, { at: now, count: to - from }], removed }
    : { ...history, added, removed: [...removed, { at: now, count: from - to }] };
}

interface Rates {
  readonly most: number;
  readonly fewest: number;
}

function rates(
  behavior: Spec["behavior"],
  current: number,
  { added, removed }: ScalingHistory,
  now: Instant,
): Rates {
  if (behavior === undefined) return { most: Math.max(2 * current, 4), fewest: 0 };
  const startOf = (seconds: number): number => {
    const sum = (happened: readonly Happened[]) =>
      happened.reduce((total, { at, count }) => (later(at, seconds) > now ? total + count : total), 0);
    return current - sum(added) + sum(removed);
  };
  const limits = ({ policies = [] }: ScalingRules, sign: 1 | -1): readonly number[] =>
    policies.map(({ type, value, periodSeconds }) => {
      const start = startOf(periodSeconds);
      if (type === "Pods") return start + sign * value;
      const share = start * (1 + (sign * value) / 100);
      return sign > 0 ? Math.ceil(share) : Math.floor(share);
    });
  const { scaleUp = {}, scaleDown = {} } = behavior;
  const ups = limits(scaleUp, 1);
  const downs = limits(scaleDown, -1);
  const most = scaleUp.selectPolicy === "Min" ? Math.min(...ups) : Math.max(...ups);
  const fewest = scaleDown.selectPolicy === "Min" ? Math.max(...downs) : Math.min(...downs);
  return {
    most: scaleUp.selectPolicy === "Disabled" ? current : Math.max(most, current),
    fewest: scaleDown.selectPolicy === "Disabled" ? current : Math.min(fewest, current),
  };
}

function withinRates({
  current,
  desired,
  bounds: { minReplicas, maxReplicas },
  rates: { most, fewest },
}: {
  readonly current: number;
  readonly desired: number;
  readonly bounds: { readonly minReplicas: number; readonly maxReplicas: number };
  readonly rates: Rates;
}): { readonly replicas: number; readonly reason: keyof typeof texts } {
  if (desired >= current && desired > Math.min(most, maxReplicas))
    return maxReplicas > most
      ? { replicas: most, reason: "ScaleUpLimit" }
      : { replicas: maxReplicas, reason: "TooManyReplicas" };
  if (desired <= current && desired < Math.max(fewest, minReplicas))
    return minReplicas < fewest
      ? { replicas: fewest, reason: "ScaleDownLimit" }
      : { replicas: minReplicas, reason: "TooFewReplicas" };
  return { replicas: desired, reason: "DesiredWithinRange" };
}
