import type { EndpointSlice, Service } from "../../api/core.ts";
import {
  embeddedEndpointSliceController,
  endpointSliceManagedByLabel,
  managedByAnnotation,
  podTemplateHashLabel,
  routedGenerationAnnotation,
} from "../../api/names.ts";
import { resources } from "../../api/resources.ts";
import type { Observed, Route, Routing, TrafficRouter } from "../router.ts";

/**
 * Moves traffic by the Service's selector: the hash label in it says which ReplicaSet's pods the Service reaches. That is
 * what the cluster shall do; its EndpointSlices say what it does, so they decide whether the route is in effect.
 */
export const serviceRouter: TrafficRouter = {
  kind: "service",
  reads: [resources.services, resources.endpointSlices, resources.pods],

  target(route, observed) {
    return hashOf(serviceOf(route, observed));
  },

  references(route, observed) {
    const hash = hashOf(serviceOf(route, observed));
    const served = servingHashes(route, observed);
    if (hash !== undefined) served.add(hash);
    return [...served];
  },

  writes(route, hash, owner, observed) {
    const service = serviceOf(route, observed);
    if (service === undefined || hashOf(service) === hash) return [];
    const { uid = "", resourceVersion = "", annotations } = service.metadata;
    return [
      {
        resource: resources.services,
        namespace: route.namespace,
        name: route.service,
        uid,
        resourceVersion,
        patch: {
          ...(annotations?.[managedByAnnotation] === owner
            ? {}
            : { metadata: { annotations: { [managedByAnnotation]: owner } } }),
          spec: { selector: { [podTemplateHashLabel]: hash } },
        },
      },
    ];
  },

  verify(route, hash, observed): Routing {
    const name = `Service ${route.service}`;
    if (hashOf(serviceOf(route, observed)) !== hash)
      return { is: "pending", on: `${name} to select ${hash}` };
    const slices = observed.endpointSlices(route.namespace, route.service);
    let ready = 0;
    for (const { endpoint, podHash } of readyEndpoints(route, slices, observed)) {
      if (podHash !== hash) {
        return { is: "pending", on: `${name} to leave pod ${endpoint}` };
      }
      ready += 1;
    }
    if (ready === 0) return { is: "pending", on: `${name} to have a ready endpoint of ${hash}` };
    const unconfirmed = slices.find((slice) => !isConfirmed(slice));
    return unconfirmed === undefined
      ? { is: "routed" }
      : { is: "pending", on: `the traffic process to route by EndpointSlice ${unconfirmed.metadata.name}` };
  },

  problem(route, observed) {
    const service = serviceOf(route, observed);
    if (service === undefined) return `service "${route.service}" not found`;
    if (service.spec.type === "ExternalName")
      return `service "${route.service}" is of type ExternalName and selects no pods`;
    return undefined;
  },
};

function serviceOf(route: Route, observed: Observed): Service | undefined {
  return observed.service(route.namespace, route.service);
}

function hashOf(service: Service | undefined): string | undefined {
  return service?.spec.selector?.[podTemplateHashLabel];
}

/** Hashes of the pods that the cluster still sends requests to, whatever the selector says. */
function servingHashes(route: Route, observed: Observed): Set<string> {
  const slices = observed.endpointSlices(route.namespace, route.service);
  const hashes = new Set<string>();
  for (const { podHash } of readyEndpoints(route, slices, observed)) {
    if (podHash !== undefined) hashes.add(podHash);
  }
  return hashes;
}

function* readyEndpoints(
  route: Route,
  slices: readonly EndpointSlice[],
  observed: Observed,
): Generator<{ readonly endpoint: string; readonly podHash: string | undefined }> {
  for (const slice of slices) {
    for (const endpoint of slice.endpoints ?? []) {
      // An absent condition is to be read as ready.
      if (endpoint.conditions?.ready === false) continue;
      const pod = endpoint.targetRef?.name;
      const labels = pod === undefined ? undefined : observed.pod(route.namespace, pod)?.metadata.labels;
      yield { endpoint: pod ?? endpoint.addresses.join(), podHash: labels?.[podTemplateHashLabel] };
    }
  }
}

/** Elsewhere nobody tells when a slice has taken effect; the embedded cluster's traffic process does. */
function isConfirmed(slice: EndpointSlice): boolean {
  const { labels, annotations, generation } = slice.metadata;
  if (labels?.[endpointSliceManagedByLabel] !== embeddedEndpointSliceController) return true;
  return annotations?.[routedGenerationAnnotation] === String(generation);
}
