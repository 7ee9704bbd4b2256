import type { Route } from "../api/strategy.ts";
import type { TrafficRouter } from "./router.ts";
import { serviceRouter } from "./service/service-router.ts";

/** Every way to move traffic. A new one is a folder beside this file and a line here; the conformance suite runs on all. */
export const routers: {
  readonly [Kind in Route["kind"]]: TrafficRouter<Extract<Route, { readonly kind: Kind }>>;
} = { service: serviceRouter };

/** The router of the route's kind. */
export function routerOf(route: Route): TrafficRouter<Route> {
  return routers[route.kind];
}
