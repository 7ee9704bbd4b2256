import type { Condition } from "../../api/core.ts";
import type { RolloutPhase, RolloutStatus } from "../../api/rollout.ts";
import type { Situation } from "../situation.ts";

/** Phase and message in Argo's words, which CI scripts and Argo CD read. The first line that applies counts. */
export function phaseOf(
  s: Situation,
  status: RolloutStatus,
): { readonly phase: RolloutPhase; readonly message: string | undefined } {
  const failure = (status.conditions ?? []).find(isFailure);
  if (failure !== undefined) return { phase: "Degraded", message: `${failure.reason}: ${failure.message}` };
  if (s.rollout.spec.paused) return { phase: "Paused", message: "manually paused" };
  const pause = status.pauseConditions?.[0];
  if (pause !== undefined) return { phase: "Paused", message: pause.reason };
  const message = progressMessage(s, status);
  return { phase: message === undefined ? "Healthy" : "Progressing", message };
}

function isFailure({ reason }: Condition): boolean {
  return reason === "RolloutAborted" || reason === "ProgressDeadlineExceeded";
}

function progressMessage(s: Situation, status: RolloutStatus): string | undefined {
  const { updatedReplicas = 0, availableReplicas = 0 } = status;
  if (updatedReplicas < s.replicas) return "more replicas need to be updated";
  if (availableReplicas < updatedReplicas) return "updated replicas are still becoming available";
  if (status.blueGreen?.activeSelector !== s.currentHash) return "active service cutover pending";
  if (status.stableRS !== s.currentHash) return "waiting for post-promotion verification to complete";
  return undefined;
}
