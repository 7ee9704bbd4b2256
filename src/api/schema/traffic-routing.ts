import { anyObject, array, boolean, int32, int64, map, object, type Schema, string } from "./schema.ts";

const namedRoute = { name: string, routes: array(string) };

const istioVirtualService = object(
  {
    ...namedRoute,
    tcpRoutes: array(object({ port: int64 })),
    tlsRoutes: array(object({ port: int64, sniHosts: array(string) })),
  },
  "name",
);

const istio = object({
  destinationRule: object(
    {
      additionalSubsetNames: array(string),
      canarySubsetName: string,
      name: string,
      stableSubsetName: string,
    },
    "canarySubsetName",
    "name",
    "stableSubsetName",
  ),
  virtualService: istioVirtualService,
  virtualServices: array(istioVirtualService),
});

const alb = object(
  {
    annotationPrefix: string,
    ingress: string,
    ingresses: array(string),
    rootService: string,
    servicePort: int32,
    stickinessConfig: object({ durationSeconds: int64, enabled: boolean }, "durationSeconds", "enabled"),
  },
  "servicePort",
);

const virtualNode = object({ name: string }, "name");

const appMesh = object({
  virtualNodeGroup: object(
    { canaryVirtualNodeRef: virtualNode, stableVirtualNodeRef: virtualNode },
    "canaryVirtualNodeRef",
    "stableVirtualNodeRef",
  ),
  virtualService: object(namedRoute, "name"),
});

const nginx = object({
  additionalIngressAnnotations: map(string),
  annotationPrefix: string,
  canaryIngressAnnotations: map(string),
  stableIngress: string,
  stableIngresses: array(string),
});

/** How a canary's share of the traffic is set, by router. */
export const trafficRouting: Schema = object({
  alb,
  ambassador: object({ mappings: array(string) }, "mappings"),
  apisix: object({ route: object({ name: string, rules: array(string) }, "name") }),
  appMesh,
  istio,
  managedRoutes: array(object({ name: string }, "name")),
  maxTrafficWeight: int32,
  nginx,
  plugins: anyObject,
  smi: object({ rootService: string, trafficSplitName: string }),
  traefik: object({ weightedTraefikServiceName: string }, "weightedTraefikServiceName"),
});
