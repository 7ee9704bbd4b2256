import { isIPv4 } from "node:net";
import type { Endpoint, EndpointSlice, Service, ServicePort } from "../../api/core.ts";
import { equalJson } from "../../api/equal-json.ts";
import { isSeconds, pinnedConnectionSecondsAnnotation } from "../../api/names.ts";
import type { EndpointAddress, Protocol } from "./proxy/route.ts";

/** One port of a Service: what clients connect to, and which pods answer. */
export interface PortPlan {
  /** Empty for the single port that needs no name. */
  readonly name: string;
  readonly port: number;
  readonly nodePort?: number;
  /** TCP when absent. */
  readonly transport?: "UDP";
  readonly protocol: Protocol;
  readonly endpoints: readonly EndpointAddress[];
  /** For who comes from outside the cluster, where that is not the same (`externalTrafficPolicy: Local`). */
  readonly externalEndpoints?: readonly EndpointAddress[];
}

/** All that the proxy needs to know of one Service. Plain data: it is saved, and served from after a restart. */
export interface ServicePlan {
  readonly namespace: string;
  readonly name: string;
  readonly clusterIp: string;
  /** Only of a Service of type LoadBalancer. */
  readonly loadBalancerIp?: string;
  /** Where else it is to answer. */
  readonly externalIps?: readonly string[];
  /** How long a client comes to the same pod again, seconds. */
  readonly affinitySeconds?: number;
  /** How long after a switch connections that stay with their pod are left to it, seconds. */
  readonly pinnedSeconds?: number;
  /** Where load balancers ask how many pods of this node serve. */
  readonly healthCheckPort?: number;
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
  const { spec } = service;
  const loadBalancerIp = loadBalancerIpOf(service);
  const externalIps = (spec.externalIPs ?? []).filter((address) => isIPv4(address));
  const affinitySeconds = affinitySecondsOf(spec);
  const pinnedSeconds = pinnedSecondsOf(service);
  const [isInternalLocal, isExternalLocal] = [spec.internalTrafficPolicy, spec.externalTrafficPolicy].map(
    (policy) => policy === "Local",
  );
  const checksHealth = spec.type === "LoadBalancer" && isExternalLocal && isPort(spec.healthCheckNodePort);
  const isExposed = exposedTypes.has(service.spec.type ?? "");
  return {
    namespace: service.metadata.namespace ?? "default",
    name: service.metadata.name,
    clusterIp: service.spec.clusterIP ?? "",
    ...(loadBalancerIp === undefined ? {} : { loadBalancerIp }),
    ...(externalIps.length === 0 ? {} : { externalIps }),
    ...(affinitySeconds === undefined ? {} : { affinitySeconds }),
    ...(pinnedSeconds === undefined ? {} : { pinnedSeconds }),
    ...(checksHealth ? { healthCheckPort: service.spec.healthCheckNodePort } : {}),
    ports: (service.spec.ports ?? []).filter(isServedPort).map((port) => {
      const everywhere = endpointsOf(port, slices, false);
      const internal = isInternalLocal ? endpointsOf(port, slices, true) : everywhere;
      const external = isExternalLocal ? endpointsOf(port, slices, true) : everywhere;
      return {
        name: port.name ?? "",
        port: port.port,
        ...(isExposed && isPort(port.nodePort) ? { nodePort: port.nodePort } : {}),
        ...(port.protocol === "UDP" ? { transport: port.protocol } : {}),
        protocol: protocolOfPort(port),
        endpoints: internal,
        ...(equalJson(external, internal) ? {} : { externalEndpoints: external }),
      };
    }),
  };
}

// As the API server fills it in.
const defaultAffinitySeconds = 10_800;

function affinitySecondsOf({ sessionAffinity, sessionAffinityConfig }: Service["spec"]): number | undefined {
  if (sessionAffinity !== "ClientIP") return undefined;
  return sessionAffinityConfig?.clientIP?.timeoutSeconds ?? defaultAffinitySeconds;
}

// What is no number means nothing here; a note on the Service says so.
function pinnedSecondsOf({ metadata }: Service): number | undefined {
  const text = metadata.annotations?.[pinnedConnectionSecondsAnnotation];
  return text !== undefined && isSeconds(text) ? Number(text) : undefined;
}

/** SCTP is not served. */
export function isServedPort({ protocol = "TCP" }: { readonly protocol?: string }): boolean {
  return protocol === "TCP" || protocol === "UDP";
}

const notHttp = new Set(["tcp", "tls", "https", "kubernetes.io/wss"]);

// `appProtocol` says it outright; a port name says it by custom, as `https` or `https-something`. That a port is said to speak
// HTTP is no proof, so there the first bytes of each client are looked at all the same.
function protocolOfPort(port: ServicePort): Protocol {
  const word = port.appProtocol?.toLowerCase() ?? port.name?.split("-")[0] ?? "";
  return notHttp.has(word) ? "tcp" : "unknown";
}

/**
 * The pods that are ready; where there are none, those on their way out that still serve, as on any Kubernetes. `isLocal`: only
 * those of this node, which is the only one: what is on no node is somewhere else.
 */
function endpointsOf(
  port: ServicePort,
  slices: readonly EndpointSlice[],
  isLocal: boolean,
): readonly EndpointAddress[] {
  const isHere = ({ nodeName }: Endpoint): boolean => !isLocal || nodeName !== undefined;
  const ready = addressesOf(port, slices, (each) => isHere(each) && each.conditions?.ready !== false);
  if (ready.length > 0) return ready;
  return addressesOf(port, slices, (each) => isHere(each) && isServingToTheEnd(each));
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
      const isSameProtocol = (slicePort.protocol ?? "TCP") === (port.protocol ?? "TCP");
      if ((slicePort.name ?? "") !== (port.name ?? "") || !isSameProtocol || !isPort(slicePort.port))
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
