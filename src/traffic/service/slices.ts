import type { Endpoint, EndpointSlice, Pod, PodStatus, Service, ServicePort } from "../../api/core.ts";
import {
  embeddedEndpointSliceController,
  endpointSliceManagedByLabel,
  kubernetesEndpointSliceController,
} from "../../api/names.ts";
import { objectKeyOf, resources } from "../../api/resources.ts";
import type { ServiceRoute } from "../../api/strategy.ts";
import type { Objects } from "../objects.ts";

// What EndpointSlices say, in Kubernetes' own meaning of their fields (the API reference of discovery.k8s.io/v1).

const selectorControllers: readonly (string | undefined)[] = [
  kubernetesEndpointSliceController,
  embeddedEndpointSliceController,
];

/**
 * Whether the slice is made from the Service's selector, so that it follows a switch. All others are foreign: made by hand
 * (no manager), mirrored from Endpoints, or of another cluster. They follow nobody's selector, so they prove nothing.
 */
export function followsSelector(slice: EndpointSlice): boolean {
  return selectorControllers.includes(managerOf(slice));
}

export function managerOf({ metadata }: EndpointSlice): string | undefined {
  return metadata.labels?.[endpointSliceManagedByLabel];
}

/** The slices of the route's Service, by name, so that no answer depends on the order in which they came. */
export function slicesOf({ namespace, name }: ServiceRoute, objects: Objects): readonly EndpointSlice[] {
  return objects
    .about<EndpointSlice>(resources.endpointSlices, objectKeyOf(resources.services, namespace, name))
    .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
}

/** One entry of a slice, with the pod behind it as far as both are known. */
export interface Listed {
  readonly slice: EndpointSlice;
  readonly endpoint: Endpoint;
  /** The pod's name; undefined when the endpoint is none of the Service's namespace. */
  readonly podName: string | undefined;
  readonly pod: Pod | undefined;
}

export function* listed(
  slices: readonly EndpointSlice[],
  { namespace }: ServiceRoute,
  objects: Objects,
): Generator<Listed> {
  for (const slice of slices) {
    for (const endpoint of slice.endpoints ?? []) {
      const podName = podNameOf(endpoint, namespace);
      const pod = podName === undefined ? undefined : objects.get<Pod>(resources.pods, namespace, podName);
      yield { slice, endpoint, podName, pod };
    }
  }
}

/** Name of the pod that an endpoint of a slice in this namespace leads to. */
export function podNameOf({ targetRef }: Endpoint, namespace: string | undefined): string | undefined {
  const { kind = "Pod", name, namespace: its = namespace } = targetRef ?? {};
  return kind === "Pod" && its === namespace ? name : undefined;
}

/**
 * Whether new requests may be sent to it: to ready endpoints (which all are under `publishNotReadyAddresses`), and where
 * there is none, on a cluster or, by `internalTrafficPolicy` or `externalTrafficPolicy: Local`, on one node, to those that
 * terminate and still serve.
 */
export function mayGetRequests({ conditions = {} }: Endpoint): boolean {
  return isReady(conditions) || (conditions.serving === true && conditions.terminating === true);
}

/** Whether it can be counted on: it answers, and is not on its way out. */
export function isSound({ conditions = {} }: Endpoint): boolean {
  return isReady(conditions) && conditions.serving !== false && conditions.terminating !== true;
}

// Absent means ready.
function isReady({ ready }: NonNullable<Endpoint["conditions"]>): boolean {
  return ready !== false;
}

/** The ports that lead to a container's port by its name: only of these can there be none. */
export function namedPorts({ spec }: Service): readonly ServicePort[] {
  return (spec.ports ?? []).filter(({ targetPort }) => typeof targetPort === "string");
}

/** Address families as a set of bits. */
export const families = { IPv4: 1, IPv6: 2 } as const;

export function familyOf({ addressType }: EndpointSlice): number {
  return addressType === "IPv4" || addressType === "IPv6" ? families[addressType] : 0;
}

/** The families that a pod has addresses of; none when it does not say. */
export function familiesOf(status: PodStatus | undefined): number {
  return (status?.podIPs ?? []).reduce(
    (known, { ip }) => known | families[ip.includes(":") ? "IPv6" : "IPv4"],
    0,
  );
}
