import type { Condition } from "../../api/core.ts";
import type { Rollout } from "../../api/rollout.ts";
import { defaultProgressDeadlineSeconds } from "../../api/strategy.ts";
import { formatTime, type Instant, instant, later, parseTime } from "../../time/clock.ts";
import { humanDuration } from "../../time/human-duration.ts";
import type { PlannedEvent } from "../action.ts";
import type { Standing, Stop } from "../step.ts";
import type { Waits } from "../strategy.ts";
import { findCondition, withoutCondition } from "./conditions.ts";

const type = "Waiting";

/** Names of steps as conditions have them: `awaitPromotion` is `AwaitPromotion`. */
export function reasonOf(step: string): string {
  return step.charAt(0).toUpperCase() + step.slice(1);
}

/** What would end a wait at the step of this reason. */
export function endOf(waits: Waits, reason: string, rollout: string, isUpdate: boolean): string {
  // Anybody may write a reason into the status.
  const wait = Object.hasOwn(waits, reason) ? waits[reason] : undefined;
  return wait?.end(rollout, isUpdate) ?? "it goes on by itself";
}

/** How long a wait that nobody wants may last before people are told: half of the time in which there must be progress. */
function patienceSeconds({ spec }: Rollout): number {
  return Math.max(1, (spec.progressDeadlineSeconds ?? defaultProgressDeadlineSeconds) / 2);
}

export interface Waiting {
  readonly conditions: readonly Condition[];
  readonly events: readonly PlannedEvent[];
  /** When people are to be told that it lasts. */
  readonly recheckAt: Instant | undefined;
  readonly standing: Standing | undefined;
}

/**
 * Says in the condition `Waiting` what the Rollout waits for; there is none where nothing is waited for.
 * `lastTransitionTime` is when the wait began; `lastUpdateTime` is the same until people have been told that it lasts.
 */
export function withWaiting(
  conditions: readonly Condition[],
  stop: Stop | undefined,
  rollout: Rollout,
  waits: Waits,
  now: Instant,
): Waiting {
  const wait = stop?.wait;
  const others = withoutCondition(conditions, type);
  if (stop === undefined || wait === undefined)
    return { conditions: others, events: [], recheckAt: undefined, standing: undefined };
  const { on, detail, until } = wait;
  const { name } = rollout.metadata;
  const reason = reasonOf(stop.step);
  const message = until === undefined ? on : `${on}, until ${formatTime(wholeSecond(until))}`;
  const before = findCondition(conditions, type);
  const known = before?.reason === reason && before.message === message ? before : undefined;
  const at = formatTime(now);
  const begun: Condition = {
    type,
    status: "True",
    reason,
    message,
    lastTransitionTime: at,
    lastUpdateTime: at,
  };
  const condition = known ?? begun;
  const since = parseTime(condition.lastTransitionTime ?? "") ?? now;
  const { status } = rollout;
  const isUpdate = status?.stableRS !== undefined && status.stableRS !== status.currentPodHash;
  const end = endOf(waits, reason, name, isUpdate);
  const standing: Standing = { step: stop.step, on, detail, since, until, end };
  const isTold = condition.lastUpdateTime !== condition.lastTransitionTime;
  if (isTold || until !== undefined || waits[reason]?.isPause === true)
    return { conditions: put(conditions, condition), events: [], recheckAt: undefined, standing };
  const tellAt = later(since, patienceSeconds(rollout));
  if (now < tellAt)
    return { conditions: put(conditions, condition), events: [], recheckAt: tellAt, standing };
  const age = humanDuration((now - since) / 1000);
  const text = `Waiting for ${on} for ${age}${detail === undefined ? "" : ` (${detail})`}: ${end}`;
  return {
    conditions: put(conditions, { ...condition, lastUpdateTime: at }),
    events: [{ type: "Warning", reason: "RolloutWaiting", message: text }],
    recheckAt: undefined,
    standing,
  };
}

/** Never earlier than it is: a delay is not cut short. */
function wholeSecond(at: Instant): Instant {
  return instant(Math.ceil(at / 1000) * 1000);
}

/** In the place of the one of the same type, else at the end. */
function put(conditions: readonly Condition[], condition: Condition): readonly Condition[] {
  if (findCondition(conditions, condition.type) === undefined) return [...conditions, condition];
  return conditions.map((other) => (other.type === condition.type ? condition : other));
}
