import type { PodTemplateSpec, ReplicaSet } from "../../src/api/core.ts";
import {
  ephemeralMetadataAnnotation,
  podTemplateHashLabel,
  templateAnnotation,
} from "../../src/api/names.ts";
import { withPodTemplateDefaults } from "../../src/api/pod-defaults.ts";
import type { RolloutStatus } from "../../src/api/rollout.ts";
import { hashOf } from "../../src/rollout/replica-set.ts";
import type { World } from "./world.ts";

type Mutable = Record<string, unknown>;

/** What stands in ReplicaSets of Argo's controller beside the Rollout's template. */
export interface Traces {
  readonly activeMetadata?: Metadata;
  readonly previewMetadata?: Metadata;
  readonly antiAffinity?: "required" | "preferred";
  /** What a webhook or a newer API server has done to every template. */
  readonly change?: ((template: PodTemplateSpec) => PodTemplateSpec) | undefined;
}

interface Metadata {
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The same cluster as it would be if Argo's controller had brought it to where it is. */
export function asMadeByArgo(world: World, traces: Traces = {}): World {
  const hashes = new Map(world.replicaSets.map((it) => [hashOf(it), argoHash(hashOf(it))]));
  const renamed = (hash: string | undefined) => (hash === undefined ? undefined : (hashes.get(hash) ?? hash));
  const { currentPodHash, stableRS } = world.status;
  world.replicaSets = world.replicaSets.map((it) => {
    const isStable = hashOf(it) === stableRS;
    const metadata = isStable
      ? traces.activeMetadata
      : hashOf(it) === currentPodHash
        ? traces.previewMetadata
        : undefined;
    const apart =
      stableRS !== currentPodHash && hashOf(it) === currentPodHash ? traces.antiAffinity : undefined;
    return argoReplicaSet(it, renamed(hashOf(it)) ?? "", {
      metadata,
      antiAffinity: apart,
      change: traces.change,
      stable: renamed(stableRS) ?? "",
    });
  });
  for (const [name, { spec }] of world.services) {
    const hash = spec.selector?.[podTemplateHashLabel];
    if (hash !== undefined) world.select(name, renamed(hash));
  }
  const { activeSelector, previewSelector, ...more } = world.status.blueGreen ?? {};
  const status = {
    ...world.status,
    abort: world.status.abort ?? false,
    canary: {},
    currentPodHash: renamed(currentPodHash),
    stableRS: renamed(stableRS),
    blueGreen: {
      ...more,
      activeSelector: renamed(activeSelector),
      previewSelector: renamed(previewSelector),
    },
  };
  world.rollout = { ...world.rollout, status: JSON.parse(JSON.stringify(status)) as RolloutStatus };
  return world;
}

/** Argo's hashes are numbers in ten letters of Kubernetes' alphabet. */
function argoHash(hash: string): string {
  const letters = "456789bcdf";
  return hash.replaceAll(/./g, (letter) => letters.charAt(letter.charCodeAt(0) % 10));
}

function argoReplicaSet(
  replicaSet: ReplicaSet,
  hash: string,
  traces: {
    readonly metadata: Metadata | undefined;
    readonly antiAffinity: "required" | "preferred" | undefined;
    readonly change: Traces["change"];
    readonly stable: string;
  },
): ReplicaSet {
  const { metadata, spec } = replicaSet;
  const { [templateAnnotation]: _, ...annotations } = metadata.annotations ?? {};
  const label = { [podTemplateHashLabel]: hash };
  let template = withPodTemplateDefaults(spec.template);
  template = {
    ...template,
    metadata: {
      ...template.metadata,
      labels: { ...template.metadata?.labels, ...traces.metadata?.labels, ...label },
      annotations: { ...template.metadata?.annotations, ...traces.metadata?.annotations },
    },
  };
  if (traces.antiAffinity !== undefined) template = apartFrom(template, traces.stable, traces.antiAffinity);
  return {
    ...replicaSet,
    metadata: {
      ...metadata,
      name: `web-${hash}`,
      labels: { ...metadata.labels, ...label },
      annotations: {
        ...annotations,
        ...(traces.metadata === undefined
          ? {}
          : { [ephemeralMetadataAnnotation]: JSON.stringify(traces.metadata) }),
      },
    },
    spec: {
      ...spec,
      selector: { ...spec.selector, matchLabels: { ...spec.selector.matchLabels, ...label } },
      template: traces.change?.(template) ?? template,
    },
  };
}

function apartFrom(
  template: PodTemplateSpec,
  stable: string,
  how: "required" | "preferred",
): PodTemplateSpec {
  const field = `${how}DuringSchedulingIgnoredDuringExecution`;
  const term = {
    labelSelector: {
      matchExpressions: [{ key: podTemplateHashLabel, operator: "In", values: [stable] }],
    },
    namespaces: ["shop"],
    topologyKey: "kubernetes.io/hostname",
  };
  const affinity = (template.spec as { affinity?: Mutable }).affinity ?? {};
  const podAntiAffinity = (affinity["podAntiAffinity"] ?? {}) as Mutable;
  const terms = (podAntiAffinity[field] ?? []) as unknown[];
  const added = how === "required" ? term : { weight: 100, podAffinityTerm: term };
  const spec = {
    ...template.spec,
    affinity: { ...affinity, podAntiAffinity: { ...podAntiAffinity, [field]: [...terms, added] } },
  };
  return { ...template, spec };
}
