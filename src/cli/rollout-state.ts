import type { Rollout } from "../api/rollout.ts";
import { isObserved, phaseOf } from "../view/rollout-phase.ts";

/** Whether the newest version is another than the stable one. */
export function isUpdating({ status = {} }: Rollout): boolean {
  return status.currentPodHash !== status.stableRS;
}

/** Whether the controller has seen today's spec and found it carried out. */
export function hasNothingToDo(rollout: Rollout): boolean {
  return isObserved(rollout) && !isUpdating(rollout);
}

/** Phase and message, as `status` words them: `Paused - BlueGreenPause`. */
export function stateText(rollout: Rollout): string {
  const { phase, message } = phaseOf(rollout);
  return message === "" ? phase : `${phase} - ${message}`;
}

/** The way out for somebody who wants to move a Rollout that has nothing new. */
export function newVersionHint({ metadata: { name } }: Rollout): string {
  return `Give it a new version, for example with "teal set image ${name} CONTAINER=IMAGE"`;
}
