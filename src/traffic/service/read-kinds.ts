import type { Endpoint, EndpointSlice, Pod, PodStatus, Service, ServicePort } from "../../api/core.ts";
import { identityOf, only, ownerOf } from "../../api/kept.ts";
import {
  endpointSliceManagedByLabel,
  managedByAnnotation,
  podTemplateHashLabel,
  routedGenerationAnnotation,
  serviceNameLabel,
} from "../../api/names.ts";
import { objectKeyOf, resources } from "../../api/resources.ts";
import type { ReadKind } from "../read-kind.ts";
import { families, familiesOf, followsSelector, isSound, namedPorts, podNameOf } from "./slices.ts";

export const serviceKind: ReadKind<Service> = { resource: resources.services, keep: keepOfService };

export const endpointSliceKind: ReadKind<EndpointSlice> = {
  resource: resources.endpointSlices,
  labelSelector: serviceNameLabel,
  keep: keepOfSlice,
  about: ({ metadata: { namespace = "", labels } }) => [
    objectKeyOf(resources.services, namespace, labels?.[serviceNameLabel] ?? ""),
  ],
};

export const podKind: ReadKind<Pod> = {
  resource: resources.pods,
  labelSelector: podTemplateHashLabel,
  keep: keepOfPod,
};

function keepOfService(service: Service): Service {
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
      ...(ports.length === 0 ? {} : { ports: ports.map(keepOfPort) }),
    },
  };
}

function keepOfPort({ name, port, targetPort }: ServicePort): ServicePort {
  return {
    port,
    ...(name === undefined ? {} : { name }),
    ...(targetPort === undefined ? {} : { targetPort }),
  };
}

function keepOfSlice(slice: EndpointSlice): EndpointSlice {
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
    endpoints: (endpoints ?? []).map((endpoint) => keepOfEndpoint(endpoint, metadata.namespace)),
    ports: (ports ?? []).map(({ name = "" }) => ({ name })),
  };
}

/** A pod is found by its name; an endpoint that is none has nothing but its addresses. */
function keepOfEndpoint(endpoint: Endpoint, namespace: string | undefined): Endpoint {
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
function keepOfPod({ apiVersion, kind, metadata, status }: Pod): Pod {
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
