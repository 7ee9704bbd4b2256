import type { Rollout } from "../api/rollout.ts";
import { strategyOf } from "../api/strategy.ts";
import { describe, validateRollout } from "../api/validation.ts";
import type { Instant } from "../time/clock.ts";
import type { PlannedEvent } from "./action.ts";
import { adoptOrphans } from "./adopt.ts";
import type { Plan } from "./pass.ts";
import type { Snapshot } from "./snapshot.ts";
import { invalidStatus } from "./status/invalid.ts";
import { courseOf } from "./strategies.ts";

/**
 * What to do about one Rollout now: the calls to make, the status that it should show, and when to look again. Pure: it
 * knows neither clock nor cluster, and planning what it has planned and carried out yields no action.
 */
export function plan(snapshot: Snapshot, now: Instant): Plan {
  const { rollout } = snapshot;
  const { status = {} } = rollout;
  const nothing = { actions: [], refused: [], events: [] };
  if (rollout.metadata.deletionTimestamp !== undefined) return { ...nothing, status };
  const course = courseOf(strategyOf(rollout));
  const errors = validateRollout(rollout);
  const problems = errors.length > 0 ? errors : (course?.validate(snapshot) ?? []);
  if (problems.length > 0 || course === undefined) {
    const invalid = invalidStatus(rollout, problems.map(describe), now);
    const { message = "" } = invalid;
    // Not for objects that are missing: a file whose Services come after its Rollout is in order.
    const isNews = errors.length > 0 && message !== status.message;
    const warning: PlannedEvent = { type: "Warning", reason: "InvalidSpec", message };
    const events = [...greeting(rollout), ...(isNews ? [warning] : [])];
    return course?.brake(snapshot, now, invalid, events) ?? { ...nothing, events, status: invalid };
  }
  // Its own pass, so that this event comes before all others. A status that has lost the field is not a new one: it must
  // not say that the template was looked at.
  if (status.observedGeneration === undefined && status.currentPodHash === undefined) {
    const observedGeneration = String(rollout.metadata.generation ?? 0);
    return { ...nothing, events: greeting(rollout), status: { ...status, observedGeneration } };
  }
  const adoptions = adoptOrphans(snapshot);
  if (adoptions.length > 0) return { ...nothing, actions: adoptions, status };
  return course.go(snapshot, now);
}

function greeting(rollout: Rollout): readonly PlannedEvent[] {
  if (rollout.status?.observedGeneration !== undefined) return [];
  const { name, namespace } = rollout.metadata;
  const message = `Rollout resource added to informer: ${namespace}/${name}`;
  return [{ type: "Normal", reason: "RolloutAddedToInformer", message }];
}
