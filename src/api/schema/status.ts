import type { Condition } from "../core.ts";
import type { PauseCondition, RolloutStatus } from "../rollout.ts";
import { analysisRunStatus } from "./analysis.ts";
import {
  anyObject,
  array,
  boolean,
  described,
  int32,
  int64,
  object,
  type Schema,
  string,
  time,
} from "./schema.ts";

const blueGreen = object<keyof NonNullable<RolloutStatus["blueGreen"]>>({
  activeSelector: described(string, "Hash of the version that users reach through the active Service"),
  postPromotionAnalysisRunStatus: analysisRunStatus,
  prePromotionAnalysisRunStatus: analysisRunStatus,
  previewSelector: described(string, "Hash of the version behind the preview Service"),
  scaleUpPreviewCheckPoint: described(
    boolean,
    "Whether a smaller preview has been told to grow to full size",
  ),
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
  HPAReplicas: described(int32, "Pods that an autoscaler counts"),
  abort: described(boolean, "Whether the update has been aborted"),
  abortedAt: described(time, "When it was aborted"),
  alb,
  albs: array(alb),
  availableReplicas: described(
    int32,
    "Pods of the active version that are ready for at least minReadySeconds",
  ),
  blueGreen: described(blueGreen, "What the Services of the blueGreen strategy lead to"),
  canary,
  collisionCount: described(int32, "How often the hash of a template was taken already"),
  conditions: described(
    array(condition),
    "Available, Progressing, Paused, Healthy, Completed, InvalidSpec, Waiting, IgnoredFields and others",
  ),
  controllerPause: described(boolean, "Whether the pause is the controller's own; a promote ends it"),
  currentPodHash: described(string, "Hash of the newest version"),
  currentStepHash: string,
  currentStepIndex: int32,
  duration,
  message: described(string, "Why it is in its phase"),
  observedGeneration: described(string, "The generation of the spec that this status speaks of"),
  pauseConditions: described(
    array(object<keyof PauseCondition>({ reason: string, startTime: time }, "reason", "startTime")),
    "Why and since when the update waits; a promote takes them away",
  ),
  phase: described(string, "Healthy, Progressing, Paused or Degraded"),
  promoteFull: described(boolean, "Whether the update skips all pauses and analysis"),
  readyReplicas: described(int32, "Pods of the active version that are ready"),
  replicas: described(int32, "Pods of all versions"),
  restartedAt: described(time, "The restartAt that has been carried out"),
  selector: described(string, "The pods of the Rollout, as an autoscaler selects them"),
  stableRS: described(string, "Hash of the version that has been fully promoted"),
  updatedReplicas: described(int32, "Pods of the newest version"),
  workloadObservedGeneration: string,
});
