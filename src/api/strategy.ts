import { keepSupersededAnnotation } from "./names.ts";
import type { BlueGreenStrategy, Rollout, RolloutAnalysis } from "./rollout.ts";

/** `spec.strategy.blueGreen` with every default filled in. Durations are seconds. */
export interface BlueGreen {
  readonly kind: "blueGreen";
  readonly activeService: string;
  readonly previewService: string | undefined;
  /** Size of the new ReplicaSet until it is promoted; undefined: full size. */
  readonly previewReplicaCount: number | undefined;
  readonly autoPromotionEnabled: boolean;
  /** 0: no timed pause. */
  readonly autoPromotionSeconds: number;
  readonly scaleDownDelaySeconds: number;
  /** How many superseded ReplicaSets may wait for their deadline; the older ones go at once. */
  readonly scaleDownDelayRevisionLimit: number;
  /** 0: an aborted ReplicaSet is never scaled down. */
  readonly abortScaleDownDelaySeconds: number;
  /** Superseded ReplicaSets keep their pods until somebody else scales them down; no deadline, no limit of them. */
  readonly keepSuperseded: boolean;
  readonly prePromotionAnalysis: RolloutAnalysis | undefined;
  readonly postPromotionAnalysis: RolloutAnalysis | undefined;
}

/** The ways to bring out a new version. Parsed here once; nothing else asks which field of `spec.strategy` is set. */
export type Strategy = BlueGreen | { readonly kind: "canary" } | { readonly kind: "none" };

export function strategyOf(rollout: Rollout): Strategy {
  const { blueGreen, canary } = rollout.spec.strategy ?? {};
  if (blueGreen !== undefined) return parseBlueGreen(blueGreen, rollout.metadata.annotations ?? {});
  return { kind: canary === undefined ? "none" : "canary" };
}

function parseBlueGreen(wire: BlueGreenStrategy, annotations: Readonly<Record<string, string>>): BlueGreen {
  return {
    kind: "blueGreen",
    activeService: wire.activeService ?? "",
    previewService: wire.previewService || undefined,
    previewReplicaCount: wire.previewReplicaCount,
    autoPromotionEnabled: wire.autoPromotionEnabled ?? true,
    autoPromotionSeconds: wire.autoPromotionSeconds ?? 0,
    scaleDownDelaySeconds: wire.scaleDownDelaySeconds ?? 30,
    scaleDownDelayRevisionLimit: wire.scaleDownDelayRevisionLimit ?? Number.POSITIVE_INFINITY,
    abortScaleDownDelaySeconds: wire.abortScaleDownDelaySeconds ?? 30,
    keepSuperseded: annotations[keepSupersededAnnotation] === "true",
    prePromotionAnalysis: wire.prePromotionAnalysis,
    postPromotionAnalysis: wire.postPromotionAnalysis,
  };
}

export const defaultReplicas = 1;
export const defaultRevisionHistoryLimit = 10;
export const defaultProgressDeadlineSeconds = 600;
