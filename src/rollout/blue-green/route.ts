import type { BareReplicaSet } from "../identified-replica-set.ts";
import type { LiveTarget } from "../plan-types.ts";
import type { ObservedRoute } from "../situation.ts";
import { acting, done, type StepResult } from "../step.ts";

export function liveTarget({ metadata }: BareReplicaSet, available: number): LiveTarget {
  return { name: metadata.name, uid: metadata.uid ?? "", available };
}

/** The calls that send the route's requests to `hash`. */
export function pointTo(
  route: ObservedRoute,
  hash: string,
  because: string,
  provided?: LiveTarget,
): StepResult {
  const [first, ...more] = route.writes(hash).map((write) => ({
    do: "route" as const,
    role: route.role,
    from: route.target,
    to: hash,
    write,
    because,
    ...(provided === undefined ? {} : { provided }),
    event: {
      type: "Normal" as const,
      reason: "SwitchService",
      message: `Switched selector for service '${write.name}' from '${route.target ?? ""}' to '${hash}'`,
    },
  }));
  return first === undefined ? done : acting(first, ...more);
}
