import type { Condition, KubernetesObject, LabelSelector, PodTemplateSpec } from "./core.ts";

// The Rollout as on the wire, argoproj.io/v1alpha1. The names are Argo's; the CRD's schema has every field, these types
// those that Teal reads or writes.

export interface Rollout extends KubernetesObject {
  readonly spec: RolloutSpec;
  readonly status?: RolloutStatus;
}

export interface RolloutSpec {
  readonly replicas?: number;
  readonly selector?: LabelSelector;
  readonly template?: PodTemplateSpec;
  readonly workloadRef?: { readonly apiVersion?: string; readonly kind?: string; readonly name?: string };
  readonly minReadySeconds?: number;
  readonly revisionHistoryLimit?: number;
  readonly progressDeadlineSeconds?: number;
  readonly progressDeadlineAbort?: boolean;
  readonly paused?: boolean;
  readonly restartAt?: string;
  readonly rollbackWindow?: { readonly revisions?: number };
  readonly strategy?: {
    readonly blueGreen?: BlueGreenStrategy;
    readonly canary?: Readonly<Record<string, unknown>>;
  };
}

export interface BlueGreenStrategy {
  readonly activeService?: string;
  readonly previewService?: string;
  readonly previewReplicaCount?: number;
  readonly autoPromotionEnabled?: boolean;
  readonly autoPromotionSeconds?: number;
  readonly maxUnavailable?: number | string;
  readonly scaleDownDelaySeconds?: number;
  readonly scaleDownDelayRevisionLimit?: number;
  readonly abortScaleDownDelaySeconds?: number;
  readonly prePromotionAnalysis?: RolloutAnalysis;
  readonly postPromotionAnalysis?: RolloutAnalysis;
  readonly antiAffinity?: Readonly<Record<string, unknown>>;
  readonly activeMetadata?: TemplateMetadata;
  readonly previewMetadata?: TemplateMetadata;
}

export interface RolloutAnalysis {
  readonly templates?: readonly TemplateReference[];
}

/** Names an AnalysisTemplate of the namespace, or a ClusterAnalysisTemplate. */
export interface TemplateReference {
  readonly templateName?: string;
  readonly clusterScope?: boolean;
}

/** Of either kind, as far as Teal looks into them. */
export interface AnalysisTemplate extends KubernetesObject {
  readonly spec?: { readonly templates?: readonly TemplateReference[] };
}

export interface TemplateMetadata {
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export type RolloutPhase = "Healthy" | "Degraded" | "Progressing" | "Paused";

export interface PauseCondition {
  readonly reason:
    | "BlueGreenPause"
    | "CanaryPauseStep"
    | "InconclusiveAnalysisRun"
    | "InconclusiveExperiment";
  readonly startTime: string;
}

export interface RolloutStatus {
  readonly abort?: boolean;
  readonly abortedAt?: string;
  readonly pauseConditions?: readonly PauseCondition[];
  /** True while the controller owns the pause; true without a pause condition means that somebody has promoted. */
  readonly controllerPause?: boolean;
  readonly promoteFull?: boolean;
  readonly currentPodHash?: string;
  readonly stableRS?: string;
  readonly replicas?: number;
  readonly updatedReplicas?: number;
  readonly readyReplicas?: number;
  readonly availableReplicas?: number;
  readonly HPAReplicas?: number;
  readonly selector?: string;
  readonly collisionCount?: number;
  readonly restartedAt?: string;
  /** `metadata.generation` as text. */
  readonly observedGeneration?: string;
  readonly phase?: RolloutPhase;
  readonly message?: string;
  readonly conditions?: readonly Condition[];
  readonly blueGreen?: {
    readonly activeSelector?: string;
    readonly previewSelector?: string;
    readonly scaleUpPreviewCheckPoint?: boolean;
  };
}
