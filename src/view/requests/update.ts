import type { Rollout } from "../../api/rollout.ts";
import {
  type Answer,
  allowed,
  hasNothingToDo,
  newVersionHint,
  refused,
  refusedAsDeleted,
  stateText,
} from "./answer.ts";

/** Whether there is an update that could be stopped. */
export function abortion(rollout: Rollout): Answer {
  const { name } = rollout.metadata;
  const deleted = refusedAsDeleted(rollout);
  if (deleted !== undefined) return deleted;
  if (!hasNothingToDo(rollout)) return allowed("aborted", { of: "status", merge: { abort: true } });
  return refused(
    `rollout '${name}' has no update to abort: it is ${stateText(rollout)}`,
    `To go back to an earlier version use "teal undo ${name}"`,
  );
}

/** Whether there is an aborted update that could be started again. */
export function retrial(rollout: Rollout): Answer {
  const { name } = rollout.metadata;
  const deleted = refusedAsDeleted(rollout);
  if (deleted !== undefined) return deleted;
  if (rollout.status?.abort === true) return allowed("retried", { of: "status", merge: { abort: false } });
  return refused(
    `rollout '${name}' cannot be retried: it has not been aborted, it is ${stateText(rollout)}`,
    hasNothingToDo(rollout) ? newVersionHint(rollout) : `"teal why ${name}" says what it waits for`,
  );
}

/** Whether it can be held where it is; `promotion` takes that back. */
export function pausing(rollout: Rollout): Answer {
  return refusedAsDeleted(rollout) ?? allowed("paused", { of: "spec", merge: { paused: true } });
}
