import type { OwnerReference, ReplicaSet } from "../../../api/core.ts";

/** The pod that a ReplicaSet creates: its template, named after it. */
export function podOf(replicaSet: ReplicaSet, owner: OwnerReference): object {
  const { metadata = {}, spec } = replicaSet.spec.template;
  const { labels, annotations, finalizers } = metadata;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      generateName: `${replicaSet.metadata.name}-`,
      namespace: replicaSet.metadata.namespace,
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
      ...(finalizers === undefined ? {} : { finalizers }),
      ownerReferences: [owner],
    },
    spec,
  };
}
