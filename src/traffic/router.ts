import type { KubernetesObject } from "../api/core.ts";
import type { Resource } from "../api/resources.ts";
import type { Role, Route } from "../api/strategy.ts";
import type { Instant } from "../time/clock.ts";
import type { Objects } from "./objects.ts";
import type { ReadKind } from "./read-kind.ts";

/** Which pods: those that have this value of this label. */
export interface Side {
  readonly label: string;
  readonly value: string;
}

/** On whose behalf a route is set. */
export interface Owner {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** A Rollout that names a route. */
export interface Claim {
  /** `keyOfRoute` of the route. */
  readonly route: string;
  readonly by: string;
  /** Its status says that it is live on the route. */
  readonly isLive: boolean;
}

/** Who wants to use a route, and for which pods. */
export interface Tenant {
  readonly owner: Owner;
  readonly podLabels: Readonly<Record<string, string>>;
  /** The label by whose values its versions are told apart. */
  readonly label: string;
  /** Of everybody in the namespace who names one of its routes and could use it. */
  readonly claims: readonly Claim[];
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
  /** `recheckAt`: when to look again, where no change of an object will tell. */
  | { readonly is: "pending"; readonly on: string; readonly recheckAt?: Instant }
  | { readonly is: "unsupported"; readonly because: string };

/** A version that a route may still send requests to. */
export interface Reference {
  readonly value: string;
  /** When that ends by itself, as what is cached elsewhere runs out; absent where the objects will show it. */
  readonly until?: Instant;
}

/** Something about a route that no release waits for, but that its owner should know. */
export interface RouteNote {
  /** Which of the router's `noteReasons`: type of a condition, and reason of an event. */
  readonly reason: string;
  /** For people; stays the same as long as the facts do. */
  readonly message: string;
}

/** A kind that routes are set on, and that is left behind in good order when the owner needs the object no longer. */
export interface SetKind {
  readonly resource: Resource;
  /** The name of the owner that such an object is set for. */
  ownerOf(object: KubernetesObject): string | undefined;
  /** The call that gives the object back to whoever made it. */
  release(object: KubernetesObject, label: string): RouteWrite;
}

/**
 * One way to move traffic between versions. Pure: objects in, answers and writes out. Nothing outside `src/traffic` knows how
 * traffic is moved. A version is a value of the label that the owner's versions are told apart by.
 */
export interface TrafficRouter<R extends Route> {
  /** The kinds whose changes can change an answer below. */
  readonly reads: readonly ReadKind[];
  /** Those of them that it sets routes on. */
  readonly sets: readonly SetKind[];
  readonly noteReasons: readonly string[];
  /** For people: `Service web`. */
  nameOf(route: R): string;
  /** `objectKeyOf` each object that the route names: a change of one, or of what tells about one, can change an answer below. */
  names(route: R): readonly string[];
  /** The objects that the answers below look at. */
  objects(route: R, objects: Objects): readonly KubernetesObject[];
  /** Why the route cannot be used by this tenant, in words for people; nothing when it can. */
  problems(route: R, tenant: Tenant, objects: Objects): readonly string[];
  /** Whether pods with these labels are what the route leads to. */
  accepts(route: R, podLabels: Readonly<Record<string, string>>, label: string, objects: Objects): boolean;
  /** Whether the route is this owner's by what is written on it. */
  isSetFor(route: R, owner: Owner, objects: Objects): boolean;
  /** The version that the route is set to; undefined when it is set to none, and so may reach any version. */
  target(route: R, label: string, objects: Objects): string | undefined;
  /** Every version that the route may still send requests to. What is in here must not be scaled down. */
  references(route: R, label: string, objects: Objects): readonly Reference[];
  /** The calls that make both sides known to the route, without sending a request anywhere else; none when they are. */
  prepare(route: R, sides: readonly Side[], owner: Owner, objects: Objects): readonly RouteWrite[];
  /** The calls that set the route to this side; none when it is set so. */
  switchTo(route: R, side: Side, owner: Owner, objects: Objects): readonly RouteWrite[];
  /** Whether new requests really reach pods of this side and no others, and at least `wanted` different ones. */
  verify(route: R, side: Side, wanted: number, objects: Objects): Routing;
  /** What is not as the owner may think it is, whatever version the route is set to; never more than one of a reason. */
  notes(route: R, objects: Objects): readonly RouteNote[];
}

export type { Role, Route };
