import type { Condition } from "../../api/core.ts";
import type { RolloutStatus } from "../../api/rollout.ts";
import { earliest, type Instant } from "../../time/clock.ts";
import type { PlannedEvent } from "../action.ts";
import type { Memory } from "../memory.ts";
import { availableOf, hashOf } from "../replica-set.ts";
import type { Situation } from "../situation.ts";
import type { Standing, Stop } from "../step.ts";
import type { Reading, Waits } from "../strategy.ts";
import { findCondition, withCondition, withoutCondition } from "./conditions.ts";
import { foreignFields, present } from "./fields.ts";
import { type Note, withNotes } from "./notes.ts";
import { lateAt, type Progress, progressOf } from "./progress.ts";
import { withWaiting } from "./waiting.ts";

export interface ComputedStatus {
  readonly status: RolloutStatus;
  readonly events: readonly PlannedEvent[];
  /** When the progress deadline passes, or a wait has lasted long. */
  readonly recheckAt: Instant | undefined;
  /** What is waited for; undefined when nothing is. */
  readonly standing: Standing | undefined;
}

/** What is computed in every pass. All other fields, such as those of a controller that was here before, stay as they are. */
const ownFields = [
  "abort",
  "abortedAt",
  "pauseConditions",
  "controllerPause",
  "promoteFull",
  "stableRS",
  "phase",
  "message",
] as const satisfies readonly (keyof RolloutStatus)[];
/**
 * The whole status but its phase, computed anew from what is there and what is to be remembered; `stop` is where the steps
 * have come to, `notes` what people should know.
 */
export function statusOf(
  situation: Situation,
  memory: Memory,
  reading: Reading,
  stop: Stop | undefined,
  waits: Waits,
  notes: readonly Note[],
): ComputedStatus {
  const computed = conditionsOf(situation, memory, reading);
  const waiting = withWaiting(computed.conditions, stop, situation.rollout, waits, situation.now);
  const { conditions, events } = withNotes(waiting.conditions, notes, situation.now);
  const status: RolloutStatus = {
    ...foreignFields(situation.rollout.status ?? {}, ownFields),
    ...reading.counts,
    ...reading.fields,
    ...present({ abortedAt: memory.abortedAt, stableRS: memory.stableHash }),
    ...(memory.abort ? { abort: true } : {}),
    ...(memory.promoteFull ? { promoteFull: true } : {}),
    ...(memory.controllerPause ? { controllerPause: true } : {}),
    ...(memory.pauseConditions.length > 0 ? { pauseConditions: memory.pauseConditions } : {}),
    currentPodHash: situation.currentHash,
    observedGeneration: String(situation.rollout.metadata.generation ?? 0),
    conditions,
  };
  const progressing = findCondition(conditions, "Progressing");
  return {
    status,
    events: [...computed.events, ...waiting.events, ...events],
    recheckAt: earliest(lateAt(situation.rollout.spec, progressing), waiting.recheckAt),
    standing: waiting.standing,
  };
}

/** What the conditions are computed from. */
interface Facts {
  readonly situation: Situation;
  readonly memory: Memory;
  readonly reading: Reading;
  /** The conditions that the status has now. */
  readonly before: readonly Condition[];
}

interface Found {
  /** What the condition says from now on; it is left as it is where this is absent, and taken away where it is "none". */
  readonly condition?: Omit<Progress, "isRefreshed"> | "none";
  /** Something has moved, though it says the same. */
  readonly isRefreshed?: boolean | undefined;
  readonly events?: readonly PlannedEvent[];
}

/** Every condition that is computed in each pass, in the order in which a new status has them. */
const conditionTypes: Readonly<Record<string, (facts: Facts) => Found>> = {
  Paused: pausedCondition,
  Healthy: healthyCondition,
  Progressing: progressingCondition,
  Available: availableCondition,
  ReplicaFailure: replicaFailureCondition,
  Completed: completedCondition,
};

function conditionsOf(
  situation: Situation,
  memory: Memory,
  reading: Reading,
): { readonly conditions: readonly Condition[]; readonly events: readonly PlannedEvent[] } {
  const before = withoutCondition(situation.rollout.status?.conditions ?? [], "InvalidSpec");
  const events: PlannedEvent[] = [];
  let conditions = before;
  for (const [type, look] of Object.entries(conditionTypes)) {
    const { condition, isRefreshed, events: news = [] } = look({ situation, memory, reading, before });
    events.push(...news);
    if (condition === "none") conditions = withoutCondition(conditions, type);
    else if (condition !== undefined)
      conditions = withCondition(conditions, { type, ...condition }, situation.now, isRefreshed);
  }
  return { conditions, events };
}

function pausedCondition({ situation, memory, before }: Facts): Found {
  const isPaused = isHeld(situation, memory);
  const wasPaused = findCondition(before, "Paused")?.status === "True";
  const events = pauseEvents(situation, memory);
  if (isPaused === wasPaused) return { events };
  const status = isPaused ? "True" : "False";
  return { condition: { status, reason: "RolloutPaused", message: "Rollout is paused" }, events };
}

function healthyCondition({ situation, memory, reading, before }: Facts): Found {
  const isHealthy = isWhole(memory, reading) && !isHeld(situation, memory);
  if (!isHealthy && findCondition(before, "Healthy") === undefined) return {};
  const status = isHealthy ? "True" : "False";
  const message = isHealthy ? "Rollout is healthy" : "Rollout is not healthy";
  return { condition: { status, reason: "RolloutHealthy", message } };
}

function progressingCondition({ situation, memory, reading, before }: Facts): Found {
  const known = findCondition(before, "Progressing");
  const whole = isWhole(memory, reading);
  // A pause takes nobody's availability away.
  const becameUnhealthy = findCondition(before, "Healthy")?.status === "True" && !whole;
  const progress = progressOf(
    situation,
    memory,
    reading,
    known,
    { isWhole: whole, becameUnhealthy },
    situation.now,
  );
  if (progress === undefined) return {};
  const { isRefreshed, ...condition } = progress;
  const isNews = condition.reason === "RolloutAborted" && known?.reason !== "RolloutAborted";
  const { message } = condition;
  return {
    condition,
    isRefreshed,
    events: isNews ? [{ type: "Warning", reason: "RolloutAborted", message }] : [],
  };
}

function availableCondition({ situation, reading, before }: Facts): Found {
  const isAvailable = hasMinimumAvailability(
    situation,
    reading,
    findCondition(before, "Available")?.status === "True",
  );
  const status = isAvailable ? "True" : "False";
  const message = `Rollout ${isAvailable ? "has" : "does not have"} minimum availability`;
  return { condition: { status, reason: "AvailableReason", message } };
}

/** A ReplicaSet that cannot make its pods (quota, admission) shows in the Rollout. */
function replicaFailureCondition({ situation }: Facts): Found {
  const failed = [...(situation.current === undefined ? [] : [situation.current]), ...situation.replicaSets]
    .flatMap((replicaSet) => replicaSet.status?.conditions ?? [])
    .find(({ type, status }) => type === "ReplicaFailure" && status === "True");
  if (failed === undefined) return { condition: "none" };
  const { reason = "", message = "" } = failed;
  return { condition: { status: "True", reason, message } };
}

function completedCondition({ situation, memory, before }: Facts): Found {
  const isCompleted = memory.stableHash === situation.currentHash;
  const wasCompleted = findCondition(before, "Completed")?.status === "True";
  const status = isCompleted ? "True" : "False";
  const condition = { status, reason: "RolloutCompleted", message: "RolloutCompleted" } as const;
  if (isCompleted || !wasCompleted) return { condition };
  const message = `Rollout not completed, started update to revision ${situation.revision} (${situation.currentHash})`;
  return { condition, events: [{ type: "Normal", reason: "RolloutNotCompleted", message }] };
}

function isHeld(situation: Situation, memory: Memory): boolean {
  return memory.pauseConditions.length > 0 || situation.rollout.spec.paused === true;
}

function isWhole(memory: Memory, reading: Reading): boolean {
  return !memory.abort && reading.isComplete;
}

/** Told of the controller's own pauses only, when it begins or ends one itself: what a person does is no news to them. */
function pauseEvents(situation: Situation, memory: Memory): readonly PlannedEvent[] {
  const before = situation.rollout.status?.pauseConditions ?? [];
  const [pause] = memory.pauseConditions;
  if (pause !== undefined && before.length === 0)
    return [{ type: "Normal", reason: "RolloutPaused", message: `Rollout is paused (${pause.reason})` }];
  if (pause === undefined && before.length > 0 && !memory.abort)
    return [{ type: "Normal", reason: "RolloutResumed", message: "Rollout is resumed" }];
  return [];
}

/** A live version that is only to grow has lost nothing: it is available as long as it has the pods that it had. */
function hasMinimumAvailability(
  situation: Situation,
  { liveHash, isSameVersion }: Reading,
  wasAvailable: boolean,
): boolean {
  const { availableReplicas = 0 } = situation.rollout.status ?? {};
  const live = situation.replicaSets.find((replicaSet) => hashOf(replicaSet) === liveHash);
  if (live === undefined) return false;
  const least =
    wasAvailable && isSameVersion ? Math.min(situation.replicas, availableReplicas) : situation.replicas;
  return availableOf(live) >= least;
}
