import type { Condition, KubernetesObject, LabelSelector, Pod, PodTemplateSpec } from "../../../api/core.ts";

/** `apps/v1` DaemonSet, in which the API server has filled in the defaults. */
export interface DaemonSet extends KubernetesObject {
  readonly spec: {
    readonly selector: LabelSelector;
    readonly template: PodTemplateSpec;
    readonly minReadySeconds?: number;
    readonly revisionHistoryLimit?: number;
    readonly updateStrategy?: {
      readonly type?: "RollingUpdate" | "OnDelete";
      readonly rollingUpdate?: {
        readonly maxUnavailable?: number | string;
        readonly maxSurge?: number | string;
      };
    };
  };
  readonly status?: DaemonSetStatus;
}

export interface DaemonSetStatus {
  readonly observedGeneration?: number;
  readonly currentNumberScheduled: number;
  readonly numberMisscheduled: number;
  readonly desiredNumberScheduled: number;
  readonly numberReady: number;
  readonly updatedNumberScheduled?: number;
  readonly numberAvailable?: number;
  readonly numberUnavailable?: number;
  readonly conditions?: readonly Condition[];
}

const prefix = "node.kubernetes.io/";

/** What every pod of a DaemonSet tolerates: it belongs on its node, however that is. */
const tolerations = [
  { key: `${prefix}not-ready`, operator: "Exists", effect: "NoExecute" },
  { key: `${prefix}unreachable`, operator: "Exists", effect: "NoExecute" },
  { key: `${prefix}disk-pressure`, operator: "Exists", effect: "NoSchedule" },
  { key: `${prefix}memory-pressure`, operator: "Exists", effect: "NoSchedule" },
  { key: `${prefix}pid-pressure`, operator: "Exists", effect: "NoSchedule" },
  { key: `${prefix}unschedulable`, operator: "Exists", effect: "NoSchedule" },
];

interface Placement {
  readonly tolerations?: readonly object[];
  readonly affinity?: { readonly nodeAffinity?: object };
}

/** The template as it is for a pod of one node. */
export function templateFor({ spec, metadata }: DaemonSet, node: string, hash: string): PodTemplateSpec {
  const { template } = spec;
  const placement = template.spec as Placement;
  const terms = [{ matchFields: [{ key: "metadata.name", operator: "In", values: [node] }] }];
  const generation = metadata.annotations?.["deprecated.daemonset.template.generation"] ?? "1";
  return {
    metadata: {
      ...template.metadata,
      labels: {
        ...template.metadata?.labels,
        [revisionLabel]: hash,
        "pod-template-generation": generation,
      },
    },
    spec: {
      ...template.spec,
      affinity: {
        ...placement.affinity,
        nodeAffinity: {
          ...placement.affinity?.nodeAffinity,
          requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms },
        },
      },
      tolerations: [...(placement.tolerations ?? []), ...tolerations],
    } as PodTemplateSpec["spec"],
  };
}

/** A pod of the template before it is given to a node: what decides which nodes it is for. */
export function podFor({ spec, metadata }: DaemonSet): Pod {
  const placement = spec.template.spec as Placement;
  const pod = { ...spec.template.spec, tolerations: [...(placement.tolerations ?? []), ...tolerations] };
  return { apiVersion: "v1", kind: "Pod", metadata, spec: pod };
}

/** On each pod: the hash of the template that it was made of. */
export const revisionLabel = "controller-revision-hash";

/** The node that a pod of a DaemonSet is on, or is for. */
export function nodeNameOf({ spec }: Pod): string | undefined {
  if (spec.nodeName) return spec.nodeName;
  const { affinity } = spec as {
    readonly affinity?: {
      readonly nodeAffinity?: {
        readonly requiredDuringSchedulingIgnoredDuringExecution?: {
          readonly nodeSelectorTerms: readonly {
            readonly matchFields?: readonly { readonly values?: readonly string[] }[];
          }[];
        };
      };
    };
  };
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required?.nodeSelectorTerms[0]?.matchFields?.[0]?.values?.[0];
}
