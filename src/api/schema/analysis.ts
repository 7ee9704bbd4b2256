import type { RolloutAnalysis } from "../rollout.ts";
import { labelsAndAnnotations } from "./pod-template.ts";
import { array, boolean, int32, object, type Schema, string } from "./schema.ts";

/** Arguments of an analysis; a value may come from the Rollout or from a hash that the controller knows. */
export const analysisArguments: Schema = array(
  object(
    {
      name: string,
      value: string,
      valueFrom: object({
        fieldRef: object({ fieldPath: string }, "fieldPath"),
        podTemplateHashValue: string,
      }),
    },
    "name",
  ),
);

const analysisTemplates: Schema = array(object({ clusterScope: boolean, templateName: string }));

/** Metrics that are measured and judged, but whose verdict does not count. */
export const dryRun: Schema = array(object({ metricName: string }, "metricName"));

const measurementRetention = array(object({ limit: int32, metricName: string }, "limit", "metricName"));

const analysisFields = {
  analysisRunMetadata: labelsAndAnnotations,
  args: analysisArguments,
  dryRun,
  measurementRetention,
  templates: analysisTemplates,
};

/** An analysis that a step, or the time before or after a promotion, waits for. */
export const analysis: Schema = object<keyof RolloutAnalysis>(analysisFields);

/** An analysis that runs beside the steps of a canary, from one of them on. */
export const backgroundAnalysis: Schema = object<keyof RolloutAnalysis>({
  ...analysisFields,
  startingStep: int32,
});

/** What a Rollout's status says about one of its AnalysisRuns. */
export const analysisRunStatus: Schema = object(
  { message: string, name: string, status: string },
  "name",
  "status",
);
