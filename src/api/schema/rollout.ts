import { group, version } from "../names.ts";
import { resources } from "../resources.ts";
import type { RolloutSpec } from "../rollout.ts";
import { blueGreenStrategy } from "./blue-green.ts";
import { canaryStrategy } from "./canary.ts";
import { labelSelector, podTemplate } from "./pod-template.ts";
import { boolean, described, int32, object, type Schema, string, time } from "./schema.ts";
import { rolloutStatus } from "./status.ts";

// A selector that changes would let go of pods that run.
const immutableSelector: Schema = {
  ...labelSelector,
  "x-kubernetes-validations": [{ rule: "self == oldSelf", message: ".spec.selector is immutable" }],
};

const rolloutSpec = object<keyof RolloutSpec>({
  analysis: described(
    object({ successfulRunHistoryLimit: int32, unsuccessfulRunHistoryLimit: int32 }),
    "How many finished AnalysisRuns are kept",
  ),
  minReadySeconds: described(
    int32,
    "How long a new pod must be ready before it counts as available, in seconds",
  ),
  paused: described(boolean, "Holds the Rollout where it is; a promote lets it go on"),
  progressDeadlineAbort: described(boolean, "Whether an update that misses its deadline is aborted"),
  progressDeadlineSeconds: described(
    int32,
    "How long an update may make no progress before the Rollout is Degraded, in seconds; 600 by default",
  ),
  replicas: described(int32, "Pods of the version that users get; 1 by default"),
  restartAt: described(time, "Pods older than this time are replaced"),
  revisionHistoryLimit: described(int32, "How many old ReplicaSets are kept for undo; 10 by default"),
  rollbackWindow: described(
    object({ revisions: described(int32, "How many revisions back an undo skips pauses and analysis") }),
    "Which earlier versions are live at once when they come back",
  ),
  selector: described(immutableSelector, "The pods that belong to the Rollout; it cannot be changed"),
  strategy: described(
    object<keyof NonNullable<RolloutSpec["strategy"]>>({
      blueGreen: described(
        blueGreenStrategy,
        "Two versions side by side: all users move from one to the other at once",
      ),
      canary: described(canaryStrategy, "Users move to the new version little by little"),
    }),
    "How a new version replaces the old one; exactly one",
  ),
  template: described(podTemplate, "The pods; any change of it is a new version"),
  workloadRef: described(
    object<keyof NonNullable<RolloutSpec["workloadRef"]>>({
      apiVersion: string,
      kind: string,
      name: string,
      scaleDown: string,
    }),
    "A Deployment whose template is taken instead of spec.template",
  ),
});

const rolloutSchema = object(
  {
    apiVersion: string,
    kind: string,
    metadata: { type: "object" },
    spec: described(rolloutSpec, "What is wanted"),
    status: described(rolloutStatus, "Where the release stands, written by the controller"),
  },
  "spec",
);

const column = (name: string, type: string, jsonPath: string, description: string) => ({
  name,
  type,
  jsonPath,
  description,
});

/** The CustomResourceDefinition that makes a Kubernetes API server know Rollouts. */
export function rolloutCustomResourceDefinition(): object {
  const { plural, kind } = resources.rollouts;
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      names: { kind, listKind: `${kind}List`, plural, shortNames: ["ro"], singular: kind.toLowerCase() },
      scope: "Namespaced",
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          additionalPrinterColumns: [
            column("Desired", "integer", ".spec.replicas", "Pods that the Rollout asks for"),
            column("Current", "integer", ".status.replicas", "Pods of all versions"),
            column("Up-to-date", "integer", ".status.updatedReplicas", "Pods of the newest version"),
            column(
              "Available",
              "integer",
              ".status.availableReplicas",
              "Pods that serve, for minReadySeconds",
            ),
            column("Age", "date", ".metadata.creationTimestamp", "Time since the Rollout was created"),
          ],
          subresources: {
            scale: {
              specReplicasPath: ".spec.replicas",
              statusReplicasPath: ".status.HPAReplicas",
              labelSelectorPath: ".status.selector",
            },
            status: {},
          },
          schema: { openAPIV3Schema: rolloutSchema },
        },
      ],
    },
  };
}
