import { fastRollbackAnnotation } from "../../api/names.ts";
import { formatTimeNotBefore } from "../../time/clock.ts";
import { forgetUpdate, isGranted, type Memory } from "../memory.ts";
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

function prepareRoutes(s: BlueGreenSituation): StepResult {
  const both = [...new Set([s.memory.stableHash ?? s.currentHash, s.currentHash])];
  const preview = prepare(s.preview, both);
  return preview.is === "done" ? prepare(s.active, both) : preview;
}

// At once, before there are pods: load balancers that gate pods' readiness need the Service first. `spec.paused` leaves
// routes as they are, but does not keep the new version from starting.
function switchPreviewRoutes(s: BlueGreenSituation): StepResult {
  if (s.preview === undefined || s.preview.target === s.currentHash || s.rollout.spec.paused) return done;
  return pointTo(s.preview, s.currentHash, "the preview Service follows the newest version");
}

function scalePreview(s: BlueGreenSituation): StepResult {
  const count = s.strategy.previewReplicaCount;
  const isSmall =
    count !== undefined && !s.isFirst && !s.isPromoted && !s.memory.promoteFull && !isGranted(s.memory);
  if (!isSmall || s.isSwitched) return reachSize(s, s.replicas);
  // After an abort that could not be carried out users may still be here: then it keeps what it has.
  const isReached = s.active.references.includes(s.currentHash);
  return reachSize(s, isReached ? Math.max(count, Math.min(sizeOf(s.current), s.replicas)) : count);
}

function scaleToFullSize(s: BlueGreenSituation): StepResult {
  const result = reachSize(s, s.replicas);
  const isLeavingPreviewSize = s.strategy.previewReplicaCount !== undefined && !s.isFirst && !s.isPromoted;
  return isLeavingPreviewSize && !s.memory.isPastCheckpoint
    ? { ...result, remember: { isPastCheckpoint: true } }
    : result;
}

function reachSize(s: BlueGreenSituation, size: number): StepResult {
  const { current } = s;
  if (current === undefined) return waiting("the new ReplicaSet to appear");
  const on = `pods of the ${s.isPromoted ? "live" : "new"} version to become available`;
  const wait = waiting(on, undefined, { detail: `${availableOf(current)} of ${size} are` });
  if (sizeOf(current) !== size)
    return { ...wait, ...acting(scale(current, size, s.replicas, `${size} pods are wanted`)) };
  // A version that carries users is not held back by a pod that restarts.
  if (isAvailable(current, size) || (s.isSwitched && !s.isPromoted)) return done;
  return wait;
}

function passPrePromotionAnalysis(s: BlueGreenSituation): StepResult {
  return refuseAnalysis(s);
}

function passPostPromotionAnalysis(s: BlueGreenSituation): StepResult {
  return refuseAnalysis(s);
}

/**
 * A gate passes only on an explicit success, and this version of Teal has nothing that could measure one. So an update
 * that asks for an analysis, before or after the switch, ends before anybody is sent to the new version.
 */
function refuseAnalysis(s: BlueGreenSituation): StepResult {
  if (s.isPromoted || s.isFirst || s.memory.promoteFull || s.rollback !== undefined) return done;
  const { prePromotionAnalysis, postPromotionAnalysis } = s.strategy;
  const field = prePromotionAnalysis !== undefined ? "prePromotionAnalysis" : "postPromotionAnalysis";
  const analysis = prePromotionAnalysis ?? postPromotionAnalysis;
  if (analysis === undefined) return done;
  const names = (analysis.templates ?? []).map((template) => template.templateName ?? "").join(", ");
  return failed(
    `${field} (${names}) is asked for, but this version of Teal cannot run analyses: ` +
      "remove the field, or promote with --full to go on without it",
  );
}

function awaitPromotion(s: BlueGreenSituation): StepResult {
  if (s.rollout.spec.paused && !s.isPromoted) return waiting("spec.paused to be taken back");
  if (s.isPromoted || s.isFirst || s.isSwitched) return withoutPause(s);
  if (s.memory.promoteFull || s.rollback !== undefined) {
    return { ...done, remember: { pauseConditions: [], controllerPause: true } };
  }
  if (isGranted(s.memory)) return done;
  if (!needsPause(s.strategy)) return withoutPause(s);
  if (s.memory.pauseConditions.length > 0) return sitOut(s, s.memory);
  const pause = { reason: "BlueGreenPause", startTime: formatTimeNotBefore(s.now) } as const;
  const remember = { pauseConditions: [pause], controllerPause: true };
  return { ...sitOut(s, { ...s.memory, ...remember }), remember };
}

function withoutPause(s: BlueGreenSituation): StepResult {
  return s.memory.pauseConditions.length === 0 ? done : { ...done, remember: { pauseConditions: [] } };
}

function sitOut(s: BlueGreenSituation, memory: Memory): StepResult {
  const until = pauseEnd(s.strategy, memory);
  if (until === undefined) return waiting("somebody to promote");
  if (s.now < until) return waiting("autoPromotionSeconds to pass", until);
  return { ...done, remember: { pauseConditions: [] } };
}

// The first version has nobody's traffic to take over: it is stable as soon as it is available, and then goes live. Its
// own pass, because the status must say so before the Service moves.
function adoptFirstVersion(s: BlueGreenSituation): StepResult {
  if (!s.isFirst) return done;
  return {
    ...awaitRouting(s),
    remember: { ...forgetUpdate, stableHash: s.currentHash },
    events: [completed(s, "Initial deploy")],
  };
}

function switchRoutes(s: BlueGreenSituation): StepResult {
  if (s.active.target === s.currentHash) return done;
  if (s.rollout.spec.paused) return waiting("spec.paused to be taken back");
  const because = "all gates before the switch are passed";
  // The caches may be old, and this is the one call that moves users to pods that they have not seen.
  const target = s.current && provided(s.current, s.replicas);
  return { ...awaitRouting(s), ...pointTo(s.active, s.currentHash, because, target) };
}

/** The steps up to the confirmed switch are one wait to people. */
function awaitRouting(s: BlueGreenSituation, detail?: string): StepResult & { readonly is: "waiting" } {
  const on = `requests to ${s.active.name} to reach the new version only`;
  return waiting(on, undefined, { detail, step: confirmRouting.name });
}

function confirmRouting(s: BlueGreenSituation): StepResult {
  const result = routing(s, s.active, s.currentHash);
  switch (result.is) {
    case "routed":
      return done;
    case "pending":
      return awaitRouting(s, result.on);
    case "unsupported":
      return failed(result.because);
  }
}

function markStable(s: BlueGreenSituation): StepResult {
  const remember = { ...forgetUpdate, stableHash: s.currentHash };
  if (s.isPromoted) return { ...done, remember };
  return { ...done, remember, events: [completed(s, wayOf(s))] };
}

/** By which way the update was completed, however many passes it took. */
function wayOf({ memory, rollback, current, revision }: BlueGreenSituation): string {
  if (memory.promoteFull) return "Full promotion requested";
  if (rollback !== undefined) return rollback;
  const isFast = current?.metadata.annotations?.[fastRollbackAnnotation] === String(revision);
  return isFast ? "Fast rollback" : "Completed blue-green update";
}

function completed(s: BlueGreenSituation, why: string) {
  const message = `Rollout completed update to revision ${s.revision} (${s.currentHash}): ${why}`;
  return { type: "Normal", reason: "RolloutCompleted", message } as const;
}
