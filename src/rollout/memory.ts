import type { PauseCondition, RolloutStatus } from "../api/rollout.ts";

/**
 * The part of a Rollout's status that cannot be read off other objects: requests of people, and decisions that must
 * survive a restart. Everything else in the status is computed anew in every pass.
 */
export interface Memory {
  /** Hash of the last version that was brought out completely: where the way back leads. */
  readonly stableHash: string | undefined;
  readonly abort: boolean;
  readonly abortedAt: string | undefined;
  /** Why the controller itself has aborted; lives in the Progressing condition's message. */
  readonly abortMessage: string | undefined;
  readonly promoteFull: boolean;
  readonly pauseConditions: readonly PauseCondition[];
  readonly controllerPause: boolean;
  /** The pause before the switch is over; set where a smaller preview must first grow to full size. */
  readonly isPastCheckpoint: boolean;
}

/** What the status says; fields that it does not have are taken for nothing asked and nothing granted. */
export function memoryOf(status: RolloutStatus): Memory {
  return {
    stableHash: status.stableRS || undefined,
    abort: status.abort ?? false,
    abortedAt: status.abortedAt,
    abortMessage: undefined,
    promoteFull: status.promoteFull ?? false,
    pauseConditions: status.pauseConditions ?? [],
    // A pause of this reason is always the controller's own, also where the status has lost that.
    controllerPause:
      status.controllerPause ??
      (status.pauseConditions ?? []).some(({ reason }) => reason === "BlueGreenPause"),
    isPastCheckpoint: status.blueGreen?.scaleUpPreviewCheckPoint ?? false,
  };
}

/** What is remembered when the update is over, or another one begins: nothing of it. */
export const noUpdate = {
  abort: false,
  abortedAt: undefined,
  abortMessage: undefined,
  promoteFull: false,
  pauseConditions: [],
  controllerPause: false,
  isPastCheckpoint: false,
} as const satisfies Partial<Memory>;

/**
 * What is left of it when the template changes. An abort that has not been carried out yet was asked for by somebody who saw
 * the new template before the controller did.
 */
export function memoryOfNextTemplate(memory: Memory): Memory {
  return { ...memory, ...noUpdate, abort: memory.abort && memory.abortedAt === undefined };
}

/**
 * Whether the switch has been allowed: somebody promoted, the timer ran out, or a rule of the strategy allowed it. A
 * promotion is remembered until it is carried out: Argo's form of it is "the controller owns the pause, and there is none".
 */
export function isGranted(memory: Memory): boolean {
  return memory.isPastCheckpoint || (memory.controllerPause && memory.pauseConditions.length === 0);
}
