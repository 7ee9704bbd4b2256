import { backgroundAnalysis } from "./analysis.ts";
import { antiAffinity } from "./blue-green.ts";
import { canarySteps } from "./canary-steps.ts";
import { labelsAndAnnotations } from "./pod-template.ts";
import { boolean, int32, intOrString, object, type Schema, string } from "./schema.ts";
import { trafficRouting } from "./traffic-routing.ts";

export const canaryStrategy: Schema = object({
  abortScaleDownDelaySeconds: int32,
  analysis: backgroundAnalysis,
  antiAffinity,
  canaryMetadata: labelsAndAnnotations,
  canaryService: string,
  dynamicStableScale: boolean,
  maxSurge: intOrString,
  maxUnavailable: intOrString,
  minPodsPerReplicaSet: int32,
  pingPong: object({ pingService: string, pongService: string }, "pingService", "pongService"),
  replicaProgressThreshold: object({ type: string, value: int32 }, "type", "value"),
  scaleDownDelayRevisionLimit: int32,
  scaleDownDelaySeconds: int32,
  stableMetadata: labelsAndAnnotations,
  stableService: string,
  steps: canarySteps,
  trafficRouting,
});
