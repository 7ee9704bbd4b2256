import { selectorText } from "../../api/label-selector.ts";
import type { RolloutStatus } from "../../api/rollout.ts";
import type { BareReplicaSet } from "../identified-replica-set.ts";
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

/** The numbers as fields of the status; all else in it stays as it is. */
export function countFields(s: Situation): Partial<RolloutStatus> {
  const { activeSelector, previewSelector, ...numbers } = countsOf(s);
  const { activeSelector: _, previewSelector: __, ...others } = s.rollout.status?.blueGreen ?? {};
  const selectors = {
    ...(activeSelector === undefined ? {} : { activeSelector }),
    ...(previewSelector === undefined ? {} : { previewSelector }),
  };
  return { ...numbers, blueGreen: { ...others, ...selectors } };
}

/** What is live is in the status: the hash changes only when requests are known to go there, and rightly. */
function confirmedActiveHash(s: Situation): string | undefined {
  const { target } = s.active;
  const recorded = s.rollout.status?.blueGreen?.activeSelector || undefined;
  const isWanted = target !== undefined && target === wantedActiveHash(s);
  return isWanted && routing(s, s.active, target).is === "routed" ? target : recorded;
}

function sum(
  replicaSets: readonly BareReplicaSet[],
  field: "replicas" | "readyReplicas" | "availableReplicas",
): number {
  return replicaSets.reduce((total, { status }) => total + (status?.[field] ?? 0), 0);
}
