import { equalJson } from "../../api/equal-json.ts";
import type { RolloutStatus } from "../../api/rollout.ts";

/**
 * Whether this status says more than how far the pods are: pods of a version become ready one by one, and a status for each of
 * them would cost more writes than all else of a release.
 */
export function isNews(before: RolloutStatus, now: RolloutStatus): boolean {
  return !equalJson(essence(before), essence(now));
}

function essence(status: RolloutStatus): object {
  const {
    message: _message,
    replicas: _replicas,
    updatedReplicas: _updated,
    readyReplicas: _ready,
    availableReplicas: _available,
    HPAReplicas: _wanted,
    conditions = [],
    ...rest
  } = status;
  const said = conditions.map(({ type, status: is, reason }) => ({ type, status: is, reason }));
  return { ...rest, conditions: said };
}
