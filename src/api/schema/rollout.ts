import { group, version } from "../names.ts";
import { resources } from "../resources.ts";
import type { RolloutSpec } from "../rollout.ts";
import { blueGreenStrategy } from "./blue-green.ts";
import { canaryStrategy } from "./canary.ts";
import { labelSelector, podTemplate } from "./pod-template.ts";
import { boolean, int32, object, type Schema, string, time } from "./schema.ts";
import { rolloutStatus } from "./status.ts";

// A selector that changes would let go of pods that run.
const immutableSelector: Schema = {
  ...labelSelector,
  "x-kubernetes-validations": [{ rule: "self == oldSelf", message: ".spec.selector is immutable" }],
};

const rolloutSpec = object<keyof RolloutSpec>({
  analysis: object({ successfulRunHistoryLimit: int32, unsuccessfulRunHistoryLimit: int32 }),
  minReadySeconds: int32,
  paused: boolean,
  progressDeadlineAbort: boolean,
  progressDeadlineSeconds: int32,
  replicas: int32,
  restartAt: time,
  revisionHistoryLimit: int32,
  rollbackWindow: object({ revisions: int32 }),
  selector: immutableSelector,
  strategy: object<keyof NonNullable<RolloutSpec["strategy"]>>({
    blueGreen: blueGreenStrategy,
    canary: canaryStrategy,
  }),
  template: podTemplate,
  workloadRef: object<keyof NonNullable<RolloutSpec["workloadRef"]>>({
    apiVersion: string,
    kind: string,
    name: string,
    scaleDown: string,
  }),
});

const rolloutSchema = object(
  {
    apiVersion: string,
    kind: string,
    metadata: { type: "object" },
    spec: rolloutSpec,
    status: rolloutStatus,
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
