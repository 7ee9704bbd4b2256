import type { Endpoint, EndpointSlice, KubernetesObject, Service } from "../../../api/core.ts";

interface Address {
  readonly ip: string;
  readonly nodeName?: string;
  readonly targetRef?: Endpoint["targetRef"];
}

interface Subset {
  readonly addresses?: readonly Address[];
  readonly notReadyAddresses?: readonly Address[];
  readonly ports?: readonly {
    readonly name?: string;
    readonly port: number;
    readonly protocol?: string;
    readonly appProtocol?: string;
  }[];
}

/** `v1` Endpoints, the older form of what EndpointSlices say. */
export interface Endpoints extends KubernetesObject {
  readonly subsets?: readonly Subset[];
}

export const managedByLabel = "endpoints.kubernetes.io/managed-by";
export const managedBy = "endpoint-controller";

/** What a Service's slices say, in the older form: pods with the same ports together, those that are going left out. */
export function subsetsOf(slices: readonly EndpointSlice[]): readonly Subset[] {
  return slices.flatMap((slice) => {
    const ports = (slice.ports ?? []).flatMap(({ name, port, protocol, appProtocol }) =>
      port === undefined
        ? []
        : [
            {
              ...(name === undefined || name === "" ? {} : { name }),
              port,
              protocol: protocol ?? "TCP",
              ...(appProtocol === undefined ? {} : { appProtocol }),
            },
          ],
    );
    const present = (slice.endpoints ?? []).filter(({ conditions }) => conditions?.terminating !== true);
    const addresses = present.filter(({ conditions }) => conditions?.ready !== false).flatMap(addressesOf);
    const notReadyAddresses = present
      .filter(({ conditions }) => conditions?.ready === false)
      .flatMap(addressesOf);
    if (addresses.length + notReadyAddresses.length === 0) return [];
    return [
      {
        ...(addresses.length === 0 ? {} : { addresses }),
        ...(notReadyAddresses.length === 0 ? {} : { notReadyAddresses }),
        ...(ports.length === 0 ? {} : { ports }),
      },
    ];
  });
}

function addressesOf({ addresses, nodeName, targetRef }: Endpoint): readonly Address[] {
  return addresses.map((ip) => ({
    ip,
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(targetRef === undefined ? {} : { targetRef }),
  }));
}

export function labelsOf({ metadata, spec }: Service): Readonly<Record<string, string>> {
  return {
    ...metadata.labels,
    [managedByLabel]: managedBy,
    ...(spec.clusterIP === "None" ? { "service.kubernetes.io/headless": "" } : {}),
  };
}
