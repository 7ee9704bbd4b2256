import type { Rollout, RolloutStatus } from "../../api/rollout.ts";
import type { Instant } from "../../time/clock.ts";
import { withCondition, withoutCondition } from "./conditions.ts";

/** The status of a Rollout that cannot be carried out: all else stays as it was, so that nothing is lost when it is mended. */
export function invalidStatus(rollout: Rollout, problems: readonly string[], now: Instant): RolloutStatus {
  const text = problems.length === 1 ? problems[0] : `[${problems.join(", ")}]`;
  const message = `The Rollout "${rollout.metadata.name}" is invalid: ${text}`;
  const status = rollout.status ?? {};
  // What is invalid waits for nothing but its correction.
  const before = withoutCondition(status.conditions ?? [], "Waiting");
  const isOther = before.find(({ type }) => type === "InvalidSpec")?.message !== message;
  return {
    ...status,
    observedGeneration: String(rollout.metadata.generation ?? 0),
    conditions: withCondition(
      isOther ? withoutCondition(before, "InvalidSpec") : before,
      { type: "InvalidSpec", status: "True", reason: "InvalidSpec", message },
      now,
    ),
    phase: "Degraded",
    message: `InvalidSpec: ${message}`,
  };
}
