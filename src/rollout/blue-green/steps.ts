import { fastRollbackAnnotation } from "../../api/names.ts";
import { formatTimeNotBefore, type Instant } from "../../time/clock.ts";
import { isGranted, type Memory, noUpdate } from "../memory.ts";
import { availableOf, isAvailable, scale, sizeOf } from "../replica-set.ts";
import { createReplicaSet, recordRevision } from "../revision.ts";
import { acting, done, failed, type Step, type StepResult, waiting } from "../step.ts";
import { pointTo, prepare, provided } from "./route.ts";
import { type BlueGreenSituation, needsPause, pauseEnd, routing } from "./situation.ts";

/*
 * The way of a new version, in order. A rollout stands at the first step that is not done.
 *
 *   version 1  ████████████████ live ████████████████████│── warm ──│ gone
 *   version 2      ░ starts ░│▒▒▒▒ preview, paused ▒▒▒▒▒▒│████████ live ████████
 *                  │         │                           │          │
 *         template changes   available            promoted, switched  scaleDownDelaySeconds
 */
export const blueGreenSteps: readonly Step<BlueGreenSituation>[] = [
  createReplicaSet,
  recordRevision,
  prepareRoutes,
  switchPreviewRoutes,
  scalePreview,
  passPrePromotionAnalysis,
  awaitPromotion,
  scaleToFullSize,
  adoptFirstVersion,
  switchRoutes,
  confirmRouting,
  passPostPromotionAnalysis,
  markStable,
];

function prepareRoutes(situation: BlueGreenSituation): StepResult {
  const both = [...new Set([situation.memory.stableHash ?? situation.currentHash, situation.currentHash])];
  const preview = prepare(situation.preview, both);
  return preview.is === "done" ? prepare(situation.active, both) : preview;
}

// At once, before there are pods: load balancers that gate pods' readiness need the Service first. `spec.paused` leaves
// routes as they are, but does not keep the new version from starting.
function switchPreviewRoutes(situation: BlueGreenSituation): StepResult {
  if (
    situation.preview === undefined ||
    situation.preview.target === situation.currentHash ||
    situation.rollout.spec.paused
  )
    return done;
  return pointTo(situation.preview, situation.currentHash, "the preview Service follows the newest version");
}

function scalePreview(situation: BlueGreenSituation): StepResult {
  const count = situation.strategy.previewReplicaCount;
  const isSmall =
    count !== undefined &&
    !situation.isFirst &&
    !situation.isPromoted &&
    !situation.memory.promoteFull &&
    !isGranted(situation.memory);
  if (!isSmall || situation.isSwitched) return reachSize(situation, situation.replicas);
  // After an abort that could not be carried out users may still be here: then it keeps what it has.
  const isReached = situation.active.references.includes(situation.currentHash);
  return reachSize(
    situation,
    isReached ? Math.max(count, Math.min(sizeOf(situation.current), situation.replicas)) : count,
  );
}

function scaleToFullSize(situation: BlueGreenSituation): StepResult {
  const result = reachSize(situation, situation.replicas);
  const isLeavingPreviewSize =
    situation.strategy.previewReplicaCount !== undefined && !situation.isFirst && !situation.isPromoted;
  return isLeavingPreviewSize && !situation.memory.isPastCheckpoint
    ? { ...result, remember: { isPastCheckpoint: true } }
    : result;
}

function reachSize(situation: BlueGreenSituation, size: number): StepResult {
  const { current } = situation;
  if (current === undefined) return waiting("the new ReplicaSet to appear");
  const on = `pods of the ${situation.isPromoted ? "live" : "new"} version to become available`;
  const wait = waiting(on, undefined, { detail: `${availableOf(current)} of ${size} are` });
  if (sizeOf(current) !== size)
    return { ...wait, ...acting(scale(current, size, situation.replicas, `${size} pods are wanted`)) };
  // A version that carries users is not held back by a pod that restarts.
  if (isAvailable(current, size) || (situation.isSwitched && !situation.isPromoted)) return done;
  return wait;
}

function passPrePromotionAnalysis(situation: BlueGreenSituation): StepResult {
  return refuseAnalysis(situation);
}

function passPostPromotionAnalysis(situation: BlueGreenSituation): StepResult {
  return refuseAnalysis(situation);
}

/**
 * A gate passes only on an explicit success, and this version of Teal has nothing that could measure one. So an update
 * that asks for an analysis, before or after the switch, ends before anybody is sent to the new version.
 */
function refuseAnalysis(situation: BlueGreenSituation): StepResult {
  if (
    situation.isPromoted ||
    situation.isFirst ||
    situation.memory.promoteFull ||
    situation.rollback !== undefined
  )
    return done;
  const { prePromotionAnalysis, postPromotionAnalysis } = situation.strategy;
  const field = prePromotionAnalysis !== undefined ? "prePromotionAnalysis" : "postPromotionAnalysis";
  const analysis = prePromotionAnalysis ?? postPromotionAnalysis;
  if (analysis === undefined) return done;
  const names = (analysis.templates ?? []).map((template) => template.templateName ?? "").join(", ");
  return failed(
    `${field} (${names}) is asked for, but this version of Teal cannot run analyses: ` +
      "remove the field, or promote with --full to go on without it",
  );
}

function awaitPromotion(situation: BlueGreenSituation): StepResult {
  if (situation.rollout.spec.paused && !situation.isPromoted) return waiting("spec.paused to be taken back");
  if (situation.isPromoted || situation.isFirst || situation.isSwitched) return withoutPause(situation);
  if (situation.memory.promoteFull || situation.rollback !== undefined) {
    return { ...done, remember: { pauseConditions: [], controllerPause: true } };
  }
  if (isGranted(situation.memory)) return done;
  if (!needsPause(situation.strategy)) return withoutPause(situation);
  if (situation.memory.pauseConditions.length > 0) return sitOut(situation, situation.memory);
  const pause = { reason: "BlueGreenPause", startTime: formatTimeNotBefore(situation.now) } as const;
  const remember = { pauseConditions: [pause], controllerPause: true };
  return { ...sitOut(situation, { ...situation.memory, ...remember }), remember };
}

function withoutPause(situation: BlueGreenSituation): StepResult {
  return situation.memory.pauseConditions.length === 0
    ? done
    : { ...done, remember: { pauseConditions: [] } };
}

function sitOut(situation: BlueGreenSituation, memory: Memory): StepResult {
  const until = pauseEnd(situation.strategy, memory);
  if (until === undefined) return waiting("somebody to promote");
  if (situation.now < until) return waiting("autoPromotionSeconds to pass", until);
  return { ...done, remember: { pauseConditions: [] } };
}

// The first version has nobody's traffic to take over: it is stable as soon as it is available, and then goes live. Its
// own pass, because the status must say so before the Service moves.
function adoptFirstVersion(situation: BlueGreenSituation): StepResult {
  if (!situation.isFirst) return done;
  return {
    ...awaitRouting(situation),
    remember: { ...noUpdate, stableHash: situation.currentHash },
    events: [completed(situation, "Initial deploy")],
  };
}

function switchRoutes(situation: BlueGreenSituation): StepResult {
  if (situation.active.target === situation.currentHash) return done;
  if (situation.rollout.spec.paused) return waiting("spec.paused to be taken back");
  const because = "all gates before the switch are passed";
  // The caches may be old, and this is the one call that moves users to pods that they have not seen.
  const target = situation.current && provided(situation.current, situation.replicas);
  return { ...awaitRouting(situation), ...pointTo(situation.active, situation.currentHash, because, target) };
}

/** The steps up to the confirmed switch are one wait to people. */
function awaitRouting(
  situation: BlueGreenSituation,
  detail?: string,
  recheckAt?: Instant,
): StepResult & { readonly is: "waiting" } {
  const on = `requests to ${situation.active.name} to reach the new version only`;
  return waiting(on, undefined, { detail, recheckAt, step: confirmRouting.name });
}

function confirmRouting(situation: BlueGreenSituation): StepResult {
  const result = routing(situation, situation.active, situation.currentHash);
  switch (result.is) {
    case "routed":
      return done;
    case "pending":
      return awaitRouting(situation, result.on, result.recheckAt);
    case "unsupported":
      return failed(result.because);
  }
}

function markStable(situation: BlueGreenSituation): StepResult {
  const remember = { ...noUpdate, stableHash: situation.currentHash };
  if (situation.isPromoted) return { ...done, remember };
  return { ...done, remember, events: [completed(situation, wayOf(situation))] };
}

/** By which way the update was completed, however many passes it took. */
function wayOf({ memory, rollback, current, revision }: BlueGreenSituation): string {
  if (memory.promoteFull) return "Full promotion requested";
  if (rollback !== undefined) return rollback;
  const isFast = current?.metadata.annotations?.[fastRollbackAnnotation] === String(revision);
  return isFast ? "Fast rollback" : "Completed blue-green update";
}

function completed(situation: BlueGreenSituation, why: string) {
  const message = `Rollout completed update to revision ${situation.revision} (${situation.currentHash}): ${why}`;
  return { type: "Normal", reason: "RolloutCompleted", message } as const;
}
