import type { EndpointSlice, KubernetesObject, Service, ServicePort } from "../../../../api/core.ts";
import { ageOf } from "./age.ts";
import { firstThree, labelText, none, orNone, printerOf } from "./cells.ts";

type PrintedService = Service & {
  readonly spec: { readonly externalIPs?: readonly string[]; readonly externalName?: string };
};

export const printService = printerOf<PrintedService>((service, now) => [
  service.metadata.name,
  service.spec.type ?? "ClusterIP",
  service.spec.type === "ExternalName"
    ? none
    : orNone(service.spec.clusterIPs?.[0] ?? service.spec.clusterIP),
  externalAddress(service),
  orNone((service.spec.ports ?? []).map(portText).join(",")),
  ageOf(service.metadata.creationTimestamp, now),
  labelText(service.spec.selector),
]);

function externalAddress({ spec, status }: PrintedService): string {
  if (spec.type === "ExternalName") return orNone(spec.externalName);
  const own = spec.externalIPs ?? [];
  if (spec.type !== "LoadBalancer") return orNone(own.join(","));
  const given = (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }) => ip || hostname || []);
  const all = [...new Set(given), ...own];
  return all.length === 0 ? "<pending>" : all.join(",");
}

function portText({ port, nodePort, protocol = "TCP" }: ServicePort): string {
  return nodePort ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`;
}

export const printEndpointSlice = printerOf<EndpointSlice>((slice, now) => [
  slice.metadata.name,
  slice.addressType,
  firstThree((slice.ports ?? []).map(({ port }) => (port === undefined ? "*" : `${port}`))),
  firstThree((slice.endpoints ?? []).flatMap(({ addresses }) => addresses)),
  ageOf(slice.metadata.creationTimestamp, now),
]);

interface Endpoints extends KubernetesObject {
  readonly subsets?: readonly {
    readonly addresses?: readonly { readonly ip: string }[];
    readonly ports?: readonly { readonly port: number }[];
  }[];
}

export const printEndpoints = printerOf<Endpoints>(({ metadata, subsets = [] }, now) => {
  const all = subsets.flatMap(({ addresses = [], ports = [] }) =>
    ports.length === 0
      ? addresses.map(({ ip }) => ip)
      : ports.flatMap(({ port }) => addresses.map(({ ip }) => `${ip}:${port}`)),
  );
  const shown = all.slice(0, 3).join(",");
  const text = all.length > 3 ? `${shown} + ${all.length - 3} more...` : orNone(shown);
  return [metadata.name, text, ageOf(metadata.creationTimestamp, now)];
});
