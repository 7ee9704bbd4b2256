import type { EndpointSlice, KubernetesObject, Pod, Service } from "../../api/core.ts";
import {
  embeddedEndpointSliceController,
  managedByAnnotation,
  routedGenerationAnnotation,
} from "../../api/names.ts";
import { objectKeyOf, resources } from "../../api/resources.ts";
import { keyOfRoute, type ServiceRoute } from "../../api/strategy.ts";
import type { Objects } from "../objects.ts";
import type { Claim, RouteWrite, Routing, Side, TrafficRouter } from "../router.ts";
import { notesOf, serviceNoteReasons } from "./notes.ts";
import { endpointSliceKind, podKind, serviceKind } from "./read-kinds.ts";
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
 * Moves traffic by the Service's selector: a label in it says which version's pods the Service reaches. That is what the
 * cluster shall do; its EndpointSlices say what it does, so they decide whether the route is in effect.
 */
export const serviceRouter: TrafficRouter<ServiceRoute> = {
  reads: [serviceKind, endpointSliceKind, podKind],

  sets: [
    {
      resource: resources.services,
      ownerOf: ({ metadata }) => metadata.annotations?.[managedByAnnotation],
      release: (object, label) => ({
        resource: resources.services,
        seen: seenOf(object),
        patch: {
          metadata: { annotations: { [managedByAnnotation]: null } },
          ...((object as Service).spec.selector === undefined
            ? {}
            : { spec: { selector: { [label]: null } } }),
        },
      }),
    },
  ],

  noteReasons: serviceNoteReasons,

  nameOf: ({ name }) => `${resources.services.kind} ${name}`,

  names: ({ namespace, name }) => [objectKeyOf(resources.services, namespace, name)],

  objects(route, objects) {
    const service = serviceOf(route, objects);
    const slices = slicesOf(route, objects);
    const pods = new Map<string, Pod>();
    for (const { podName, pod } of listed(slices, route, objects))
      if (podName !== undefined && pod !== undefined) pods.set(podName, pod);
    return [...(service === undefined ? [] : [service]), ...slices, ...pods.values()];
  },

  problems(route, { owner, podLabels, label, claims }, objects) {
    const service = serviceOf(route, objects);
    const unusable = unusableBecause(route, service, objects);
    if (service === undefined || unusable !== undefined) return unusable === undefined ? [] : [unusable];
    return [
      ...mismatches(service, podLabels, label).map(
        (key) => `Service "${route.name}" has unmatch label "${key}" in rollout`,
      ),
      ...(isFree(service, route, owner.name, claims)
        ? []
        : [`Service "${route.name}" is managed by another Rollout`]),
    ];
  },

  accepts(route, podLabels, label, objects) {
    const service = serviceOf(route, objects);
    return service === undefined || mismatches(service, podLabels, label).length === 0;
  },

  isSetFor(route, { name }, objects) {
    return serviceOf(route, objects)?.metadata.annotations?.[managedByAnnotation] === name;
  },

  target(route, label, objects) {
    return serviceOf(route, objects)?.spec.selector?.[label];
  },

  references(route, label, objects) {
    const values = new Set<string>();
    for (const { endpoint, pod } of listed(ownSlices(route, objects), route, objects)) {
      const value = pod?.metadata.labels?.[label];
      if (value !== undefined && mayGetRequests(endpoint)) values.add(value);
    }
    const target = serviceOf(route, objects)?.spec.selector?.[label];
    if (target !== undefined) values.add(target);
    return [...values].sort().map((value) => ({ value }));
  },

  // A selector can name any version at any time.
  prepare: () => [],

  switchTo(route, { label, value }, owner, objects) {
    const service = serviceOf(route, objects);
    if (service === undefined || service.spec.selector?.[label] === value) return [];
    const isMarked = service.metadata.annotations?.[managedByAnnotation] === owner.name;
    return [
      {
        resource: resources.services,
        seen: seenOf(service),
        patch: {
          ...(isMarked ? {} : { metadata: { annotations: { [managedByAnnotation]: owner.name } } }),
          spec: { selector: { [label]: value } },
        },
      },
    ];
  },

  verify(route, side, wanted, objects) {
    const service = serviceOf(route, objects);
    if (service === undefined || service.spec.selector?.[side.label] !== side.value)
      return pending(`Service ${route.name} to select ${side.value}`);
    const slices = ownSlices(route, objects);
    const entries = [...listed(slices, route, objects)];
    return (
      leavingOthers(route, side, entries) ??
      reachingTarget(service, side, wanted, slices, entries) ??
      takingEffect(slices) ?? { is: "routed" }
    );
  },

  notes(route, objects) {
    const service = serviceOf(route, objects);
    return service === undefined ? [] : notesOf(service, slicesOf(route, objects));
  },
};

function unusableBecause(
  route: ServiceRoute,
  service: Service | undefined,
  objects: Objects,
): string | undefined {
  if (service === undefined) return `service "${route.name}" not found`;
  if (service.spec.type === "ExternalName")
    return `service "${route.name}" is of type ExternalName and selects no pods`;
  const foreign = ledByHand(service, slicesOf(route, objects));
  if (foreign === undefined) return undefined;
  return (
    `service "${route.name}" has no selector but endpoints of its own (EndpointSlice ${foreign.metadata.name}), ` +
    "which the Rollout's would replace: give the Service a selector, or remove them"
  );
}

/** Keys of the selector that pods with these labels do not meet. */
function mismatches(
  { spec }: Service,
  podLabels: Readonly<Record<string, string>>,
  label: string,
): readonly string[] {
  return Object.entries(spec.selector ?? {})
    .filter(([key, value]) => key !== label && podLabels[key] !== value)
    .map(([key]) => key);
}

/**
 * Of Rollouts that name the same Service, the one that has it keeps it; where it does not say, as when it is made anew, the
 * one that was live on it; before that, the first by name.
 */
function isFree({ metadata }: Service, route: ServiceRoute, self: string, claims: readonly Claim[]): boolean {
  const of = claims.filter((claim) => claim.route === keyOfRoute(route));
  const others = of.map(({ by }) => by).filter((by) => by !== self);
  const written = metadata.annotations?.[managedByAnnotation] ?? "";
  const [live] = of
    .filter(({ isLive }) => isLive)
    .map(({ by }) => by)
    .sort();
  const owner = written === self || others.includes(written) ? written : live;
  if (owner === self) return true;
  return (owner === undefined || !others.includes(owner)) && others.every((other) => self < other);
}

function seenOf({ metadata }: KubernetesObject): RouteWrite["seen"] {
  const { namespace = "", name, uid = "", resourceVersion = "" } = metadata;
  return { namespace, name, uid, resourceVersion };
}

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
function leavingOthers(
  route: ServiceRoute,
  { label, value }: Side,
  entries: readonly Listed[],
): Routing | undefined {
  const others = entries.filter(
    ({ endpoint, pod }) => mayGetRequests(endpoint) && pod?.metadata.labels?.[label] !== value,
  );
  const first = least(others.map((entry) => describe(entry, label)));
  return first === undefined ? undefined : pending(`Service ${route.name} to leave ${first}`);
}

function describe({ slice, endpoint, podName, pod }: Listed, label: string): string {
  const where = `EndpointSlice ${slice.metadata.name}`;
  // The controller that writes the slice lists pods only, and takes out what others have written into it.
  if (podName === undefined) return `${endpoint.addresses.join()}, which is no pod, in ${where}`;
  const version = pod?.metadata.labels?.[label];
  // One that was made before the Rollout, or that is not known here yet.
  if (version === undefined) return `pod ${podName}, which shows no ${label}, in ${where}`;
  return `pod ${podName} of ${version} in ${where}`;
}

/**
 * Too few sound pods of the target are listed. A pod counts when the slices of every address family that it has an address
 * of list it; one that does not say which it has, when those of every family do that list anything.
 */
function reachingTarget(
  service: Service,
  { label, value }: Side,
  wanted: number,
  slices: readonly EndpointSlice[],
  entries: readonly Listed[],
): Routing | undefined {
  const sound = new Map<string, { readonly of: number; readonly listedIn: number }>();
  let withoutPort: string | undefined;
  for (const { slice, endpoint, podName, pod } of entries) {
    if (podName === undefined || pod?.metadata.labels?.[label] !== value || !isSound(endpoint)) continue;
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
      `pods of ${value} to have a container port ${ports}, as Service ${name} asks: EndpointSlice ${withoutPort} has none`,
    );
  }
  const [family] = Object.entries(families).find(([, bit]) => (lacking & bit) !== 0) ?? [];
  const over = family === undefined ? "" : ` over ${family}`;
  return pending(`Service ${name} to list the available pods of ${value} as ready${over}`);
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

function serviceOf({ namespace, name }: ServiceRoute, objects: Objects): Service | undefined {
  return objects.get<Service>(resources.services, namespace, name);
}

function ownSlices(route: ServiceRoute, objects: Objects): readonly EndpointSlice[] {
  return slicesOf(route, objects).filter(followsSelector);
}

function least(texts: readonly string[]): string | undefined {
  return texts.reduce<string | undefined>(
    (first, text) => (first === undefined || text < first ? text : first),
    undefined,
  );
}
