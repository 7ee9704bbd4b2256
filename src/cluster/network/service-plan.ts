import { isIPv4 } from "node:net";
import type { Endpoint, EndpointSlice, Service, ServicePort } from "../../api/core.ts";
import type { EndpointAddress, Protocol } from "./proxy/route.ts";

/** One port of a Service: what clients connect to, and which pods answer. */
export interface PortPlan {
  /** Empty for the single port that needs no name. */
  readonly name: string;
  readonly port: number;
  readonly nodePort?: number;
  readonly protocol: Protocol;
  readonly endpoints: readonly EndpointAddress[];
}

/** All that the proxy needs to know of one Service. Plain data: it is saved, and served from after a restart. */
export interface ServicePlan {
  readonly namespace: string;
  readonly name: string;
  readonly clusterIp: string;
  /** Only of a Service of type LoadBalancer. */
  readonly loadBalancerIp?: string;
  readonly ports: readonly PortPlan[];
}

/** Whether a number can be connected to: the API takes any in an EndpointSlice. */
export function isPort(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value > 0 && value < 65536;
}

const exposedTypes = new Set(["NodePort", "LoadBalancer"]);

/** Whether the Service has an address of its own that is to be served. */
function isServed(service: Service): boolean {
  const { type, clusterIP } = service.spec;
  return type !== "ExternalName" && clusterIP !== undefined && isIPv4(clusterIP);
}

/** The address that the Service was given by this cluster. */
function loadBalancerIpOf({ spec, status }: Service): string | undefined {
  const ip = status?.loadBalancer?.ingress?.[0]?.ip;
  const isOurs = spec.type === "LoadBalancer" && (spec.loadBalancerClass ?? "") === "";
  return isOurs && ip !== undefined && isIPv4(ip) ? ip : undefined;
}

/** Where requests to a Service go, found from the Service and its EndpointSlices; undefined when it has no address to serve. */
export function planService(service: Service, slices: readonly EndpointSlice[]): ServicePlan | undefined {
  if (!isServed(service)) return undefined;
  const loadBalancerIp = loadBalancerIpOf(service);
  const isExposed = exposedTypes.has(service.spec.type ?? "");
  return {
    namespace: service.metadata.namespace ?? "default",
    name: service.metadata.name,
    clusterIp: service.spec.clusterIP ?? "",
    ...(loadBalancerIp === undefined ? {} : { loadBalancerIp }),
    ports: (service.spec.ports ?? []).filter(isTcp).map((port) => ({
      name: port.name ?? "",
      port: port.port,
      ...(isExposed && port.nodePort !== undefined ? { nodePort: port.nodePort } : {}),
      protocol: protocolOfPort(port),
      endpoints: endpointsOf(port, slices),
    })),
  };
}

/** UDP and SCTP are not served. */
export function isTcp(port: { readonly protocol?: string }): boolean {
  return (port.protocol ?? "TCP") === "TCP";
}

const notHttp = new Set(["tcp", "tls", "https", "kubernetes.io/wss"]);

// `appProtocol` says it outright; a port name says it by custom, as `https` or `https-something`. That a port is said to speak
// HTTP is no proof, so there the first bytes of each client are looked at all the same.
function protocolOfPort(port: ServicePort): Protocol {
  const word = port.appProtocol?.toLowerCase() ?? port.name?.split("-")[0] ?? "";
  return notHttp.has(word) ? "tcp" : "unknown";
}

/** The pods that are ready; where there are none, those on their way out that still serve, as on any Kubernetes. */
function endpointsOf(port: ServicePort, slices: readonly EndpointSlice[]): readonly EndpointAddress[] {
  const ready = addressesOf(port, slices, ({ conditions }) => conditions?.ready !== false);
  return ready.length > 0 ? ready : addressesOf(port, slices, isServingToTheEnd);
}

function isServingToTheEnd({ conditions }: Endpoint): boolean {
  return conditions?.terminating === true && conditions.serving !== false;
}

function addressesOf(
  port: ServicePort,
  slices: readonly EndpointSlice[],
  isWanted: (endpoint: Endpoint) => boolean,
): readonly EndpointAddress[] {
  const found = new Map<string, EndpointAddress>();
  for (const slice of slices) {
    for (const slicePort of slice.ports ?? []) {
      if ((slicePort.name ?? "") !== (port.name ?? "") || !isTcp(slicePort) || !isPort(slicePort.port))
        continue;
      for (const endpoint of slice.endpoints ?? []) {
        const address = endpoint.addresses[0];
        if (address === undefined || !isWanted(endpoint)) continue;
        found.set(`${address}:${slicePort.port}`, { address, port: slicePort.port });
      }
    }
  }
  return [...found.values()];
}
