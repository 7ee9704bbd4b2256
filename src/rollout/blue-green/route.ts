import type { ObservedRoute } from "../situation.ts";
import { acting, done, type StepResult } from "../step.ts";

/** The calls that send the route's requests to `hash`. */
export function pointTo(route: ObservedRoute, hash: string, because: string): StepResult {
  const [first, ...more] = route.writes(hash).map((write) => ({
    do: "route" as const,
    role: route.role,
    from: route.target,
    to: hash,
    write,
    because,
    event: {
      type: "Normal" as const,
      reason: "SwitchService",
      message: `Switched selector for service '${write.name}' from '${route.target ?? ""}' to '${hash}'`,
    },
  }));
  return first === undefined ? done : acting(first, ...more);
}
