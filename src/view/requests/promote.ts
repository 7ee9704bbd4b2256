import type { Rollout } from "../../api/rollout.ts";
import { defaultReplicas } from "../../api/strategy.ts";
import { isInvalid, isObserved, phaseOf } from "../rollout-phase.ts";
import { replicaSetOf, type Seen } from "../seen.ts";
import { strategyView } from "../strategies.ts";
import { podsProblemOf, waitingOf } from "../waiting.ts";
import {
  type Answer,
  allowed,
  isUpdating,
  mendHint,
  newVersionHint,
  type Patch,
  type Refused,
  refused,
  refusedAsDeleted,
  stateText,
} from "./answer.ts";

/** Whether the update may go on now. `full` skips pauses and analysis; the new version must be up all the same. */
export function promotion(seen: Seen, { full }: { readonly full: boolean }): Answer {
  const { rollout } = seen;
  const { spec, status = {} } = rollout;
  const deleted = refusedAsDeleted(rollout);
  if (deleted !== undefined) return deleted;
  if (isInvalid(rollout)) return refusal(seen, "Mend that first");
  const says = full ? "fully promoted" : "promoted";
  const unpause: readonly Patch[] = spec.paused === true ? [{ of: "spec", merge: { paused: false } }] : [];
  const isAsked = full ? isUpdating(rollout) : (status.pauseConditions ?? []).length > 0;
  if (!isAsked) return unpause.length > 0 ? allowed(says, ...unpause) : refusal(seen, wayOutOf(seen));
  // What is paused, and has been tried, is an earlier version.
  if (!isObserved(rollout)) return refusal(seen, wayOutOf(seen));
  if (!full) {
    const notUp = refusedAsNotUp(seen);
    if (notUp !== undefined) return notUp;
  }
  const merge = full ? { promoteFull: true } : { pauseConditions: null };
  return allowed(says, { of: "status", merge }, ...unpause);
}

/** A version that was up when the pause began may have crashed since; users must not be sent there. */
function refusedAsNotUp(seen: Seen): Refused | undefined {
  const { metadata, spec, status = {} } = seen.rollout;
  if (!strategyView(seen.rollout).isWhole) return undefined;
  const current = replicaSetOf(seen, status.currentPodHash);
  const wanted = current?.spec.replicas ?? spec.replicas ?? defaultReplicas;
  const available = current?.status?.availableReplicas ?? 0;
  if (available >= wanted) return undefined;
  const { name } = metadata;
  const problem = podsProblemOf(seen, status.currentPodHash);
  return refused(
    `rollout '${name}' cannot be promoted: ${available} of ${wanted} pods of the new version are available` +
      (problem === undefined ? "" : `; ${problem}`),
    problem === undefined
      ? `"teal get rollout ${name}" shows why; wait until they are, or have it go on by itself then with "teal promote ${name} --full"`
      : mendHint(seen.rollout),
  );
}

function refusal(seen: Seen, wayOut: string): Refused {
  const { rollout } = seen;
  const { name } = rollout.metadata;
  const problem = waitingOf(seen)?.problem;
  const isIdle = !isUpdating(rollout) && phaseOf(rollout).phase === "Healthy";
  return refused(
    `rollout '${name}' cannot be promoted: it is ${stateText(rollout)}${isIdle ? " and nothing is being updated" : ""}` +
      (problem === undefined ? "" : `; ${problem}`),
    wayOut,
  );
}

/** What helps while there is no pause that could be ended. */
function wayOutOf(seen: Seen): string {
  const { rollout } = seen;
  const { name } = rollout.metadata;
  const { phase } = phaseOf(rollout);
  if (!isObserved(rollout))
    return `Wait until its controller has looked at the new spec; "teal why ${name}" says more`;
  if (rollout.status?.abort === true) return `Start the update again with "teal retry rollout ${name}"`;
  if (!isUpdating(rollout) && phase === "Healthy") return newVersionHint(rollout);
  const waiting = waitingOf(seen);
  if (waiting?.problem !== undefined || phase === "Degraded") return mendHint(rollout);
  if (phase === "Progressing" && hasGateAhead(rollout))
    return `Wait until it is Paused ("teal status ${name}"), or skip all pauses with "teal promote ${name} --full"`;
  return `It goes on by itself; "teal why ${name}" says what it waits for`;
}

/** Whether the update that is on its way is going to stop and wait for somebody. */
function hasGateAhead(rollout: Rollout): boolean {
  if (!isUpdating(rollout) || (rollout.status?.stableRS ?? "") === "") return false;
  return strategyView(rollout).hasGateAhead(rollout);
}
