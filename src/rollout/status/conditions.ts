import type { Condition } from "../../api/core.ts";
import { formatTimeNotBefore, type Instant } from "../../time/clock.ts";

export type ConditionStatus = "True" | "False" | "Unknown";

export function findCondition(conditions: readonly Condition[], type: string): Condition | undefined {
  return conditions.find((condition) => condition.type === type);
}

export function withoutCondition(conditions: readonly Condition[], type: string): readonly Condition[] {
  return conditions.filter((condition) => condition.type !== type);
}

/**
 * The conditions with one set. Nothing moves when status and reason stay the same; `lastTransitionTime` moves only with
 * the status. `isRefreshed` moves `lastUpdateTime` all the same: the sign that an update makes progress.
 */
export function withCondition(
  conditions: readonly Condition[],
  next: {
    readonly type: string;
    readonly status: ConditionStatus;
    readonly reason: string;
    readonly message: string;
  },
  now: Instant,
  isRefreshed = false,
): readonly Condition[] {
  const before = findCondition(conditions, next.type);
  const isSame = before?.status === next.status && before.reason === next.reason;
  if (isSame && !isRefreshed) return conditions;
  // Deadlines count from these times: a fraction of a second must not cut them short.
  const at = formatTimeNotBefore(now);
  const lastTransitionTime = before?.status === next.status ? (before.lastTransitionTime ?? at) : at;
  const condition: Condition = { ...next, lastTransitionTime, lastUpdateTime: at };
  return before === undefined
    ? [...conditions, condition]
    : conditions.map((candidate) => (candidate === before ? condition : candidate));
}
