import type { PodTemplateSpec, ReplicaSet } from "../../../src/api/core.ts";
import {
  desiredReplicasAnnotation,
  ephemeralMetadataAnnotation,
  managedByAnnotation,
  podTemplateHashLabel,
  revisionAnnotation,
} from "../../../src/api/names.ts";
import { resources } from "../../../src/api/resources.ts";
import type { RolloutStatus } from "../../../src/api/rollout.ts";
import { type Act, applyRollout, deploy } from "./acts.ts";
import type { ApplicationUnderTest } from "./application-under-test.ts";
import { namespace, serviceManifest } from "./manifests.ts";

/** A ReplicaSet as Argo's controller leaves it. */
export interface MadeByArgo {
  readonly version: string;
  /** As Argo's are: ten letters at most of `456789bcdf`. */
  readonly hash: string;
  readonly revision: number;
  readonly replicas: number;
  /** Labels of activeMetadata or previewMetadata. */
  readonly ephemeralLabels?: Readonly<Record<string, string>>;
  /** The hash that pods are kept away from. */
  readonly apartFrom?: string;
  readonly deadline?: string;
  /** What a webhook has made of the template. */
  readonly change?: (template: PodTemplateSpec) => PodTemplateSpec;
}

/**
 * The application as Argo's controller leaves it when it is stopped: the Rollout in the version that the last of `made`
 * runs, its ReplicaSets with their pods, Services and status. Teal's controller does not run meanwhile.
 */
export function leftByArgo(
  made: readonly [MadeByArgo, ...MadeByArgo[]],
  { active, status }: { readonly active: string; readonly status: RolloutStatus },
): Act {
  return async (app) => {
    await app.cluster.killController();
    const [first] = made;
    const current = made.at(-1) ?? first;
    await applyRollout(first.version)(app);
    for (const one of made) await create(app, one);
    if (current !== first) await deploy(current.version)(app);
    const { activeService, previewService } = app.application.strategy;
    await createManagedService(app, activeService, active);
    await createManagedService(app, previewService, current.hash);
    const { generation } = (await app.rollout()).metadata;
    await app.patch(resources.rollouts, app.name, {
      metadata: { annotations: { [revisionAnnotation]: String(current.revision) } },
    });
    const whole = {
      observedGeneration: String(generation),
      currentPodHash: current.hash,
      blueGreen: { activeSelector: active, previewSelector: current.hash },
      ...status,
    };
    await app.patch(resources.rollouts, app.name, { status: whole }, "status");
  };
}

async function createManagedService(
  app: ApplicationUnderTest,
  name: string | undefined,
  hash: string,
): Promise<void> {
  if (name === undefined) return;
  const { metadata, spec, ...manifest } = serviceManifest(app.name, name);
  await app.cluster.client.create(resources.services, namespace, {
    ...manifest,
    metadata: { ...metadata, annotations: { [managedByAnnotation]: app.name } },
    spec: { ...spec, selector: { ...spec.selector, [podTemplateHashLabel]: hash } },
  });
}

async function create(app: ApplicationUnderTest, made: MadeByArgo): Promise<void> {
  const { metadata, spec } = await app.rollout();
  const hash = { [podTemplateHashLabel]: made.hash };
  const template = spec.template ?? { spec: { containers: [] } };
  const [container, ...others] = template.spec.containers;
  const labels = { ...template.metadata?.labels, ...made.ephemeralLabels, ...hash };
  const whole: PodTemplateSpec = {
    ...template,
    metadata: { ...template.metadata, labels },
    spec: {
      ...template.spec,
      containers: [
        { ...container, name: container?.name ?? "", image: `${app.name}:${made.version}` },
        ...others,
      ],
      ...(made.apartFrom === undefined ? {} : { affinity: apartFrom(made.apartFrom) }),
    },
  };
  const replicaSet: ReplicaSet = {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      name: `${app.name}-${made.hash}`,
      namespace,
      labels,
      annotations: {
        [revisionAnnotation]: String(made.revision),
        [desiredReplicasAnnotation]: String(spec.replicas),
        ...(made.deadline === undefined ? {} : { "scale-down-deadline": made.deadline }),
        ...(made.ephemeralLabels === undefined
          ? {}
          : { [ephemeralMetadataAnnotation]: JSON.stringify({ labels: made.ephemeralLabels }) }),
      },
      ownerReferences: [
        {
          apiVersion: "argoproj.io/v1alpha1",
          kind: "Rollout",
          name: app.name,
          uid: metadata.uid ?? "",
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: {
      replicas: made.replicas,
      selector: { ...spec.selector, matchLabels: { ...spec.selector?.matchLabels, ...hash } },
      template: made.change?.(whole) ?? whole,
    },
  };
  await app.cluster.client.create(resources.replicaSets, namespace, replicaSet);
}

function apartFrom(hash: string): object {
  const term = {
    labelSelector: { matchExpressions: [{ key: podTemplateHashLabel, operator: "In", values: [hash] }] },
    namespaces: [namespace],
    topologyKey: "kubernetes.io/hostname",
  };
  return { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } };
}
