import type { Condition } from "../../api/core.ts";
import type { RolloutStatus } from "../../api/rollout.ts";
import { earliest, type Instant } from "../../time/clock.ts";
import type { PlannedEvent } from "../action.ts";
import type { Memory } from "../memory.ts";
import { availableOf, hashOf } from "../replica-set.ts";
import type { Situation } from "../situation.ts";
import type { Standing, Stop } from "../step.ts";
import { find, set, without } from "./conditions.ts";
import { type Counts, countsOf } from "./counts.ts";
import { type Note, withNotes } from "./notes.ts";
import { phaseOf } from "./phase.ts";
import { lateAt, progressOf } from "./progress.ts";
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
const ownBlueGreenFields = ["activeSelector", "previewSelector", "scaleUpPreviewCheckPoint"] as const;

function foreign<T extends object, Key extends keyof T>(fields: T, own: readonly Key[]): Omit<T, Key> {
  const rest = { ...fields };
  for (const key of own) delete rest[key];
  return rest;
}

/**
 * The whole status, computed anew from what is there and what is to be remembered; `stop` is where the steps have come to,
 * `notes` what people should know.
 */
export function statusOf(
  s: Situation,
  memory: Memory,
  stop: Stop | undefined,
  notes: readonly Note[],
): ComputedStatus {
  const counts = countsOf(s);
  const computed = conditionsOf(s, memory, counts);
  const waiting = withWaiting(computed.conditions, stop, s.rollout, s.now);
  const { conditions, events } = withNotes(waiting.conditions, notes, s.now);
  const { activeSelector, previewSelector, ...numbers } = counts;
  const status: RolloutStatus = {
    ...foreign(s.rollout.status ?? {}, ownFields),
    ...numbers,
    ...present({ abortedAt: memory.abortedAt, stableRS: memory.stableHash }),
    ...(memory.abort ? { abort: true } : {}),
    ...(memory.promoteFull ? { promoteFull: true } : {}),
    ...(memory.controllerPause ? { controllerPause: true } : {}),
    ...(memory.pauseConditions.length > 0 ? { pauseConditions: memory.pauseConditions } : {}),
    blueGreen: {
      ...foreign(s.rollout.status?.blueGreen ?? {}, ownBlueGreenFields),
      ...present({
        activeSelector,
        previewSelector,
        scaleUpPreviewCheckPoint: memory.isPastCheckpoint || undefined,
      }),
    },
    currentPodHash: s.currentHash,
    observedGeneration: String(s.rollout.metadata.generation ?? 0),
    conditions,
  };
  const progressing = find(conditions, "Progressing");
  return {
    status: { ...status, ...present(phaseOf(s, status)) },
    events: [...computed.events, ...waiting.events, ...events],
    recheckAt: earliest(lateAt(s.rollout.spec, progressing), waiting.recheckAt),
    standing: waiting.standing,
  };
}

function conditionsOf(
  s: Situation,
  memory: Memory,
  counts: Counts,
): { readonly conditions: readonly Condition[]; readonly events: readonly PlannedEvent[] } {
  const { now } = s;
  const before = without(s.rollout.status?.conditions ?? [], "InvalidSpec");
  const events: PlannedEvent[] = [];
  let conditions = before;

  const isPaused = memory.pauseConditions.length > 0 || s.rollout.spec.paused === true;
  const wasPaused = find(before, "Paused")?.status === "True";
  if (isPaused !== wasPaused) {
    conditions = set(
      conditions,
      {
        type: "Paused",
        status: isPaused ? "True" : "False",
        reason: "RolloutPaused",
        message: "Rollout is paused",
      },
      now,
    );
  }
  events.push(...pauseEvents(s, memory));

  const wasHealthy = find(before, "Healthy")?.status;
  const isWhole = !memory.abort && isComplete(s, counts);
  const isHealthy = isWhole && !isPaused;
  if (isHealthy || wasHealthy !== undefined) {
    conditions = set(
      conditions,
      {
        type: "Healthy",
        status: isHealthy ? "True" : "False",
        reason: "RolloutHealthy",
        message: isHealthy ? "Rollout is healthy" : "Rollout is not healthy",
      },
      now,
    );
  }

  const progressing = find(before, "Progressing");
  // A pause takes nobody's availability away.
  const becameUnhealthy = wasHealthy === "True" && !isWhole;
  const progress = progressOf(s, memory, counts, progressing, { isWhole, becameUnhealthy }, now);
  if (progress !== undefined) {
    const { isRefreshed, ...next } = progress;
    conditions = set(conditions, { type: "Progressing", ...next }, now, isRefreshed);
    if (next.reason === "RolloutAborted" && progressing?.reason !== "RolloutAborted") {
      events.push({ type: "Warning", reason: "RolloutAborted", message: next.message });
    }
  }

  const isLiveAvailable = hasMinimumAvailability(s, counts, find(before, "Available")?.status === "True");
  conditions = set(
    conditions,
    {
      type: "Available",
      status: isLiveAvailable ? "True" : "False",
      reason: "AvailableReason",
      message: isLiveAvailable
        ? "Rollout has minimum availability"
        : "Rollout does not have minimum availability",
    },
    now,
  );

  conditions = withReplicaFailure(s, conditions);

  const isCompleted = memory.stableHash === s.currentHash;
  const wasCompleted = find(before, "Completed")?.status;
  conditions = set(
    conditions,
    {
      type: "Completed",
      status: isCompleted ? "True" : "False",
      reason: "RolloutCompleted",
      message: "RolloutCompleted",
    },
    now,
  );
  if (!isCompleted && wasCompleted === "True") {
    const message = `Rollout not completed, started update to revision ${s.revision} (${s.currentHash})`;
    events.push({ type: "Normal", reason: "RolloutNotCompleted", message });
  }
  return { conditions, events };
}

/** Told of the controller's own pauses only, when it begins or ends one itself: what a person does is no news to them. */
function pauseEvents(s: Situation, memory: Memory): readonly PlannedEvent[] {
  const before = s.rollout.status?.pauseConditions ?? [];
  const [pause] = memory.pauseConditions;
  if (pause !== undefined && before.length === 0)
    return [{ type: "Normal", reason: "RolloutPaused", message: `Rollout is paused (${pause.reason})` }];
  if (pause === undefined && before.length > 0 && !memory.abort)
    return [{ type: "Normal", reason: "RolloutResumed", message: "Rollout is resumed" }];
  return [];
}

/** A live version that is only to grow has lost nothing: it is available as long as it has the pods that it had. */
function hasMinimumAvailability(s: Situation, counts: Counts, wasAvailable: boolean): boolean {
  const { availableReplicas = 0, blueGreen } = s.rollout.status ?? {};
  const live = s.replicaSets.find((replicaSet) => hashOf(replicaSet) === counts.activeSelector);
  if (live === undefined) return false;
  const isSameVersion = blueGreen?.activeSelector === counts.activeSelector;
  const least = wasAvailable && isSameVersion ? Math.min(s.replicas, availableReplicas) : s.replicas;
  return availableOf(live) >= least;
}

/** Everybody is on the current version, and all of it is there. */
function isComplete(s: Situation, counts: Counts): boolean {
  return (
    counts.updatedReplicas === s.replicas &&
    counts.availableReplicas === s.replicas &&
    counts.activeSelector === s.currentHash &&
    (s.preview === undefined || counts.previewSelector === s.currentHash)
  );
}

/** A ReplicaSet that cannot make its pods (quota, admission) shows in the Rollout. */
function withReplicaFailure(s: Situation, conditions: readonly Condition[]): readonly Condition[] {
  const failed = [...(s.current === undefined ? [] : [s.current]), ...s.replicaSets]
    .flatMap((replicaSet) => replicaSet.status?.conditions ?? [])
    .find(({ type, status }) => type === "ReplicaFailure" && status === "True");
  if (failed === undefined) return without(conditions, "ReplicaFailure");
  const { reason = "", message = "" } = failed;
  return set(conditions, { type: "ReplicaFailure", status: "True", reason, message }, s.now);
}

type Present<T> = { [Key in keyof T]?: Exclude<T[Key], undefined> };

/** The fields that have a value. */
export function present<T extends object>(fields: T): Present<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Present<T>;
}
