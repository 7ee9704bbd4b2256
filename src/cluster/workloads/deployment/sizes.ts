import type { ReplicaSet } from "../../../api/core.ts";
import {
  availableOf,
  boundsOf,
  type Deployment,
  isRolling,
  type Revisions,
  replicasOf,
  totalOf,
} from "./deployment.ts";
import { scaledFor } from "./revisions.ts";

export interface Sizing {
  readonly replicaSet: ReplicaSet;
  readonly size: number;
}

/** Whether the Deployment has another size than that for which its ReplicaSets were made as large as they are. */
export function isResized(deployment: Deployment, { current, old }: Revisions): boolean {
  const replicas = replicasOf(deployment);
  return [...(current === undefined ? [] : [current]), ...old].some((replicaSet) => {
    const { desired } = scaledFor(replicaSet);
    return replicasOf(replicaSet) > 0 && desired !== undefined && desired !== replicas;
  });
}

/** How large the ReplicaSet of the template is to become now, while it grows. */
export function currentSize(deployment: Deployment, { current, old }: Revisions): number {
  const replicas = replicasOf(deployment);
  const present = current === undefined ? 0 : replicasOf(current);
  if (present >= replicas || !isRolling(deployment)) return replicas;
  const room = boundsOf(deployment).most - present - totalOf(old);
  return present + Math.max(0, Math.min(room, replicas - present));
}

/**
 * How far the old ReplicaSets may shrink now: first by pods that serve nobody, oldest ReplicaSet first, then by as many as
 * are available beyond the least.
 */
export function shrunk(deployment: Deployment, { current, old }: Revisions): readonly Sizing[] {
  const all = current === undefined ? old : [...old, current];
  const { least } = boundsOf(deployment);
  const unavailable =
    current === undefined ? 0 : replicasOf(current) - (current.status?.availableReplicas ?? 0);
  // New pods that are not there yet may still fail: what they would replace stays.
  const spare = totalOf(all) - least - unavailable;
  let broken = Math.max(0, spare);
  let served = Math.max(0, availableOf(all) - least);
  return old.flatMap((replicaSet) => {
    const present = replicasOf(replicaSet);
    const available = replicaSet.status?.availableReplicas ?? 0;
    const dropped = Math.min(broken, Math.max(0, present - available));
    broken -= dropped;
    const given = spare > 0 ? Math.min(served, present - dropped) : 0;
    served -= given;
    const size = present - dropped - given;
    return size === present ? [] : [{ replicaSet, size }];
  });
}

/** Every old ReplicaSet with pods, at zero. */
export function emptied({ old }: Revisions): readonly Sizing[] {
  return old
    .filter((replicaSet) => replicasOf(replicaSet) > 0)
    .map((replicaSet) => ({ replicaSet, size: 0 }));
}

/** The sizes after the Deployment's own has changed, or while it is paused: each version keeps its share. */
export function resized(deployment: Deployment, revisions: Revisions): readonly Sizing[] {
  const { current, old } = revisions;
  const replicas = replicasOf(deployment);
  const all = current === undefined ? old : [...old, current];
  const active = all.filter((replicaSet) => replicasOf(replicaSet) > 0);
  const [only = current ?? old.at(-1)] = active;
  if (active.length <= 1) return only === undefined ? [] : [{ replicaSet: only, size: replicas }];
  if (current !== undefined && isSaturated(deployment, current)) return emptied(revisions);
  return isRolling(deployment) ? proportional(deployment, active, revisions) : [];
}

function isSaturated(deployment: Deployment, current: ReplicaSet): boolean {
  const replicas = replicasOf(deployment);
  return (
    replicasOf(current) === replicas &&
    scaledFor(current).desired === replicas &&
    (current.status?.availableReplicas ?? 0) === replicas
  );
}

/** What is to be added (or taken away) is shared out by size, the largest first; the rest of the rounding goes to the first. */
function proportional(
  deployment: Deployment,
  active: readonly ReplicaSet[],
  revisions: Revisions,
): readonly Sizing[] {
  const replicas = replicasOf(deployment);
  const { most } = boundsOf(deployment);
  const toAdd = (replicas === 0 ? 0 : most) - totalOf(active);
  const oldestFirst = [...revisions.old, ...(revisions.current === undefined ? [] : [revisions.current])];
  const byAge = oldestFirst.filter((replicaSet) => active.includes(replicaSet));
  // Of equal ones the newer grows first, and the older shrinks first.
  const sorted = (toAdd > 0 ? byAge.toReversed() : byAge).toSorted((a, b) => replicasOf(b) - replicasOf(a));
  const before = deployment.status?.replicas ?? 0;
  let left = toAdd;
  const sizes = sorted.map((replicaSet) => {
    const present = replicasOf(replicaSet);
    const share = Math.round((present * most) / (scaledFor(replicaSet).most || before || most)) - present;
    const added = toAdd > 0 ? Math.min(Math.max(share, 0), left) : Math.max(Math.min(share, 0), left);
    left -= added;
    return { replicaSet, size: present + added };
  });
  return sizes.map(({ replicaSet, size }, position) => ({
    replicaSet,
    size: Math.max(0, position === 0 ? size + left : size),
  }));
}
