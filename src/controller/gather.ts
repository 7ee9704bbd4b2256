import { keyOf } from "../api/metadata.ts";
import type { Rollout } from "../api/rollout.ts";
import type { Snapshot } from "../rollout/plan-types.ts";
import { type Caches, servicesOf } from "./caches.ts";

/** Everything that the planner has to know about one Rollout, as it is in the caches now. */
export function gather(rollout: Rollout, caches: Caches): Snapshot {
  return {
    rollout,
    replicaSets: caches.replicaSets.by("controller", rollout.metadata.uid ?? ""),
    observed: caches.observed,
    rivals: rivalsOf(rollout, caches),
    unknown: caches.unknownFor(rollout),
  };
}

function rivalsOf(rollout: Rollout, caches: Caches): ReadonlyMap<string, string> {
  const rivals = new Map<string, string>();
  for (const service of servicesOf(rollout)) {
    const names = caches.rollouts
      .by("service", keyOf(rollout, service))
      .map(({ metadata }) => metadata.name)
      .filter((name) => name !== rollout.metadata.name)
      .sort();
    const [first] = names;
    if (first !== undefined) rivals.set(service, first);
  }
  return rivals;
}
