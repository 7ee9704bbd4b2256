import type { Pod, ReplicaSet } from "../api/core.ts";
import { podTemplateHashLabel } from "../api/names.ts";
import type { Rollout } from "../api/rollout.ts";
import { endOf } from "../rollout/status/waiting.ts";
import { formatTime, type Instant, later, parseTime } from "../time/clock.ts";
import { humanDuration } from "../time/human-duration.ts";
import { podProblemOf } from "./pod-status.ts";
import { isObserved, phaseOf } from "./rollout-phase.ts";

/** What a Rollout waits for. */
export interface WaitingView {
  /** Ends the sentence "waiting for …"; with the time at which it ends by itself, where there is one. */
  readonly on: string;
  /** Undefined when nobody has noted it. */
  readonly since: Instant | undefined;
  /** How long that is: `5m12s`; empty when nobody has noted it. */
  readonly age: string;
  /** How far it is, and what holds it up. */
  readonly detail?: string;
  /** What would end it. */
  readonly end: string;
}

/** What the controller has noted in the Rollout; undefined when it waits for nothing, or when another has written the status. */
export function waitingOf(
  rollout: Rollout,
  replicaSets: readonly ReplicaSet[],
  pods: readonly Pod[],
  now: Instant,
): WaitingView | undefined {
  const condition = conditionOf(rollout, "Waiting");
  // Another controller, and a promotion that nobody has seen yet, leave the condition as it was.
  if (condition === undefined || !isObserved(rollout) || isPromotedSince(rollout)) return undefined;
  if (phaseOf(rollout).phase === "Healthy") return undefined;
  const { reason = "", message = "", lastTransitionTime } = condition;
  const of = reason === "ReturnToStable" ? rollout.status?.stableRS : rollout.status?.currentPodHash;
  const detail = podReasons.has(reason) ? podsOf(of, replicaSets, pods) : undefined;
  return {
    on: message,
    ...sinceOf(lastTransitionTime, now),
    ...(detail === undefined ? {} : { detail }),
    end: endOf(reason, rollout.metadata.name, isUpdate(rollout)),
  };
}

const podReasons: ReadonlySet<string> = new Set(["ScalePreview", "ScaleToFullSize", "ReturnToStable"]);

/** The same for a Rollout on which Argo's controller acts, read off its phase, as far as that says it. */
export function waitingByPhase(
  rollout: Rollout,
  replicaSets: readonly ReplicaSet[],
  pods: readonly Pod[],
  now: Instant,
): WaitingView | undefined {
  const { phase, message } = phaseOf(rollout);
  const { metadata, spec, status = {} } = rollout;
  const end = (reason: string): string => endOf(reason, metadata.name, isUpdate(rollout));
  if (phase === "Paused") {
    const [pause] = status.pauseConditions ?? [];
    if (spec.paused === true) {
      const since = sinceOf(conditionOf(rollout, "Paused")?.lastTransitionTime, now);
      return { on: "spec.paused to be taken back", ...since, end: end("AwaitPromotion") };
    }
    const on = pauseText(rollout);
    return { on, ...sinceOf(pause?.startTime, now), end: end("AwaitPromotion") };
  }
  const reason = reasonsByMessage[message];
  if (phase !== "Progressing" || reason === undefined) return undefined;
  const detail =
    reason.step === "ScalePreview" ? podsOf(status.currentPodHash, replicaSets, pods) : undefined;
  const since = conditionOf(rollout, "Progressing")?.lastUpdateTime;
  return {
    on: reason.on,
    ...sinceOf(since, now),
    ...(detail === undefined ? {} : { detail }),
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

function pauseText({ spec, status = {} }: Rollout): string {
  const [pause] = status.pauseConditions ?? [];
  const { autoPromotionEnabled = true, autoPromotionSeconds = 0 } = spec.strategy?.blueGreen ?? {};
  const from = parseTime(pause?.startTime ?? "");
  if (pause?.reason.startsWith("Inconclusive")) return "somebody to judge an inconclusive analysis";
  if (pause?.reason !== "BlueGreenPause" || !autoPromotionEnabled || from === undefined)
    return "somebody to promote";
  return `autoPromotionSeconds to pass, until ${formatTime(later(from, autoPromotionSeconds))}`;
}

function podsOf(
  hash: string | undefined,
  replicaSets: readonly ReplicaSet[],
  all: readonly Pod[],
): string | undefined {
  const replicaSet = replicaSets.find(({ metadata }) => metadata.labels?.[podTemplateHashLabel] === hash);
  if (hash === undefined || replicaSet === undefined) return undefined;
  const { spec, status } = replicaSet;
  const count = `${status?.availableReplicas ?? 0} of ${spec.replicas ?? 1} are`;
  const [problem] = all.flatMap((pod) => {
    const text = pod.metadata.labels?.[podTemplateHashLabel] === hash ? podProblemOf(pod) : undefined;
    return text === undefined ? [] : [`pod ${pod.metadata.name}: ${text.replaceAll(/\s+/g, " ")}`];
  });
  const refusal = (status?.conditions ?? []).find(
    (it) => it.type === "ReplicaFailure" && it.status === "True",
  );
  return [count, problem ?? refusal?.message].filter((text) => text !== undefined).join("; ");
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

export function conditionOf({ status }: Rollout, type: string) {
  return status?.conditions?.find((condition) => condition.type === type);
}

function sinceOf(text: string | undefined, now: Instant): Pick<WaitingView, "since" | "age"> {
  const since = parseTime(text ?? "");
  return { since, age: since === undefined ? "" : humanDuration((now - since) / 1000) };
}
