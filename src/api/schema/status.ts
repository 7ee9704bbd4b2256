import type { Condition } from "../core.ts";
import type { PauseCondition, RolloutStatus } from "../rollout.ts";
import { analysisRunStatus } from "./analysis.ts";
import { anyObject, array, boolean, int32, int64, object, type Schema, string, time } from "./schema.ts";

const blueGreen = object<keyof NonNullable<RolloutStatus["blueGreen"]>>({
  activeSelector: string,
  postPromotionAnalysisRunStatus: analysisRunStatus,
  prePromotionAnalysisRunStatus: analysisRunStatus,
  previewSelector: string,
  scaleUpPreviewCheckPoint: boolean,
});

const weight = object({ podTemplateHash: string, serviceName: string, weight: int32 }, "weight");

const stepPluginStatus = object(
  {
    backoff: string,
    disabled: boolean,
    executions: int32,
    finishedAt: time,
    index: int32,
    message: string,
    name: string,
    operation: string,
    phase: string,
    startedAt: time,
    status: anyObject,
    updatedAt: time,
  },
  "index",
  "name",
  "operation",
);

const canary = object({
  currentBackgroundAnalysisRunStatus: analysisRunStatus,
  currentExperiment: string,
  currentStepAnalysisRunStatus: analysisRunStatus,
  stablePingPong: string,
  stepPluginStatuses: array(stepPluginStatus),
  weights: object(
    { additional: array(weight), canary: weight, stable: weight, verified: boolean },
    "canary",
    "stable",
  ),
});

const loadBalancerPart = object({ arn: string, fullName: string, name: string }, "arn", "name");

const alb = object({
  canaryTargetGroup: loadBalancerPart,
  ingress: string,
  loadBalancer: loadBalancerPart,
  stableTargetGroup: loadBalancerPart,
});

const condition = object<keyof Condition>(
  {
    lastTransitionTime: time,
    lastUpdateTime: time,
    message: string,
    reason: string,
    status: string,
    type: string,
  },
  "lastTransitionTime",
  "lastUpdateTime",
  "message",
  "reason",
  "status",
  "type",
);

const duration = object({
  completionStatus: string,
  finishedAt: time,
  manualPauseStartedAt: time,
  rolloutStartedAt: time,
  totalManualPauseDurationSeconds: int64,
});

export const rolloutStatus: Schema = object<keyof RolloutStatus>({
  HPAReplicas: int32,
  abort: boolean,
  abortedAt: time,
  alb,
  albs: array(alb),
  availableReplicas: int32,
  blueGreen,
  canary,
  collisionCount: int32,
  conditions: array(condition),
  controllerPause: boolean,
  currentPodHash: string,
  currentStepHash: string,
  currentStepIndex: int32,
  duration,
  message: string,
  observedGeneration: string,
  pauseConditions: array(
    object<keyof PauseCondition>({ reason: string, startTime: time }, "reason", "startTime"),
  ),
  phase: string,
  promoteFull: boolean,
  readyReplicas: int32,
  replicas: int32,
  restartedAt: time,
  selector: string,
  stableRS: string,
  updatedReplicas: int32,
  workloadObservedGeneration: string,
});
