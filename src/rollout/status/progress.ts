import type { Condition } from "../../api/core.ts";
import type { RolloutSpec } from "../../api/rollout.ts";
import { defaultProgressDeadlineSeconds } from "../../api/strategy.ts";
import { type Instant, later, parseTime } from "../../time/clock.ts";
import type { Memory } from "../memory.ts";
import type { Situation } from "../situation.ts";
import type { Reading } from "../strategy.ts";
import type { ConditionStatus } from "./conditions.ts";

export interface Progress {
  readonly status: ConditionStatus;
  readonly reason: string;
  readonly message: string;
  /** Something has moved in this pass: the deadline counts anew. */
  readonly isRefreshed?: boolean;
}

/** What the Progressing condition is to say; undefined: what it says already. The first that applies counts. */
export function progressOf(
  situation: Situation,
  memory: Memory,
  reading: Reading,
  before: Condition | undefined,
  health: { readonly isWhole: boolean; readonly becameUnhealthy: boolean },
  now: Instant,
): Progress | undefined {
  const name =
    situation.current?.metadata.name ?? `${situation.rollout.metadata.name}-${situation.currentHash}`;
  const isCompleted = memory.stableHash === situation.currentHash;
  const isPaused = memory.pauseConditions.length > 0 || situation.rollout.spec.paused === true;
  if (memory.abort) {
    const why = memory.abortMessage === undefined ? "" : `: ${memory.abortMessage}`;
    return {
      status: "False",
      reason: "RolloutAborted",
      message: `Rollout aborted update to revision ${situation.revision}${why}`,
    };
  }
  if ((situation.isNewTemplate || situation.current === undefined) && !isCompleted) {
    return situation.current === undefined
      ? { status: "True", reason: "NewReplicaSetCreated", message: `Created new replica set "${name}"` }
      : { status: "True", reason: "FoundNewReplicaSet", message: `Found new replica set "${name}"` };
  }
  if (isPaused && !isCompleted) {
    return { status: "Unknown", reason: "RolloutPaused", message: "Rollout is paused" };
  }
  if (before?.reason === "RolloutAborted") {
    return { status: "Unknown", reason: "RolloutRetry", message: "Retrying Rollout after abort" };
  }
  if (before?.reason === "RolloutPaused" && !isCompleted) {
    return { status: "Unknown", reason: "RolloutResumed", message: "Rollout is resumed" };
  }
  if (health.isWhole) {
    return {
      status: "True",
      reason: "NewReplicaSetAvailable",
      message: `ReplicaSet "${name}" has successfully progressed.`,
    };
  }
  if (health.becameUnhealthy && isCompleted) {
    const message = "Rollout does not have minimum availability";
    return { status: "True", reason: "ReplicaSetNotAvailable", message, isRefreshed: true };
  }
  if (hasMoved(situation, reading)) {
    const message = `ReplicaSet "${name}" is progressing.`;
    return { status: "True", reason: "ReplicaSetUpdated", message, isRefreshed: true };
  }
  const deadline = lateAt(situation.rollout.spec, before);
  if (before?.reason === "ProgressDeadlineExceeded" || (deadline !== undefined && deadline < now)) {
    return {
      status: "False",
      reason: "ProgressDeadlineExceeded",
      message: `ReplicaSet "${name}" has timed out progressing.`,
    };
  }
  return undefined;
}

function hasMoved(situation: Situation, { counts: now, hasMoved: hasRouteMoved }: Reading): boolean {
  const before = situation.rollout.status ?? {};
  const oldReplicas = (before.replicas ?? 0) - (before.updatedReplicas ?? 0);
  return (
    now.updatedReplicas !== (before.updatedReplicas ?? 0) ||
    now.replicas - now.updatedReplicas < oldReplicas ||
    now.readyReplicas > (before.readyReplicas ?? 0) ||
    now.availableReplicas > (before.availableReplicas ?? 0) ||
    hasRouteMoved
  );
}

const notCounting: readonly (string | undefined)[] = [
  "RolloutAborted",
  "RolloutPaused",
  "NewReplicaSetAvailable",
  "ProgressDeadlineExceeded",
];

/** When an update counts as late that makes no progress from now on; undefined while nothing has to move. */
export function lateAt(spec: RolloutSpec, progressing: Condition | undefined): Instant | undefined {
  const from = parseTime(progressing?.lastUpdateTime ?? "");
  if (from === undefined || notCounting.includes(progressing?.reason)) return undefined;
  return later(from, spec.progressDeadlineSeconds ?? defaultProgressDeadlineSeconds);
}
