import type { BlueGreenStrategy } from "../rollout.ts";
import { analysis } from "./analysis.ts";
import { labelsAndAnnotations } from "./pod-template.ts";
import { boolean, int32, intOrString, object, type Schema, string } from "./schema.ts";

/** Keeps pods of the new version off the nodes of the old one. */
export const antiAffinity: Schema = object({
  preferredDuringSchedulingIgnoredDuringExecution: object({ weight: int32 }, "weight"),
  requiredDuringSchedulingIgnoredDuringExecution: { type: "object" },
});

export const blueGreenStrategy: Schema = object<keyof BlueGreenStrategy>(
  {
    abortScaleDownDelaySeconds: int32,
    activeMetadata: labelsAndAnnotations,
    activeService: string,
    antiAffinity,
    autoPromotionEnabled: boolean,
    autoPromotionSeconds: int32,
    maxUnavailable: intOrString,
    postPromotionAnalysis: analysis,
    prePromotionAnalysis: analysis,
    previewMetadata: labelsAndAnnotations,
    previewReplicaCount: int32,
    previewService: string,
    scaleDownDelayRevisionLimit: int32,
    scaleDownDelaySeconds: int32,
  },
  "activeService",
);
