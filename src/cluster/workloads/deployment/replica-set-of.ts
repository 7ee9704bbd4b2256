import { resources } from "../../../api/resources.ts";
import { ownerReferenceTo } from "../ownership.ts";
import { boundsOf, type Deployment, type Revisions, replicasOf } from "./deployment.ts";
import { currentAnnotations, scaleAnnotations } from "./revisions.ts";
import { podTemplateHashLabel } from "./template-hash.ts";

/** The ReplicaSet that a Deployment creates for its template. */
export function replicaSetOf(
  deployment: Deployment,
  revisions: Revisions,
  { name, hash, size }: { readonly name: string; readonly hash: string; readonly size: number },
): object {
  const { selector, template, minReadySeconds } = deployment.spec;
  const labels = { ...template.metadata?.labels, [podTemplateHashLabel]: hash };
  return {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      name,
      namespace: deployment.metadata.namespace,
      labels,
      annotations: {
        ...currentAnnotations(deployment, revisions),
        ...scaleAnnotations(replicasOf(deployment), boundsOf(deployment).most),
      },
      ownerReferences: [ownerReferenceTo(resources.deployments, deployment)],
    },
    spec: {
      replicas: size,
      ...(minReadySeconds === undefined ? {} : { minReadySeconds }),
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [podTemplateHashLabel]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
}
