import { resources } from "../../api/resources.ts";
import type { ObservedRoutes } from "../../traffic/observed-routes.ts";
import type { Provided } from "../action.ts";
import type { BareReplicaSet } from "../identified-replica-set.ts";
import { acting, done, type StepResult } from "../step.ts";

/** That the ReplicaSet has so many available pods, whatever the caches say. */
export function provided({ metadata }: BareReplicaSet, availablePods: number): Provided {
  return { resource: resources.replicaSets, name: metadata.name, uid: metadata.uid ?? "", availablePods };
}

/** The calls that send the routes' requests to the version `hash`. */
export function pointTo(routes: ObservedRoutes, hash: string, because: string, on?: Provided): StepResult {
  const { role } = routes;
  const [first, ...more] = routes.switchTo(hash).map(({ from, write: { resource, seen, patch } }) => ({
    do: "patch" as const,
    resource,
    seen,
    patch,
    what: `point the ${role} route (${resource.kind} ${seen.name}) to ${hash}`,
    because,
    effect: { on: "requests", role, from, to: hash } as const,
    ...(on === undefined ? {} : { provided: on }),
    event: {
      type: "Normal" as const,
      reason: "SwitchService",
      message: `Switched selector for service '${seen.name}' from '${from ?? ""}' to '${hash}'`,
    },
  }));
  return first === undefined ? done : acting(first, ...more);
}

/** Makes both versions known to the routes, so that a switch is one call for each. */
export function prepare(routes: ObservedRoutes | undefined, hashes: readonly string[]): StepResult {
  const [first, ...more] = (routes?.prepare(hashes) ?? []).map(({ write: { resource, seen, patch } }) => ({
    do: "patch" as const,
    resource,
    seen,
    patch,
    what: `prepare ${resource.kind} ${seen.name}`,
    because: "both versions must be known to it before a switch",
  }));
  return first === undefined ? done : acting(first, ...more);
}
