import { analysis, analysisArguments, dryRun } from "./analysis.ts";
import { labelSelector, labelsAndAnnotations } from "./pod-template.ts";
import { anyObject, array, boolean, int32, intOrString, map, object, type Schema, string } from "./schema.ts";

const textMatch = object({ exact: string, prefix: string, regex: string });

const experiment = object(
  {
    analyses: array(
      object(
        {
          args: analysisArguments,
          clusterScope: boolean,
          name: string,
          requiredForCompletion: boolean,
          templateName: string,
        },
        "name",
        "templateName",
      ),
    ),
    analysisRunMetadata: labelsAndAnnotations,
    dryRun,
    duration: string,
    scaleDownDelaySeconds: int32,
    templates: array(
      object(
        {
          metadata: labelsAndAnnotations,
          name: string,
          replicas: int32,
          selector: labelSelector,
          service: object({ name: string }),
          specRef: string,
          weight: int32,
        },
        "name",
        "specRef",
      ),
    ),
  },
  "templates",
);

const setHeaderRoute = object({
  match: array(object({ headerName: string, headerValue: textMatch }, "headerName", "headerValue")),
  name: string,
});

const setMirrorRoute = object(
  {
    match: array(object({ headers: map(textMatch), method: textMatch, path: textMatch })),
    name: string,
    percentage: int32,
  },
  "name",
);

/** The steps of a canary. Each is to have one of these fields. */
export const canarySteps: Schema = array(
  object({
    analysis,
    experiment,
    pause: object({ duration: intOrString }),
    plugin: object({ config: anyObject, name: string }, "name"),
    setCanaryScale: object({ matchTrafficWeight: boolean, replicas: int32, weight: int32 }),
    setHeaderRoute,
    setMirrorRoute,
    setWeight: int32,
  }),
);
