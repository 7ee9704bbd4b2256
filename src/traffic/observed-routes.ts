import { earliest, type Instant } from "../time/clock.ts";
import type { Objects } from "./objects.ts";
import type { Owner, Reference, Role, Route, RouteNote, RouteWrite, Routing, Side } from "./router.ts";
import { routerOf } from "./routers.ts";

/** All routes of one role, with what the cluster shows of them: they are set together, and count as one. */
export interface ObservedRoutes {
  readonly role: Role;
  /** For people: `Service web`. */
  readonly name: string;
  /** All that they look at is known: it can be seen who gets requests. */
  readonly isSeen: boolean;
  /** The version that all are set to; undefined when one is set to none, or they differ. */
  readonly target: string | undefined;
  /** Every version that may still get requests through one of them. */
  readonly references: readonly string[];
  /** When a reference ends by itself. */
  readonly recheckAt: Instant | undefined;
  /** Whether requests reach at least `wanted` pods of this version and no others, whichever way they come. */
  verify(version: string, wanted: number): Routing;
  /** The calls that make these versions known to the routes; none when they are. */
  prepare(versions: readonly string[]): readonly RouteChange[];
  /** The calls that send requests to this version; none when they go there. */
  switchTo(version: string): readonly RouteChange[];
  readonly notes: readonly RouteNote[];
}

export interface RouteChange {
  /** The version that the route is set to before the call. */
  readonly from: string | undefined;
  readonly write: RouteWrite;
}

export interface Sight {
  readonly owner: Owner;
  /** The label by whose values versions are told apart. */
  readonly label: string;
  readonly objects: Objects;
  /** Why a kind (its plural) is not known; undefined when it is. */
  readonly unknownBecause: (plural: string) => string | undefined;
  /** Every version that there is: where it cannot be seen who gets requests, everybody may. */
  readonly versions: readonly string[];
  readonly now: Instant;
}

/** Undefined when there is no route of this role. */
export function observeRoutes(role: Role, all: readonly Route[], sight: Sight): ObservedRoutes | undefined {
  const routes = all.filter((route) => route.role === role).map((route) => observe(route, sight));
  if (routes.length === 0) return undefined;
  const targets = new Set(routes.map(({ target }) => target));
  const [target] = targets;
  const references = routes.flatMap((route) => route.references);
  return {
    role,
    name: routes.map(({ name }) => name).join(" and "),
    isSeen: routes.every(({ isSeen }) => isSeen),
    target: targets.size === 1 ? target : undefined,
    references: [...new Set(references.map(({ value }) => value))].sort(),
    recheckAt: earliest(...references.map(({ until }) => until)),
    verify: (version, wanted) =>
      routes.map((route) => route.verify(version, wanted)).find(({ is }) => is !== "routed") ?? {
        is: "routed",
      },
    prepare: (versions) => routes.flatMap((route) => route.prepare(versions)),
    switchTo: (version) => routes.flatMap((route) => route.switchTo(version)),
    notes: routes.flatMap(({ notes }) => notes),
  };
}

type ObservedRoute = Omit<ObservedRoutes, "role" | "references" | "recheckAt"> & {
  readonly references: readonly Reference[];
};

function observe(
  route: Route,
  { owner, label, objects, unknownBecause, versions, now }: Sight,
): ObservedRoute {
  const router = routerOf(route);
  const [because] = router.reads.flatMap(({ resource }) => unknownBecause(resource.plural) ?? []);
  const target = router.target(route, label, objects);
  const side = (value: string): Side => ({ label, value });
  const asChanges = (writes: readonly RouteWrite[]): readonly RouteChange[] =>
    writes.map((write) => ({ from: target, write }));
  return {
    name: router.nameOf(route),
    isSeen: because === undefined,
    target,
    references:
      because === undefined
        ? router.references(route, label, objects).filter(({ until }) => until === undefined || until > now)
        : versions.map((value) => ({ value })),
    verify: (version, wanted) =>
      because === undefined
        ? router.verify(route, side(version), wanted, objects)
        : { is: "pending", on: because },
    prepare: (both) => asChanges(router.prepare(route, both.map(side), owner, objects)),
    switchTo: (version) => asChanges(router.switchTo(route, side(version), owner, objects)),
    notes: router.notes(route, objects),
  };
}
