import type { KubernetesObject, ObjectMeta } from "../../../api/core.ts";
import type { Job } from "../job/job.ts";

/** `batch/v1` CronJob, with the API server's defaults. */
export interface CronJob extends KubernetesObject {
  readonly spec: {
    readonly schedule: string;
    readonly timeZone?: string;
    readonly startingDeadlineSeconds?: number;
    readonly concurrencyPolicy?: string;
    readonly suspend?: boolean;
    readonly successfulJobsHistoryLimit?: number;
    readonly failedJobsHistoryLimit?: number;
    readonly jobTemplate: { readonly metadata?: Partial<ObjectMeta>; readonly spec: Job["spec"] };
  };
  readonly status?: CronJobStatus;
}

export interface JobReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion?: string;
}

export interface CronJobStatus {
  readonly active?: readonly JobReference[];
  readonly lastScheduleTime?: string;
  readonly lastSuccessfulTime?: string;
}

/** On each Job of a CronJob: the time for which it was made, in the CronJob's time zone. */
export const scheduledAnnotation = "batch.kubernetes.io/cronjob-scheduled-timestamp";
