import type { BlueGreen } from "../../api/strategy.ts";
import { type FieldError, invalid } from "../../api/validation.ts";
import { routerOf } from "../../traffic/routers.ts";
import { validateAnalyses } from "../analysis-references.ts";
import { objectsOf, type Snapshot, tenantOf } from "../snapshot.ts";

/** What is wrong with the objects that a Rollout names. */
export function validateReferences(snapshot: Snapshot, strategy: BlueGreen): readonly FieldError[] {
  const objects = objectsOf(snapshot);
  const tenant = tenantOf(snapshot);
  return [
    ...strategy.routes.flatMap((route) =>
      routerOf(route)
        .problems(route, tenant, objects)
        .map((why) => invalid(route.field, route.name, why)),
    ),
    ...validateAnalyses(snapshot, strategy.analyses),
  ];
}

/** Whether all routes of users are this Rollout's by what is written on them. */
export function holdsActiveRoutes(snapshot: Snapshot, { routes }: BlueGreen): boolean {
  const objects = objectsOf(snapshot);
  const { owner } = tenantOf(snapshot);
  const active = routes.filter(({ role }) => role === "active");
  return active.length > 0 && active.every((route) => routerOf(route).isSetFor(route, owner, objects));
}
