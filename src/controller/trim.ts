import type { Endpoint, EndpointSlice, ObjectMeta, Pod, ReplicaSet, Service } from "../api/core.ts";
import { controllerOf } from "../api/metadata.ts";
import {
  endpointSliceManagedByLabel,
  fastRollbackAnnotation,
  lastAppliedAnnotation,
  managedByAnnotation,
  podTemplateHashLabel,
  revisionAnnotation,
  revisionHistoryAnnotation,
  routedGenerationAnnotation,
  scaleDownDeadlineAnnotation,
  serviceNameLabel,
} from "../api/names.ts";
import type { Rollout } from "../api/rollout.ts";
import { type IdentifiedReplicaSet, identified } from "../rollout/identified-replica-set.ts";

// What the caches keep of each object: thousands of Rollouts with all their pods shall fit into little memory.

/** All but the manifest that kubectl applied, which is as large as the object itself. */
export function trimRollout(rollout: Rollout): Rollout {
  const { annotations } = rollout.metadata;
  if (annotations?.[lastAppliedAnnotation] === undefined) return rollout;
  const { [lastAppliedAnnotation]: _, ...kept } = annotations;
  return { ...rollout, metadata: { ...rollout.metadata, annotations: kept } };
}

export function trimReplicaSet(replicaSet: ReplicaSet): IdentifiedReplicaSet {
  const { metadata, ...rest } = identified(replicaSet);
  const { generation, labels, annotations } = metadata;
  return {
    ...rest,
    metadata: {
      ...identityOf(metadata),
      ...ownerOf(metadata),
      ...(generation === undefined ? {} : { generation }),
      labels: only(labels, podTemplateHashLabel),
      annotations: only(
        annotations,
        revisionAnnotation,
        revisionHistoryAnnotation,
        scaleDownDeadlineAnnotation,
        fastRollbackAnnotation,
      ),
    },
  };
}

export function trimService({ apiVersion, kind, metadata, spec: { type, selector } }: Service): Service {
  return {
    apiVersion,
    kind,
    metadata: { ...identityOf(metadata), annotations: only(metadata.annotations, managedByAnnotation) },
    spec: { ...(type === undefined ? {} : { type }), ...(selector === undefined ? {} : { selector }) },
  };
}

export function trimEndpointSlice(slice: EndpointSlice): EndpointSlice {
  const { apiVersion, kind, metadata, addressType, endpoints } = slice;
  const { generation, labels, annotations } = metadata;
  return {
    apiVersion,
    kind,
    metadata: {
      ...identityOf(metadata),
      ...(generation === undefined ? {} : { generation }),
      labels: only(labels, serviceNameLabel, endpointSliceManagedByLabel),
      annotations: only(annotations, routedGenerationAnnotation),
    },
    addressType,
    endpoints: (endpoints ?? []).map(trimEndpoint),
  };
}

/** A pod is found by its name; an endpoint that is none has nothing but its addresses. */
function trimEndpoint({ addresses, conditions, targetRef }: Endpoint): Endpoint {
  return {
    addresses: targetRef?.name === undefined ? addresses : [],
    ...(conditions?.ready === false ? { conditions: { ready: false } } : {}),
    ...(targetRef?.name === undefined ? {} : { targetRef: { name: targetRef.name } }),
  };
}

export function trimPod({ apiVersion, kind, metadata, status }: Pod): Pod {
  const ready = status?.conditions?.find(({ type }) => type === "Ready");
  return {
    apiVersion,
    kind,
    metadata: {
      ...identityOf(metadata),
      ...ownerOf(metadata),
      labels: only(metadata.labels, podTemplateHashLabel),
    },
    spec: noContainers,
    ...(ready === undefined ? {} : { status: { conditions: [{ type: ready.type, status: ready.status }] } }),
  };
}

const noContainers: Pod["spec"] = { containers: [] };

type Texts = Readonly<Record<string, string>>;
const noTexts: Texts = {};

function only(texts: Texts = noTexts, ...names: readonly string[]): Texts {
  const kept = names.flatMap((name) => (texts[name] === undefined ? [] : [[name, texts[name]]]));
  return kept.length === 0 ? noTexts : Object.fromEntries(kept);
}

function ownerOf(metadata: ObjectMeta): Pick<ObjectMeta, "ownerReferences"> {
  const owner = controllerOf({ metadata });
  return owner === undefined ? {} : { ownerReferences: [owner] };
}

function identityOf({ name, namespace, uid, resourceVersion, deletionTimestamp }: ObjectMeta): ObjectMeta {
  return {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
  };
}
