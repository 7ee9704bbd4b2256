import type { Condition } from "../api/core.ts";
import type { Rollout } from "../api/rollout.ts";
import { endOf } from "../rollout/status/waiting.ts";
import { formatTime, type Instant, later, parseTime } from "../time/clock.ts";
import { podProblemOf } from "./pod-status.ts";
import { isObserved, phaseOf } from "./rollout-phase.ts";
import { ownedBy, replicaSetOf, type Seen } from "./seen.ts";
import { strategyView } from "./strategies.ts";

/** What a Rollout waits for. */
export interface WaitingView {
  /** Ends the sentence "waiting for …"; with the time at which it ends by itself, where there is one. */
  readonly on: string;
  /** Undefined when nobody has noted it. */
  readonly since: Instant | undefined;
  /** How far it is: `1 of 3 are`. */
  readonly progress?: string;
  /** What holds it up: `pod web-1: there is no image web:2`. */
  readonly problem?: string;
  /** What would end it. */
  readonly end: string;
}

/**
 * What a Rollout waits for, the one answer that everybody shows: as Teal's controller has noted it, or, where Argo's acts, as far
 * as the phase says it. Undefined when nothing is waited for.
 */
export function waitingOf(seen: Seen): WaitingView | undefined {
  const { rollout } = seen;
  // A promotion that nobody has seen yet leaves everything as it was.
  if (!isObserved(rollout) || isPromotedSince(rollout) || phaseOf(rollout).phase === "Healthy")
    return undefined;
  // Paused by its spec, and nothing there that is held up.
  if (phaseOf(rollout).phase === "Paused" && rollout.spec.paused === true && !isUpdate(rollout))
    return undefined;
  return notedWait(seen) ?? waitByPhase(seen);
}

function notedWait(seen: Seen): WaitingView | undefined {
  const { rollout } = seen;
  const condition = conditionOf(rollout, "Waiting");
  if (condition === undefined) return undefined;
  const { reason = "", message = "", lastTransitionTime } = condition;
  const of = reason === "ReturnToStable" ? rollout.status?.stableRS : rollout.status?.currentPodHash;
  return {
    on: message,
    since: parseTime(lastTransitionTime ?? ""),
    ...(podReasons.has(reason) ? podsOf(seen, of) : {}),
    end: endIn(rollout, reason),
  };
}

function endIn(rollout: Rollout, reason: string): string {
  return endOf(strategyView(rollout).waits, reason, rollout.metadata.name, isUpdate(rollout));
}

const podReasons: ReadonlySet<string> = new Set(["ScalePreview", "ScaleToFullSize", "ReturnToStable"]);

/** Read off the phase. */
function waitByPhase(seen: Seen): WaitingView | undefined {
  const { rollout } = seen;
  const { phase, message } = phaseOf(rollout);
  const { spec, status = {} } = rollout;
  const end = (reason: string): string => endIn(rollout, reason);
  if (phase === "Paused") {
    const [pause] = status.pauseConditions ?? [];
    const isBySpec = spec.paused === true;
    return {
      on: isBySpec ? "spec.paused to be taken back" : pauseText(rollout),
      since: parseTime(
        (isBySpec ? conditionOf(rollout, "Paused")?.lastTransitionTime : pause?.startTime) ?? "",
      ),
      end: end("AwaitPromotion"),
    };
  }
  const reason = reasonsByMessage[message];
  if (phase !== "Progressing" || reason === undefined) return undefined;
  return {
    on: reason.on,
    since: parseTime(conditionOf(rollout, "Progressing")?.lastUpdateTime ?? ""),
    ...(reason.step === "ScalePreview" ? podsOf(seen, status.currentPodHash) : {}),
    end: end(reason.step),
  };
}

const pods = { step: "ScalePreview", on: "pods of the new version to become available" };
const analysis = { step: "Analysis", on: "the analysis to complete" };
/** Argo's words for a phase, and what they mean. */
const reasonsByMessage: Readonly<Record<string, { readonly step: string; readonly on: string }>> = {
  "more replicas need to be updated": pods,
  "updated replicas are still becoming available": pods,
  "active service cutover pending": {
    step: "ConfirmRouting",
    on: "requests to the active Service to reach the new version only",
  },
  "waiting for analysis to complete": analysis,
  "waiting for post-promotion verification to complete": analysis,
  "waiting for all steps to complete": { step: "Steps", on: "all steps to complete" },
  "old replicas are pending termination": { step: "Steps", on: "old pods to end" },
  "rollout is restarting": { step: "Restart", on: "its pods to be started anew" },
};

function pauseText(rollout: Rollout): string {
  const [pause] = rollout.status?.pauseConditions ?? [];
  const seconds = strategyView(rollout).pauseSeconds(rollout);
  const from = parseTime(pause?.startTime ?? "");
  if (pause?.reason.startsWith("Inconclusive")) return "somebody to judge an inconclusive analysis";
  if (pause?.reason !== "BlueGreenPause" || seconds === undefined || from === undefined)
    return "somebody to promote";
  return `autoPromotionSeconds to pass, until ${formatTime(later(from, seconds))}`;
}

function podsOf(seen: Seen, hash: string | undefined): Pick<WaitingView, "progress" | "problem"> {
  const replicaSet = replicaSetOf(seen, hash);
  if (replicaSet === undefined) return {};
  const { spec, status } = replicaSet;
  const problem = podsProblemOf(seen, hash);
  return {
    progress: `${status?.availableReplicas ?? 0} of ${spec.replicas ?? 1} are`,
    ...(problem === undefined ? {} : { problem }),
  };
}

/** Why the pods of a version do not come up by themselves, as far as its pods and its ReplicaSet say it. */
export function podsProblemOf(seen: Seen, hash: string | undefined): string | undefined {
  const replicaSet = replicaSetOf(seen, hash);
  if (replicaSet === undefined) return undefined;
  for (const pod of ownedBy(replicaSet, seen.pods)) {
    const text = podProblemOf(pod);
    if (text !== undefined) return `pod ${pod.metadata.name}: ${text.replaceAll(/\s+/g, " ").trim()}`;
  }
  const refusal = replicaSet.status?.conditions?.find(
    ({ type, status }) => type === "ReplicaFailure" && status === "True",
  );
  return refusal?.message;
}

/** Whether a version is on its way in while another one is stable. */
export function isUpdate({ status }: Rollout): boolean {
  return status?.stableRS !== undefined && status.stableRS !== status.currentPodHash;
}

/** Somebody has promoted, and the controller has not noticed yet. */
export function isPromotedSince({ status }: Rollout): boolean {
  return (
    status?.controllerPause === true &&
    (status.pauseConditions ?? []).length === 0 &&
    status.phase === "Paused"
  );
}

export function conditionOf({ status }: Rollout, type: string): Condition | undefined {
  return status?.conditions?.find((condition) => condition.type === type);
}
