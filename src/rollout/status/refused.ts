import type { Rollout, RolloutStatus } from "../../api/rollout.ts";
import type { Instant } from "../../time/clock.ts";
import type { PlannedEvent } from "../action.ts";
import { findCondition, withCondition, withoutCondition } from "./conditions.ts";

const reason = "ReplicaSetCreateError";

/**
 * What people are shown when the API server does not take the ReplicaSet of the new version, as with an invalid pod
 * template: without it they would see an update that goes on for ever.
 */
export function refusedStatus(
  rollout: Rollout,
  planned: RolloutStatus,
  replicaSet: string,
  why: string,
  now: Instant,
): { readonly status: RolloutStatus; readonly event: PlannedEvent } {
  const message = `Failed to create new replica set "${replicaSet}": ${why}`;
  const before = findCondition(rollout.status?.conditions ?? [], "Progressing");
  const others = withoutCondition(planned.conditions ?? [], "Progressing");
  const known = before === undefined || before.message !== message ? [] : [before];
  const [progressing] = withCondition(known, { type: "Progressing", status: "False", reason, message }, now);
  return {
    status: {
      ...planned,
      conditions: progressing === undefined ? others : [...others, progressing],
      phase: "Degraded",
      message: `${reason}: ${message}`,
    },
    event: { type: "Warning", reason, message },
  };
}
