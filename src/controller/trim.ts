import type {
  Endpoint,
  EndpointSlice,
  ObjectMeta,
  Pod,
  PodStatus,
  ReplicaSet,
  Service,
  ServicePort,
} from "../api/core.ts";
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
  scaleDownPostponedFromAnnotation,
  serviceNameLabel,
  wasLiveAnnotation,
} from "../api/names.ts";
import type { Rollout } from "../api/rollout.ts";
import { type IdentifiedReplicaSet, identified } from "../rollout/identified-replica-set.ts";
import {
  families,
  familiesOf,
  followsSelector,
  isSound,
  namedPorts,
  podNameOf,
} from "../traffic/service/slices.ts";

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
      // Those of ownerless ones say whose they are.
      labels:
        controllerOf({ metadata }) === undefined ? (labels ?? noTexts) : only(labels, podTemplateHashLabel),
      annotations: only(
        annotations,
        revisionAnnotation,
        revisionHistoryAnnotation,
        scaleDownDeadlineAnnotation,
        fastRollbackAnnotation,
        scaleDownPostponedFromAnnotation,
        wasLiveAnnotation,
      ),
    },
  };
}

export function trimService(service: Service): Service {
  const { apiVersion, kind, metadata } = service;
  const { type, selector, clusterIP } = service.spec;
  const ports = namedPorts(service);
  return {
    apiVersion,
    kind,
    metadata: { ...identityOf(metadata), annotations: only(metadata.annotations, managedByAnnotation) },
    spec: {
      ...(type === undefined ? {} : { type }),
      ...(selector === undefined ? {} : { selector }),
      ...(clusterIP === "None" ? { clusterIP } : {}),
      ...(ports.length === 0 ? {} : { ports: ports.map(trimServicePort) }),
    },
  };
}

function trimServicePort({ name, port, targetPort }: ServicePort): ServicePort {
  return {
    port,
    ...(name === undefined ? {} : { name }),
    ...(targetPort === undefined ? {} : { targetPort }),
  };
}

export function trimEndpointSlice(slice: EndpointSlice): EndpointSlice {
  const { apiVersion, kind, metadata, addressType, endpoints, ports } = slice;
  const { generation, labels, annotations } = metadata;
  const trimmed = {
    apiVersion,
    kind,
    metadata: {
      ...identityOf(metadata),
      ...(generation === undefined ? {} : { generation }),
      labels: only(labels, serviceNameLabel, endpointSliceManagedByLabel),
      annotations: only(annotations, routedGenerationAnnotation),
    },
    addressType,
  };
  // Of those that follow no selector it matters only whether there are any.
  if (!followsSelector(slice))
    return { ...trimmed, endpoints: (endpoints ?? []).length > 0 ? [unnamed] : [] };
  return {
    ...trimmed,
    endpoints: (endpoints ?? []).map((endpoint) => trimEndpoint(endpoint, metadata.namespace)),
    ports: (ports ?? []).map(({ name = "" }) => ({ name })),
  };
}

/** A pod is found by its name; an endpoint that is none has nothing but its addresses. */
function trimEndpoint(endpoint: Endpoint, namespace: string | undefined): Endpoint {
  const { addresses, conditions } = endpoint;
  const pod = podNameOf(endpoint, namespace);
  return {
    addresses: pod === undefined ? addresses : noAddresses,
    ...(conditions === undefined || isSound(endpoint) ? {} : { conditions }),
    ...(pod === undefined ? {} : { targetRef: { name: pod } }),
  };
}

const noAddresses: Endpoint["addresses"] = [];
const unnamed: Endpoint = { addresses: noAddresses };

/** Whether a pod is ready is said by the slices that list it, and by its ReplicaSet's counts. */
export function trimPod({ apiVersion, kind, metadata, status }: Pod): Pod {
  const known = familyStatus[familiesOf(status)];
  return {
    apiVersion,
    kind,
    metadata: {
      ...identityOf(metadata),
      ...ownerOf(metadata),
      labels: only(metadata.labels, podTemplateHashLabel),
    },
    spec: noContainers,
    ...(known === undefined ? {} : { status: known }),
  };
}

/** Which families a pod has addresses of, told by the address that stands for any of its family. */
const familyStatus: Readonly<Record<number, PodStatus>> = {
  [families.IPv4]: { podIPs: [{ ip: "0.0.0.0" }] },
  [families.IPv6]: { podIPs: [{ ip: "::" }] },
  [families.IPv4 | families.IPv6]: { podIPs: [{ ip: "0.0.0.0" }, { ip: "::" }] },
};

const noContainers: Pod["spec"] = { containers: [] };

type Texts = Readonly<Record<string, string>>;
const noTexts: Texts = {};

function only(texts: Texts = noTexts, ...names: readonly string[]): Texts {
  const kept = names.flatMap((name) => (texts[name] === undefined ? [] : [[name, texts[name]]]));
  return kept.length === 0 ? noTexts : Object.fromEntries(kept);
}

/** The controller; of an object that has none its other owners, beside whom a controller can be set. */
function ownerOf(metadata: ObjectMeta): Pick<ObjectMeta, "ownerReferences"> {
  const owner = controllerOf({ metadata });
  const ownerReferences = owner === undefined ? metadata.ownerReferences : [owner];
  return ownerReferences === undefined ? {} : { ownerReferences };
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
