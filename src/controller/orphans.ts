import { selects } from "../api/label-selector.ts";
import { controllerOf } from "../api/metadata.ts";
import { podTemplateHashLabel } from "../api/names.ts";
import { resources } from "../api/resources.ts";
import type { Rollout } from "../api/rollout.ts";
import { routesOf, strategyOf } from "../api/strategy.ts";
import type { IdentifiedReplicaSet } from "../rollout/identified-replica-set.ts";
import { hashOf } from "../rollout/replica-set.ts";
import { courseOf } from "../rollout/strategies.ts";
import { routerOf } from "../traffic/routers.ts";
import type { Caches } from "./caches.ts";
import { ownerlessFor, selectingRollouts } from "./orphan-index.ts";

// ReplicaSets without a controller, as `kubectl delete --cascade=orphan` leaves them, and who is to adopt them.

/** The ownerless ReplicaSets that this Rollout, and no other, is to adopt. */
export function orphansFor(rollout: Rollout, caches: Caches): readonly IdentifiedReplicaSet[] {
  return ownerlessFor(rollout, (key) => caches.replicaSets.by("ownerless", key)).filter(
    (orphan) =>
      mayAdopt(rollout, orphan) && adoptersOf(orphan, caches)[0]?.metadata.uid === rollout.metadata.uid,
  );
}

/**
 * The Rollouts that select an ownerless ReplicaSet; the first of them is to adopt it: one that has a Service which leads
 * to the ReplicaSet, else the one whose name it bears, else the first by name.
 */
export function adoptersOf(orphan: IdentifiedReplicaSet, caches: Caches): readonly Rollout[] {
  if (!isAdoptable(orphan)) return [];
  return selectingRollouts(orphan, (key) => caches.rollouts.by("selector", key))
    .filter((rollout) => mayAdopt(rollout, orphan))
    .map((rollout) => ({ rollout, claim: claimOf(rollout, orphan, caches) }))
    .sort((a, b) => b.claim - a.claim || (a.rollout.metadata.name < b.rollout.metadata.name ? -1 : 1))
    .map(({ rollout }) => rollout);
}

function mayAdopt(rollout: Rollout, orphan: IdentifiedReplicaSet): boolean {
  const { metadata, spec } = rollout;
  const { matchLabels = {}, matchExpressions = [] } = spec.selector ?? {};
  const isEmpty = Object.keys(matchLabels).length === 0 && matchExpressions.length === 0;
  return (
    isAdoptable(orphan) &&
    metadata.deletionTimestamp === undefined &&
    courseOf(strategyOf(rollout)) !== undefined &&
    !isEmpty &&
    selects({ matchLabels, matchExpressions }, orphan.metadata.labels)
  );
}

/** One that tells its own pods from those of other versions. */
function isAdoptable(orphan: IdentifiedReplicaSet): boolean {
  const hash = hashOf(orphan);
  return (
    hash !== "" &&
    controllerOf(orphan) === undefined &&
    orphan.metadata.deletionTimestamp === undefined &&
    orphan.spec.selector.matchLabels?.[podTemplateHashLabel] === hash
  );
}

function claimOf(rollout: Rollout, orphan: IdentifiedReplicaSet, caches: Caches): number {
  const hash = hashOf(orphan);
  const { namespace = "", name } = rollout.metadata;
  const owner = { kind: resources.rollouts.kind, namespace, name };
  const leadsThere = routesOf(rollout).some((route) => {
    const router = routerOf(route);
    const target = router.target(route, podTemplateHashLabel, caches.objects);
    return target === hash && router.isSetFor(route, owner, caches.objects);
  });
  if (leadsThere) return 2;
  return orphan.metadata.name === `${name}-${hash}` ? 1 : 0;
}
