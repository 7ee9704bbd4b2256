import { podTemplateHashLabel } from "../api/names.ts";
import type { Rollout } from "../api/rollout.ts";
import { keyOfRoute, type Route, routesOf, strategyOf } from "../api/strategy.ts";
import type { Snapshot } from "../rollout/snapshot.ts";
import { courseOf } from "../rollout/strategies.ts";
import type { Claim } from "../traffic/router.ts";
import { routerOf } from "../traffic/routers.ts";
import { templatesOf } from "./analysis-templates.ts";
import type { Caches } from "./caches.ts";
import { orphansFor } from "./orphans.ts";

/** Everything that the planner has to know about one Rollout, as it is in the caches now. */
export function gather(rollout: Rollout, caches: Caches): Snapshot {
  const routes = routesOf(rollout);
  return {
    rollout,
    replicaSets: [
      ...caches.replicaSets.by("controller", rollout.metadata.uid ?? ""),
      ...orphansFor(rollout, caches),
    ],
    objects: [
      ...new Set(routes.flatMap((route) => routerOf(route).objects(route, caches.objects))),
      ...templatesOf(rollout, caches.objects),
    ],
    claims: routes.flatMap((route) => claimsOn(route, rollout, caches)),
    unknown: caches.unknownFor(rollout),
  };
}

function claimsOn(route: Route, self: Rollout, caches: Caches): readonly Claim[] {
  const key = keyOfRoute(route);
  const accepts = ({ metadata, spec }: Rollout): boolean =>
    metadata.deletionTimestamp === undefined &&
    routerOf(route).accepts(
      route,
      spec.template?.metadata?.labels ?? {},
      podTemplateHashLabel,
      caches.objects,
    );
  // One whose pods the route does not lead to, or that is going, must not keep it from those that it is for.
  const [first = ""] = routerOf(route).names(route);
  return caches.rollouts
    .by("names", first)
    .filter((other) => routesOf(other).some((its) => keyOfRoute(its) === key))
    .filter((other) => other.metadata.uid === self.metadata.uid || accepts(other))
    .map((other) => ({ route: key, by: other.metadata.name, isLive: isLiveOn(route, other) }));
}

function isLiveOn(route: Route, rollout: Rollout): boolean {
  const isActive = routesOf(rollout).some(
    (its) => its.role === "active" && keyOfRoute(its) === keyOfRoute(route),
  );
  return isActive && courseOf(strategyOf(rollout))?.liveIn(rollout.status ?? {}) !== undefined;
}
