import type { Service } from "../api/core.ts";
import { keyOf } from "../api/metadata.ts";
import { podTemplateHashLabel } from "../api/names.ts";
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
    holders: holdersOf(rollout, caches),
    ...(asksForAnalysis(rollout) ? { analysisTemplates: caches.templates } : {}),
    unknown: caches.unknown(),
  };
}

function rivalsOf(rollout: Rollout, caches: Caches): ReadonlyMap<string, readonly string[]> {
  const rivals = new Map<string, readonly string[]>();
  for (const service of servicesOf(rollout)) {
    const names = caches.rollouts
      .by("service", keyOf(rollout, service))
      .filter((other) => canUse(other, caches.services.get(rollout.metadata.namespace ?? "", service)))
      .map(({ metadata }) => metadata.name)
      .filter((name) => name !== rollout.metadata.name)
      .sort();
    if (names.length > 0) rivals.set(service, names);
  }
  return rivals;
}

function holdersOf(rollout: Rollout, caches: Caches): ReadonlyMap<string, string> {
  const holders = new Map<string, string>();
  for (const service of servicesOf(rollout)) {
    const [first] = caches.rollouts
      .by("service", keyOf(rollout, service))
      .filter(({ spec, status }) => {
        const isLive = (status?.blueGreen?.activeSelector ?? "") !== "";
        return isLive && spec?.strategy?.blueGreen?.activeService === service;
      })
      .map(({ metadata }) => metadata.name)
      .sort();
    if (first !== undefined) holders.set(service, first);
  }
  return holders;
}

/** One whose pods the Service does not select, or that is going, must not keep it from those that it is for. */
function canUse({ metadata, spec }: Rollout, service: Service | undefined): boolean {
  const labels = spec?.template?.metadata?.labels ?? {};
  const { [podTemplateHashLabel]: _, ...selector } = service?.spec.selector ?? {};
  return (
    metadata.deletionTimestamp === undefined &&
    Object.entries(selector).every(([key, value]) => labels[key] === value)
  );
}
