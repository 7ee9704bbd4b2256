import type { BlueGreenStrategy } from "../rollout.ts";
import { analysis } from "./analysis.ts";
import { labelsAndAnnotations } from "./pod-template.ts";
import { boolean, described, int32, intOrString, object, type Schema, string } from "./schema.ts";

/** Keeps pods of the new version off the nodes of the old one. */
export const antiAffinity: Schema = object({
  preferredDuringSchedulingIgnoredDuringExecution: object({ weight: int32 }, "weight"),
  requiredDuringSchedulingIgnoredDuringExecution: { type: "object" },
});

export const blueGreenStrategy: Schema = object<keyof BlueGreenStrategy>(
  {
    abortScaleDownDelaySeconds: described(
      int32,
      "How long the pods of an aborted version are kept, in seconds; 30 by default, 0 keeps them",
    ),
    activeMetadata: described(
      labelsAndAnnotations,
      "Labels and annotations for the pods of the active version",
    ),
    activeService: described(string, "The Service by which users reach the active version"),
    antiAffinity: described(antiAffinity, "Keeps pods of the new version off the nodes of the old one"),
    autoPromotionEnabled: described(
      boolean,
      "Whether a new version goes live by itself as soon as it is up; true by default, false waits for a promote",
    ),
    autoPromotionSeconds: described(
      int32,
      "How long a new version that is up is paused before it goes live by itself, in seconds; without effect where autoPromotionEnabled is false",
    ),
    maxUnavailable: described(
      intOrString,
      "How many pods of the active version may be missing during a restart, a number or a percentage",
    ),
    postPromotionAnalysis: described(analysis, "Analysis after the switch; its failure takes users back"),
    prePromotionAnalysis: described(analysis, "Analysis before the switch; its failure aborts the update"),
    previewMetadata: described(labelsAndAnnotations, "Labels and annotations for the pods of the preview"),
    previewReplicaCount: described(
      int32,
      "Pods of the preview before it is promoted; spec.replicas by default",
    ),
    previewService: described(string, "The Service by which the new version is reached before the switch"),
    scaleDownDelayRevisionLimit: described(
      int32,
      "How many old versions at most may stay up during their scale-down delay",
    ),
    scaleDownDelaySeconds: described(
      int32,
      "How long the old version stays up for the way back after the switch, in seconds; 30 by default",
    ),
  },
  "activeService",
);
