import type { Pod } from "../../../api/core.ts";
import { parseTime } from "../../../time/clock.ts";
import { isReady, readySince } from "../pods.ts";

/** Set by an application on its pods: those with a lower cost go first. */
const deletionCostAnnotation = "controller.kubernetes.io/pod-deletion-cost";

type Comparison = (a: Pod, b: Pod) => number;

// Kubernetes' order. Its rule between "cost" and "ready for" spreads over nodes, of which there is one here.
const comparisons: readonly Comparison[] = [
  smallestFirst((pod) => (pod.spec.nodeName === undefined ? 0 : 1)),
  smallestFirst(phaseRank),
  smallestFirst((pod) => (isReady(pod) ? 1 : 0)),
  smallestFirst((pod) => Number(pod.metadata.annotations?.[deletionCostAnnotation] ?? 0) || 0),
  smallestFirst((pod) => -(readySince(pod) ?? Number.POSITIVE_INFINITY)),
  smallestFirst((pod) => -restarts(pod)),
  smallestFirst((pod) => -(parseTime(pod.metadata.creationTimestamp ?? "") ?? Number.POSITIVE_INFINITY)),
  // Whatever is the same in all of this may go in any order, but always in the same one.
  (a, b) => a.metadata.name.localeCompare(b.metadata.name),
];

/** The pods in the order in which a ReplicaSet gives them up: the least useful first. */
export function inDeletionOrder(pods: readonly Pod[]): readonly Pod[] {
  return pods.toSorted((a, b) => {
    for (const compare of comparisons) {
      const order = compare(a, b);
      if (order !== 0) return order;
    }
    return 0;
  });
}

function smallestFirst(rank: (pod: Pod) => number): Comparison {
  return (a, b) => {
    const [left, right] = [rank(a), rank(b)];
    return left === right ? 0 : left < right ? -1 : 1;
  };
}

function phaseRank({ status }: Pod): number {
  if (status?.phase === "Running") return 2;
  return status?.phase === "Unknown" ? 1 : 0;
}

function restarts(pod: Pod): number {
  return Math.max(0, ...(pod.status?.containerStatuses ?? []).map((status) => status.restartCount));
}
