import { keyOf } from "../api/metadata.ts";
import type { Rollout } from "../api/rollout.ts";
import type { Snapshot } from "../rollout/plan-types.ts";
import { type Caches, servicesOf } from "./caches.ts";
import { orphansFor } from "./orphans.ts";
import { asksForAnalysis } from "./template-caches.ts";

/** Everything that the planner has to know about one Rollout, as it is in the caches now. */
export function gather(rollout: Rollout, caches: Caches): Snapshot {
  return {
    rollout,
    replicaSets: [
      ...caches.replicaSets.by("controller", rollout.metadata.uid ?? ""),
      ...orphansFor(rollout, caches),
    ],
    observed: caches.observed,
    rivals: rivalsOf(rollout, caches),
    ...(asksForAnalysis(rollout) ? { analysisTemplates: caches.templates } : {}),
    unknown: caches.unknownFor(rollout),
  };
}

function rivalsOf(rollout: Rollout, caches: Caches): ReadonlyMap<string, readonly string[]> {
  const rivals = new Map<string, readonly string[]>();
  for (const service of servicesOf(rollout)) {
    const names = caches.rollouts
      .by("service", keyOf(rollout, service))
      .map(({ metadata }) => metadata.name)
      .filter((name) => name !== rollout.metadata.name)
      .sort();
    if (names.length > 0) rivals.set(service, names);
  }
  return rivals;
}
