import type {
  Condition,
  KubernetesObject,
  LabelSelector,
  PodTemplateSpec,
  ReplicaSet,
} from "../../../api/core.ts";
import { allowedOf } from "../count-or-percent.ts";

/** `apps/v1` Deployment, with the API server's defaults. */
export interface Deployment extends KubernetesObject {
  readonly spec: {
    readonly replicas?: number;
    readonly selector: LabelSelector;
    readonly template: PodTemplateSpec;
    readonly strategy?: {
      readonly type?: string;
      readonly rollingUpdate?: {
        readonly maxSurge?: number | string;
        readonly maxUnavailable?: number | string;
      };
    };
    readonly minReadySeconds?: number;
    readonly revisionHistoryLimit?: number;
    readonly paused?: boolean;
    readonly progressDeadlineSeconds?: number;
  };
  readonly status?: DeploymentStatus;
}

export interface DeploymentStatus {
  readonly observedGeneration?: number;
  readonly replicas?: number;
  readonly updatedReplicas?: number;
  readonly readyReplicas?: number;
  readonly availableReplicas?: number;
  readonly unavailableReplicas?: number;
  readonly collisionCount?: number;
  readonly conditions?: readonly Condition[];
}

/** The ReplicaSets of a Deployment. */
export interface Revisions {
  /** That of the template as it is now; undefined until it is made. */
  readonly current: ReplicaSet | undefined;
  /** The others, oldest first. */
  readonly old: readonly ReplicaSet[];
}

export function isRolling({ spec }: Deployment): boolean {
  return spec.strategy?.type !== "Recreate";
}

export function replicasOf({ spec }: { readonly spec: { readonly replicas?: number } }): number {
  return spec.replicas ?? 1;
}

export function totalOf(replicaSets: readonly ReplicaSet[]): number {
  return replicaSets.reduce((sum, replicaSet) => sum + replicasOf(replicaSet), 0);
}

export function availableOf(replicaSets: readonly ReplicaSet[]): number {
  return replicaSets.reduce((sum, { status }) => sum + (status?.availableReplicas ?? 0), 0);
}

/** How many pods there may be in all, and how many must be available, while versions change. */
export function boundsOf(deployment: Deployment): { readonly most: number; readonly least: number } {
  const replicas = replicasOf(deployment);
  if (!isRolling(deployment) || replicas === 0) return { most: replicas, least: replicas };
  const { maxSurge, maxUnavailable } = deployment.spec.strategy?.rollingUpdate ?? {};
  const surge = allowedOf(maxSurge ?? "25%", replicas, "up");
  const unavailable = allowedOf(maxUnavailable ?? "25%", replicas, "down");
  // A percentage may come to nothing on both sides; then nothing could ever move.
  const spared = surge === 0 && unavailable === 0 ? 1 : unavailable;
  return { most: replicas + surge, least: Math.max(0, replicas - spared) };
}
