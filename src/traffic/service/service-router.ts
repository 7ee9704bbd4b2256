import type { EndpointSlice, Pod, Service } from "../../api/core.ts";
import {
  embeddedEndpointSliceController,
  managedByAnnotation,
  podTemplateHashLabel,
  routedGenerationAnnotation,
} from "../../api/names.ts";
import { resources } from "../../api/resources.ts";
import type { Observed, Route, Routing, TrafficRouter } from "../router.ts";
import { notesOf } from "./notes.ts";
import {
  families,
  familiesOf,
  familyOf,
  followsSelector,
  isSound,
  type Listed,
  listed,
  managerOf,
  mayGetRequests,
  namedPorts,
  slicesOf,
} from "./slices.ts";

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
    const hashes = new Set<string>();
    for (const { endpoint, pod } of listed(ownSlices(route, observed), route, observed)) {
      const hash = versionOf(pod);
      if (hash !== undefined && mayGetRequests(endpoint)) hashes.add(hash);
    }
    const hash = hashOf(serviceOf(route, observed));
    if (hash !== undefined) hashes.add(hash);
    return [...hashes].sort();
  },

  writes(route, hash, owner, observed) {
    const service = serviceOf(route, observed);
    if (service === undefined || hashOf(service) === hash) return [];
    const { uid = "", resourceVersion = "", annotations } = service.metadata;
    return [
      {
        resource: resources.services,
        seen: { namespace: route.namespace, name: route.service, uid, resourceVersion },
        patch: {
          ...(annotations?.[managedByAnnotation] === owner
            ? {}
            : { metadata: { annotations: { [managedByAnnotation]: owner } } }),
          spec: { selector: { [podTemplateHashLabel]: hash } },
        },
      },
    ];
  },

  verify(route, hash, wanted, observed) {
    const service = serviceOf(route, observed);
    if (service === undefined || hashOf(service) !== hash)
      return pending(`Service ${route.service} to select ${hash}`);
    const slices = ownSlices(route, observed);
    const entries = [...listed(slices, route, observed)];
    return (
      leavingOthers(route, hash, entries) ??
      reachingTarget(service, hash, wanted, slices, entries) ??
      takingEffect(slices) ?? { is: "routed" }
    );
  },

  problem(route, observed) {
    const service = serviceOf(route, observed);
    if (service === undefined) return `service "${route.service}" not found`;
    if (service.spec.type === "ExternalName")
      return `service "${route.service}" is of type ExternalName and selects no pods`;
    const foreign = ledByHand(service, slicesOf(route, observed));
    if (foreign !== undefined)
      return (
        `service "${route.service}" has no selector but endpoints of its own (EndpointSlice ${foreign.metadata.name}), ` +
        "which the Rollout's would replace: give the Service a selector, or remove them"
      );
    return undefined;
  },

  notes(route, observed) {
    const service = serviceOf(route, observed);
    return service === undefined ? [] : notesOf(service, slicesOf(route, observed));
  },
};

/**
 * A slice with endpoints that somebody has given a Service which never had a selector. With one, Kubernetes would overwrite
 * hand-made Endpoints, and send to hand-made EndpointSlices and to the Rollout's pods in turn. Slices that follow a selector
 * outlive it: where there are any, or a Rollout's mark, the selector was taken away, and putting it back mends the Service.
 */
function ledByHand({ metadata, spec }: Service, slices: readonly EndpointSlice[]): EndpointSlice | undefined {
  const hadSelector =
    Object.keys(spec.selector ?? {}).length > 0 ||
    metadata.annotations?.[managedByAnnotation] !== undefined ||
    slices.some(followsSelector);
  return hadSelector ? undefined : slices.find(({ endpoints }) => (endpoints ?? []).length > 0);
}

/** Requests may still go to pods of other versions, or to such that nobody can tell the version of. */
function leavingOthers(route: Route, hash: string, entries: readonly Listed[]): Routing | undefined {
  const others = entries.filter(({ endpoint, pod }) => mayGetRequests(endpoint) && versionOf(pod) !== hash);
  const first = least(others.map((entry) => describe(entry)));
  return first === undefined ? undefined : pending(`Service ${route.service} to leave ${first}`);
}

function describe({ slice, endpoint, podName, pod }: Listed): string {
  const where = `EndpointSlice ${slice.metadata.name}`;
  // The controller that writes the slice lists pods only, and takes out what others have written into it.
  if (podName === undefined) return `${endpoint.addresses.join()}, which is no pod, in ${where}`;
  const version = versionOf(pod);
  // One that was made before the Rollout, or that is not known here yet.
  if (version === undefined) return `pod ${podName}, which shows no ${podTemplateHashLabel}, in ${where}`;
  return `pod ${podName} of ${version} in ${where}`;
}

/**
 * Too few sound pods of the target are listed. A pod counts when the slices of every address family that it has an address
 * of list it; one that does not say which it has, when those of every family do that list anything.
 */
function reachingTarget(
  service: Service,
  hash: string,
  wanted: number,
  slices: readonly EndpointSlice[],
  entries: readonly Listed[],
): Routing | undefined {
  const sound = new Map<string, { readonly of: number; readonly listedIn: number }>();
  let withoutPort: string | undefined;
  for (const { slice, endpoint, podName, pod } of entries) {
    if (podName === undefined || versionOf(pod) !== hash || !isSound(endpoint)) continue;
    if (!hasPorts(service, slice)) {
      withoutPort = slice.metadata.name;
      continue;
    }
    const listedIn = (sound.get(podName)?.listedIn ?? 0) | familyOf(slice);
    sound.set(podName, { of: familiesOf(pod?.status), listedIn });
  }
  const present = union(slices);
  const inUse = union(slices.filter(({ endpoints }) => (endpoints ?? []).length > 0));
  let reached = 0;
  let lacking = 0;
  for (const { of, listedIn } of sound.values()) {
    const lacks = (of || inUse) & present & ~listedIn;
    if (lacks === 0) reached += 1;
    lacking |= lacks;
  }
  if (reached >= wanted) return undefined;
  const { name } = service.metadata;
  if (slices.length === 0) return pending(`an EndpointSlice that follows the selector of Service ${name}`);
  if (withoutPort !== undefined) {
    const ports = namedPorts(service)
      .map(({ targetPort }) => targetPort)
      .join(" or ");
    return pending(
      `pods of ${hash} to have a container port ${ports}, as Service ${name} asks: EndpointSlice ${withoutPort} has none`,
    );
  }
  const [family] = Object.entries(families).find(([, bit]) => (lacking & bit) !== 0) ?? [];
  const over = family === undefined ? "" : ` over ${family}`;
  return pending(`Service ${name} to list the available pods of ${hash} as ready${over}`);
}

function union(slices: readonly EndpointSlice[]): number {
  return slices.reduce((known, slice) => known | familyOf(slice), 0);
}

/** A slice has no ports where no container has any by the names that the Service asks for: its pods get no requests. */
function hasPorts(service: Service, { ports }: EndpointSlice): boolean {
  // A headless Service is a name for addresses: its clients choose the port.
  return (ports ?? []).length > 0 || namedPorts(service).length === 0 || service.spec.clusterIP === "None";
}

/** Elsewhere nobody tells when a slice has taken effect; the embedded cluster's traffic process does. */
function takingEffect(slices: readonly EndpointSlice[]): Routing | undefined {
  const late = slices.find(
    (slice) =>
      managerOf(slice) === embeddedEndpointSliceController &&
      slice.metadata.annotations?.[routedGenerationAnnotation] !== String(slice.metadata.generation),
  );
  return late === undefined
    ? undefined
    : pending(`the traffic process to route by EndpointSlice ${late.metadata.name}`);
}

function pending(on: string): Routing {
  return { is: "pending", on };
}

function serviceOf(route: Route, observed: Observed): Service | undefined {
  return observed.service(route.namespace, route.service);
}

function ownSlices(route: Route, observed: Observed): readonly EndpointSlice[] {
  return slicesOf(route, observed).filter(followsSelector);
}

function hashOf(service: Service | undefined): string | undefined {
  return service?.spec.selector?.[podTemplateHashLabel];
}

function versionOf(pod: Pod | undefined): string | undefined {
  return pod?.metadata.labels?.[podTemplateHashLabel];
}

function least(texts: readonly string[]): string | undefined {
  return texts.reduce<string | undefined>(
    (first, text) => (first === undefined || text < first ? text : first),
    undefined,
  );
}
