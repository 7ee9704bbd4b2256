import type { EndpointSlice, Pod, Service } from "../api/core.ts";
import type { Resource } from "../api/resources.ts";

/** What a route carries: users' requests, or those of whoever tests the new version. */
export type Role = "active" | "preview";

/** One route of a Rollout: the Service that its clients address, and what it is for. */
export interface Route {
  readonly role: Role;
  readonly namespace: string;
  readonly service: string;
}

/** The objects in the cluster that routers look at. */
export interface Observed {
  service(namespace: string, name: string): Service | undefined;
  endpointSlices(namespace: string, service: string): readonly EndpointSlice[];
  pod(namespace: string, name: string): Pod | undefined;
}

/** One API call that moves traffic: a merge patch, valid only for the very version of the object that was looked at. */
export interface RouteWrite {
  readonly resource: Resource;
  readonly seen: {
    readonly namespace: string;
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
  };
  readonly patch: object;
}

/** Whether requests go where they should: all of them, not yet (why), or this router cannot say or do it (why). */
export type Routing =
  | { readonly is: "routed" }
  | { readonly is: "pending"; readonly on: string }
  | { readonly is: "unsupported"; readonly because: string };

/** Something about a route that no release waits for, but that its owner should know. */
export interface RouteNote {
  /** The kind, as the reason of a condition and an event. */
  readonly reason: "ForeignEndpoints" | "MissingAddressFamily" | "MissingPort";
  /** For people; stays the same as long as the facts do. */
  readonly message: string;
}

/**
 * One way to move traffic between ReplicaSets. Pure: objects in, answers and writes out. Targets are pod template hashes.
 * Nothing outside `src/traffic` knows how traffic is moved.
 */
export interface TrafficRouter {
  readonly kind: string;
  /** The kinds whose changes can change an answer below. */
  readonly reads: readonly Resource[];
  /** The hash that the route is set to; undefined when it is set to none, and so may reach any version. */
  target(route: Route, observed: Observed): string | undefined;
  /** Every hash that the route may still send requests to. What is in here must not be scaled down. */
  references(route: Route, observed: Observed): readonly string[];
  /** The calls that are needed to set the route to `hash` for the Rollout `owner`; none when it is set so. */
  writes(route: Route, hash: string, owner: string, observed: Observed): readonly RouteWrite[];
  /** Whether new requests really reach pods of `hash` and no others, and at least `wanted` different ones. */
  verify(route: Route, hash: string, wanted: number, observed: Observed): Routing;
  /** Why the route cannot be used at all, in words for the Rollout's owner; undefined when it can. */
  problem(route: Route, observed: Observed): string | undefined;
  /** What is not as the owner may think it is, whatever version the route is set to; never more than one of a reason. */
  notes(route: Route, observed: Observed): readonly RouteNote[];
}
