import type { OwnerReference, PodTemplateSpec } from "../../../api/core.ts";
import { podOf } from "../pod-control/pod-of.ts";
import { type StatefulSet, startOf } from "./stateful-set.ts";

/** On each pod: the ControllerRevision whose template it was made of. */
export const revisionLabel = "controller-revision-hash";

/** The pod with this ordinal, made of the template of `revision`: its name, its host name and its claims stay the same for ever. */
export function podWith(
  set: StatefulSet,
  ordinal: number,
  revision: { readonly name: string; readonly template: PodTemplateSpec },
  reference: OwnerReference,
): object {
  const name = `${set.metadata.name}-${ordinal}`;
  const claims = claimsOf(set, ordinal).map((claim) => ({
    name: claim.template,
    persistentVolumeClaim: { claimName: claim.name },
  }));
  const isClaimed = (volume: { readonly name: string }) => claims.some((claim) => claim.name === volume.name);
  const { metadata = {}, spec } = revision.template;
  const volumes = [...claims, ...(spec.volumes ?? []).filter((volume) => !isClaimed(volume))];
  const template = {
    metadata: {
      ...metadata,
      labels: {
        ...metadata.labels,
        "apps.kubernetes.io/pod-index": String(ordinal),
        [revisionLabel]: revision.name,
        "statefulset.kubernetes.io/pod-name": name,
      },
    },
    spec: {
      ...spec,
      hostname: name,
      ...(set.spec.serviceName ? { subdomain: set.spec.serviceName } : {}),
      ...(volumes.length === 0 ? {} : { volumes }),
    },
  };
  const pod = podOf(set, template as PodTemplateSpec, reference) as { readonly metadata: object };
  const { generateName: _generated, ...rest } = pod.metadata as { readonly generateName?: string };
  return { ...pod, metadata: { ...rest, name } };
}

/** The claims of the pod with this ordinal, as they are created. */
export function claimsOf(
  set: StatefulSet,
  ordinal: number,
): readonly { readonly name: string; readonly template: string; readonly object: object }[] {
  const { volumeClaimTemplates = [], selector } = set.spec;
  return volumeClaimTemplates.map(({ metadata, spec }) => {
    const name = `${metadata.name}-${set.metadata.name}-${ordinal}`;
    const labels = { ...metadata.labels, ...selector.matchLabels };
    return {
      name,
      template: metadata.name,
      object: {
        apiVersion: "v1",
        kind: "PersistentVolumeClaim",
        metadata: { ...metadata, name, namespace: set.metadata.namespace, labels },
        spec,
      },
    };
  });
}

/** Whether the pod with this ordinal is to be left at the revision before the newest one. */
export function isBehindPartition(set: StatefulSet, ordinal: number): boolean {
  const { rollingUpdate } = set.spec.updateStrategy ?? {};
  return ordinal < startOf(set) + (rollingUpdate?.partition ?? 0);
}
