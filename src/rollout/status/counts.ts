import type { LabelSelector, ReplicaSet } from "../../api/core.ts";
import type { RolloutStatus } from "../../api/rollout.ts";
import { hashOf } from "../replica-set.ts";
import { routing, type Situation, wantedActiveHash } from "../situation.ts";

export type Counts = Required<
  Pick<
    RolloutStatus,
    "replicas" | "updatedReplicas" | "readyReplicas" | "availableReplicas" | "HPAReplicas" | "selector"
  >
> & { readonly activeSelector: string | undefined; readonly previewSelector: string | undefined };

/** Numbers of pods, and where the routes lead. Users' numbers are those of the live version. */
export function countsOf(s: Situation): Counts {
  const activeSelector = confirmedActiveHash(s);
  const live = s.replicaSets.filter((replicaSet) => hashOf(replicaSet) === activeSelector);
  const counted = live.length > 0 ? live : s.replicaSets;
  return {
    replicas: sum(s.replicaSets, "replicas"),
    updatedReplicas: s.current === undefined ? 0 : sum([s.current], "replicas"),
    readyReplicas: sum(counted, "readyReplicas"),
    availableReplicas: sum(counted, "availableReplicas"),
    HPAReplicas: sum(counted, "replicas"),
    selector: selectorText(live[0]?.spec.selector ?? s.rollout.spec.selector ?? {}),
    activeSelector,
    previewSelector: s.preview?.target,
  };
}

/** What is live is in the status: the hash changes only when requests are known to go there, and rightly. */
function confirmedActiveHash(s: Situation): string | undefined {
  const { target } = s.active;
  const recorded = s.rollout.status?.blueGreen?.activeSelector || undefined;
  const isWanted = target !== undefined && target === wantedActiveHash(s);
  return isWanted && routing(s, s.active, target).is === "routed" ? target : recorded;
}

function sum(
  replicaSets: readonly ReplicaSet[],
  field: "replicas" | "readyReplicas" | "availableReplicas",
): number {
  return replicaSets.reduce((total, { status }) => total + (status?.[field] ?? 0), 0);
}

/** The text form of a selector, as in `kubectl get -l`. */
function selectorText(selector: LabelSelector): string {
  const equal = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  const sets = (selector.matchExpressions ?? []).map(({ key, operator, values = [] }) => {
    switch (operator) {
      case "In":
        return `${key} in (${values.toSorted().join(",")})`;
      case "NotIn":
        return `${key} notin (${values.toSorted().join(",")})`;
      case "Exists":
        return key;
      case "DoesNotExist":
        return `!${key}`;
    }
  });
  return [...equal, ...sets].toSorted().join(",");
}
