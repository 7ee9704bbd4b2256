import type { Rollout } from "../api/rollout.ts";
import { formatTime, type Instant } from "../time/clock.ts";
import { type Memory, noUpdate } from "./memory.ts";
import { findCondition } from "./status/conditions.ts";

/** Which way a pass goes. */
export type Direction =
  | { readonly is: "forward" }
  /** To the stable version. `because` is the controller's own reason; absent when somebody asked for it. */
  | { readonly is: "back"; readonly because?: string | undefined };

/** What the direction is decided from. */
export interface Standpoint {
  readonly rollout: Rollout;
  readonly memory: Memory;
  /** An update is under way: there is a version to go back to, and it is not the current one. */
  readonly isUnderWay: boolean;
  /** The template has changed since the status was written. */
  readonly isNewTemplate: boolean;
}

/**
 * Back when somebody asked for it, or when the update is late and the Rollout wants that to abort it. Without an update under
 * way there is nothing to abort, and an abort wins over a promotion.
 */
export function directionOf({ rollout, memory, isUnderWay, isNewTemplate }: Standpoint): Direction {
  if (!isUnderWay) return { is: "forward" };
  if (memory.abort) return { is: "back" };
  const progressing = findCondition(rollout.status?.conditions ?? [], "Progressing");
  const isLate =
    rollout.spec.progressDeadlineAbort === true &&
    progressing?.reason === "ProgressDeadlineExceeded" &&
    !isNewTemplate;
  return isLate ? { is: "back", because: progressing.message } : { is: "forward" };
}

/**
 * What is remembered after a pass that went this way. A step that failed, for the reason `failed`, turns the next pass back.
 */
export function remembered(
  memory: Memory,
  direction: Direction,
  failed: string | undefined,
  now: Instant,
): Memory {
  if (direction.is === "forward" && failed === undefined)
    return { ...memory, abort: false, abortedAt: undefined };
  return {
    ...memory,
    ...noUpdate,
    abort: true,
    abortedAt: memory.abortedAt ?? formatTime(now),
    abortMessage: failed ?? (direction.is === "back" ? direction.because : undefined),
  };
}
