import { resources } from "../../api/resources.ts";
import type { Provided } from "../action.ts";
import type { BareReplicaSet } from "../identified-replica-set.ts";
import { acting, done, type StepResult } from "../step.ts";
import type { ObservedRoute } from "./situation.ts";

/** That the ReplicaSet has so many available pods, whatever the caches say. */
export function provided({ metadata }: BareReplicaSet, availablePods: number): Provided {
  return { resource: resources.replicaSets, name: metadata.name, uid: metadata.uid ?? "", availablePods };
}

/** The calls that send the route's requests to `hash`. */
export function pointTo(route: ObservedRoute, hash: string, because: string, on?: Provided): StepResult {
  const { role, target: from } = route;
  const [first, ...more] = route.writes(hash).map(({ resource, seen, patch }) => ({
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
