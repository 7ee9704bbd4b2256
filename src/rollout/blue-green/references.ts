import type { BlueGreen } from "../../api/strategy.ts";
import { type FieldError, invalid } from "../../api/validation.ts";
import { objectsIn } from "../../traffic/objects.ts";
import { routerOf } from "../../traffic/routers.ts";
import { type Snapshot, tenantOf } from "../snapshot.ts";
import { validateAnalyses } from "./analysis-references.ts";

/** What is wrong with the objects that a Rollout names. */
export function validateReferences(snapshot: Snapshot, strategy: BlueGreen): readonly FieldError[] {
  const objects = objectsIn(snapshot.objects);
  const tenant = tenantOf(snapshot);
  return [
    ...strategy.routes.flatMap((route) =>
      routerOf(route)
        .problems(route, tenant, objects)
        .map((why) => invalid(route.field, route.name, why)),
    ),
    ...validateAnalyses(snapshot, strategy),
  ];
}

/** Whether all routes of users are this Rollout's by what is written on them. */
export function holdsActiveRoutes(snapshot: Snapshot, { routes }: BlueGreen): boolean {
  const objects = objectsIn(snapshot.objects);
  const { owner } = tenantOf(snapshot);
  const active = routes.filter(({ role }) => role === "active");
  return active.length > 0 && active.every((route) => routerOf(route).isSetFor(route, owner, objects));
}
