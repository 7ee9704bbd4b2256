import type { Container, Endpoint, EndpointSlice, Pod, Service, ServicePort } from "../../../api/core.ts";
import { hasLabels } from "../../../api/label-selector.ts";
import { portMapAnnotation } from "../../../api/names.ts";
import { isFinished, isReady } from "../pods.ts";

/** What one EndpointSlice of a Service is to say. */
export interface SliceContent {
  readonly ports: NonNullable<EndpointSlice["ports"]>;
  readonly endpoints: readonly Endpoint[];
}

// The API's limit. Kubernetes splits at 100 for the sake of many nodes; here a switch is to be one write.
const longestSlice = 1000;

/** The slices that tell where a Service's requests can go: one for each set of port numbers that its pods have. */
export function slicesOf(service: Service, podsOfNamespace: readonly Pod[]): readonly SliceContent[] {
  const groups = new Map<string, { ports: SliceContent["ports"]; endpoints: Endpoint[] }>();
  const group = (ports: SliceContent["ports"]) => {
    const key = JSON.stringify(ports);
    const known = groups.get(key) ?? { ports, endpoints: [] };
    groups.set(key, known);
    return known;
  };
  for (const pod of podsOfNamespace.toSorted((a, b) => a.metadata.name.localeCompare(b.metadata.name))) {
    if (isTarget(service, pod)) group(portsOf(service, pod)).endpoints.push(endpointOf(service, pod));
  }
  // A Service that reaches nothing still says so, in a slice that stays the same one when pods come.
  if (groups.size === 0) group([]);
  return [...groups.values()].flatMap(({ ports, endpoints }) =>
    chunks(endpoints).map((chunk) => ({ ports, endpoints: chunk })),
  );
}

/** Whether the Service's requests may be for this pod at all, ready or not. */
function isTarget(service: Service, pod: Pod): boolean {
  return (
    service.spec.selector !== undefined &&
    hasLabels(pod.metadata.labels, service.spec.selector) &&
    (pod.status?.podIP ?? "") !== "" &&
    !isFinished(pod)
  );
}

function endpointOf(service: Service, pod: Pod): Endpoint {
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  const serving = isReady(pod);
  const { name, namespace, uid } = pod.metadata;
  return {
    addresses: [pod.status?.podIP ?? ""],
    conditions: {
      ready: service.spec.publishNotReadyAddresses === true || (serving && !terminating),
      serving,
      terminating,
    },
    ...(pod.spec.nodeName === undefined ? {} : { nodeName: pod.spec.nodeName }),
    targetRef: {
      kind: "Pod",
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
    },
  };
}

function portsOf(service: Service, pod: Pod): SliceContent["ports"] {
  const map = portMapOf(pod);
  return (service.spec.ports ?? []).flatMap((port) => {
    const number = targetPortOf(port, pod);
    if (number === undefined) return [];
    return [
      {
        name: port.name ?? "",
        port: map[number] ?? number,
        protocol: port.protocol ?? "TCP",
        ...(port.appProtocol === undefined ? {} : { appProtocol: port.appProtocol }),
      },
    ];
  });
}

function targetPortOf(port: ServicePort, pod: Pod): number | undefined {
  const { targetPort = port.port, protocol = "TCP" } = port;
  if (typeof targetPort === "number") return targetPort;
  return pod.spec.containers
    .flatMap((container): NonNullable<Container["ports"]> => container.ports ?? [])
    .find((candidate) => candidate.name === targetPort && (candidate.protocol ?? "TCP") === protocol)
    ?.containerPort;
}

// The node agent writes the annotation; a text that is no map of ports is one that a user wrote, and means nothing.
function portMapOf(pod: Pod): Readonly<Record<number, number>> {
  const text = pod.metadata.annotations?.[portMapAnnotation];
  if (text === undefined) return {};
  try {
    const map: unknown = JSON.parse(text);
    return typeof map === "object" && map !== null
      ? Object.fromEntries(Object.entries(map).filter(([, port]) => Number.isInteger(port)))
      : {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

function chunks(endpoints: readonly Endpoint[]): readonly (readonly Endpoint[])[] {
  if (endpoints.length <= longestSlice) return [endpoints];
  return [endpoints.slice(0, longestSlice), ...chunks(endpoints.slice(longestSlice))];
}
