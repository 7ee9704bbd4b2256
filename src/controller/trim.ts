import type { Endpoint, EndpointSlice, ObjectMeta, Pod, ReplicaSet, Service } from "../api/core.ts";
import { lastAppliedAnnotation, managedByAnnotation, routedGenerationAnnotation } from "../api/names.ts";
import type { Rollout } from "../api/rollout.ts";

// What the caches keep of each object: thousands of Rollouts with all their pods shall fit into little memory.

/** The manifest that kubectl applied is as large as the object itself. */
export function trimApplied<T extends Rollout | ReplicaSet>(object: T): T {
  const { annotations } = object.metadata;
  if (annotations?.[lastAppliedAnnotation] === undefined) return object;
  const { [lastAppliedAnnotation]: _, ...kept } = annotations;
  return { ...object, metadata: { ...object.metadata, annotations: kept } };
}

export function trimService(service: Service): Service {
  const { apiVersion, kind, metadata, spec } = service;
  const { type, selector } = spec;
  const owner = metadata.annotations?.[managedByAnnotation];
  return {
    apiVersion,
    kind,
    metadata: {
      ...identityOf(metadata),
      ...(owner === undefined ? {} : { annotations: { [managedByAnnotation]: owner } }),
    },
    spec: { ...(type === undefined ? {} : { type }), ...(selector === undefined ? {} : { selector }) },
  };
}

export function trimEndpointSlice(slice: EndpointSlice): EndpointSlice {
  const { apiVersion, kind, metadata, addressType, endpoints } = slice;
  const { generation, labels, annotations } = metadata;
  const confirmed = annotations?.[routedGenerationAnnotation];
  return {
    apiVersion,
    kind,
    metadata: {
      ...identityOf(metadata),
      ...(generation === undefined ? {} : { generation }),
      ...(labels === undefined ? {} : { labels }),
      ...(confirmed === undefined ? {} : { annotations: { [routedGenerationAnnotation]: confirmed } }),
    },
    addressType,
    endpoints: (endpoints ?? []).map(trimEndpoint),
  };
}

function trimEndpoint({ addresses, conditions, targetRef }: Endpoint): Endpoint {
  return {
    addresses,
    ...(conditions?.ready === undefined ? {} : { conditions: { ready: conditions.ready } }),
    ...(targetRef?.name === undefined ? {} : { targetRef: { name: targetRef.name } }),
  };
}

export function trimPod({ apiVersion, kind, metadata, status }: Pod): Pod {
  const { labels, ownerReferences } = metadata;
  const ready = status?.conditions?.find(({ type }) => type === "Ready");
  return {
    apiVersion,
    kind,
    metadata: {
      ...identityOf(metadata),
      ...(labels === undefined ? {} : { labels }),
      ...(ownerReferences === undefined ? {} : { ownerReferences }),
    },
    spec: { containers: [] },
    ...(ready === undefined ? {} : { status: { conditions: [{ type: ready.type, status: ready.status }] } }),
  };
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
