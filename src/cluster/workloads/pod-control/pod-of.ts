import type { KubernetesObject, OwnerReference, PodTemplateSpec } from "../../../api/core.ts";

/** The pod that an owner creates: its template, named after it. */
export function podOf(owner: KubernetesObject, template: PodTemplateSpec, reference: OwnerReference): object {
  const { metadata = {}, spec } = template;
  const { labels, annotations, finalizers } = metadata;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      generateName: `${owner.metadata.name}-`,
      namespace: owner.metadata.namespace,
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
      ...(finalizers === undefined ? {} : { finalizers }),
      ownerReferences: [reference],
    },
    spec,
  };
}
