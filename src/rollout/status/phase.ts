import type { Condition } from "../../api/core.ts";
import type { Rollout, RolloutPhase, RolloutStatus } from "../../api/rollout.ts";

/**
 * Phase and message in Argo's words, which CI scripts and Argo CD read. The first line that applies counts; `pending` is what
 * is missing until the update is complete.
 */
export function phaseOf(
  { spec }: Rollout,
  status: RolloutStatus,
  pending: string | undefined,
): { readonly phase: RolloutPhase; readonly message: string | undefined } {
  const failure = (status.conditions ?? []).find(isFailure);
  if (failure !== undefined) return { phase: "Degraded", message: `${failure.reason}: ${failure.message}` };
  if (spec.paused) return { phase: "Paused", message: "manually paused" };
  const pause = status.pauseConditions?.[0];
  if (pause !== undefined) return { phase: "Paused", message: pause.reason };
  return { phase: pending === undefined ? "Healthy" : "Progressing", message: pending };
}

function isFailure({ reason }: Condition): boolean {
  return reason === "RolloutAborted" || reason === "ProgressDeadlineExceeded";
}
