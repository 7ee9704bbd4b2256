import { kindKeyOf } from "../api/resources.ts";
import type { Route } from "../api/strategy.ts";
import type { ReadKind } from "./read-kind.ts";
import type { SetKind, TrafficRouter } from "./router.ts";
import { serviceRouter } from "./service/service-router.ts";

/** Every way to move traffic. A new one is a folder beside this file and a line here; the conformance suite runs on all. */
export const routers: {
  readonly [Kind in Route["kind"]]: TrafficRouter<Extract<Route, { readonly kind: Kind }>>;
} = { service: serviceRouter };

const all: readonly TrafficRouter<never>[] = Object.values(routers);

/** Every kind that some router looks at, once. */
export const readKinds: readonly ReadKind[] = [
  ...new Map(all.flatMap(({ reads }) => reads).map((kind) => [kindKeyOf(kind.resource), kind])).values(),
];

/** Every kind that some router sets routes on, by `kindKeyOf`. */
export const setKinds: ReadonlyMap<string, SetKind> = new Map(
  all.flatMap(({ sets }) => sets).map((kind) => [kindKeyOf(kind.resource), kind]),
);

export const routeNoteReasons: readonly string[] = all.flatMap(({ noteReasons }) => noteReasons);

/** The router of the route's kind. */
export function routerOf(route: Route): TrafficRouter<Route> {
  return routers[route.kind];
}
