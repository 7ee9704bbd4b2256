import type { Condition, KubernetesObject, LabelSelector, Pod, PodTemplateSpec } from "../../../api/core.ts";
import { type Instant, instant, parseTime } from "../../../time/clock.ts";

export interface PodFailureRule {
  readonly action: "FailJob" | "FailIndex" | "Ignore" | "Count";
  readonly onExitCodes?: {
    readonly containerName?: string;
    readonly operator: "In" | "NotIn";
    readonly values: readonly number[];
  };
  readonly onPodConditions?: readonly { readonly type: string; readonly status: string }[];
}

/** `batch/v1` Job, with the API server's defaults. */
export interface Job extends KubernetesObject {
  readonly spec: {
    readonly parallelism?: number;
    readonly completions?: number;
    readonly backoffLimit?: number;
    readonly backoffLimitPerIndex?: number;
    readonly maxFailedIndexes?: number;
    readonly activeDeadlineSeconds?: number;
    readonly ttlSecondsAfterFinished?: number;
    readonly completionMode?: string;
    readonly suspend?: boolean;
    readonly podReplacementPolicy?: string;
    readonly managedBy?: string;
    readonly podFailurePolicy?: { readonly rules: readonly PodFailureRule[] };
    readonly successPolicy?: {
      readonly rules: readonly { readonly succeededIndexes?: string; readonly succeededCount?: number }[];
    };
    readonly selector?: LabelSelector;
    readonly template: PodTemplateSpec;
  };
  readonly status?: JobStatus;
}

export interface JobStatus {
  readonly startTime?: string;
  readonly completionTime?: string;
  readonly active?: number;
  readonly ready?: number;
  readonly terminating?: number;
  readonly succeeded?: number;
  readonly failed?: number;
  readonly completedIndexes?: string;
  readonly failedIndexes?: string;
  readonly uncountedTerminatedPods?: {
    readonly succeeded?: readonly string[];
    readonly failed?: readonly string[];
  };
  readonly conditions?: readonly Condition[];
}

/** Keeps a pod until its end has been counted. */
export const trackingFinalizer = "batch.kubernetes.io/job-tracking";
/** On each pod of an indexed Job, as a label and as an annotation. */
export const indexKey = "batch.kubernetes.io/job-completion-index";
/** On each pod of a Job with a limit for each index: how often its index has failed before. */
export const indexFailuresAnnotation = "batch.kubernetes.io/job-index-failure-count";

const ownController = "kubernetes.io/job-controller";

/** Whether the Job is some other controller's business. */
export function isManagedElsewhere({ spec }: Job): boolean {
  return spec.managedBy !== undefined && spec.managedBy !== ownController;
}

export function isIndexed({ spec }: Job): boolean {
  return spec.completionMode === "Indexed";
}

/** Whether pods are replaced only when they have ended, not as soon as they are told to. */
export function replacesEndedOnly({ spec }: Job): boolean {
  return spec.podReplacementPolicy === "Failed";
}

export function conditionOf(status: JobStatus | undefined, type: string): Condition | undefined {
  return status?.conditions?.find((condition) => condition.type === type && condition.status === "True");
}

/** When the Job ended, well or badly; undefined while it has not. */
export function endedAt({ status }: Job): Instant | undefined {
  const end = conditionOf(status, "Complete") ?? conditionOf(status, "Failed");
  return end === undefined ? undefined : (parseTime(end.lastTransitionTime ?? "") ?? instant(0));
}

/** The completion that the pod is for; undefined where the Job is not indexed or the pod carries nonsense. */
export function indexOf({ metadata }: Pod): number | undefined {
  const text = metadata.annotations?.[indexKey];
  return text !== undefined && /^[0-9]+$/.test(text) ? Number(text) : undefined;
}
