import type { Rollout, RolloutPhase } from "../api/rollout.ts";
import { type Icon, icons } from "./icons.ts";

export interface PhaseView {
  readonly phase: RolloutPhase;
  readonly icon: Icon;
  /** Why it is in this phase; empty when there is nothing to say. */
  readonly message: string;
}

const phaseIcons: Readonly<Record<RolloutPhase, Icon>> = {
  Healthy: icons.healthy,
  Degraded: icons.bad,
  Progressing: icons.progressing,
  Paused: icons.paused,
};

/**
 * Where a Rollout stands. The status speaks of the spec that the controller last saw, so it counts only when that is
 * today's spec and nothing has been asked for since.
 */
export function phaseOf(rollout: Rollout): PhaseView {
  const status = rollout.status ?? {};
  if (!isObserved(rollout)) return progressing("waiting for rollout spec update to be observed");
  if (isUnpausing(rollout) && !isInvalid(rollout)) return progressing("waiting for rollout to unpause");
  const phase = status.phase ?? "Progressing";
  return { phase, icon: phaseIcons[phase], message: status.message ?? "" };
}

function progressing(message: string): PhaseView {
  return { phase: "Progressing", icon: icons.progressing, message };
}

/** Whether it cannot be carried out as it is written: nothing leads forward until it is mended. */
export function isInvalid({ status }: Rollout): boolean {
  return (status?.conditions ?? []).some((it) => it.type === "InvalidSpec" && it.status === "True");
}

/** Whether the status speaks of today's spec. */
export function isObserved({ metadata, status }: Rollout): boolean {
  if (status?.observedGeneration === undefined) return status?.phase !== undefined;
  return Number(status.observedGeneration) >= (metadata.generation ?? 0);
}

// Whoever promotes takes the pause conditions away; the controller's own mark goes when it has noticed.
function isUnpausing({ status }: Rollout): boolean {
  return status?.controllerPause === true && (status.pauseConditions ?? []).length === 0;
}
