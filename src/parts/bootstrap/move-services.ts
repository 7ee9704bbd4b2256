import type { Service } from "../../api/core.ts";
import { movedTo } from "../../cluster/addresses.ts";
import type { Store } from "../../cluster/store/store.ts";

const collection = "services";

/**
 * Gives every Service whose addresses are in another block those of `block` that differ in nothing else, before anybody reads
 * them. Answers how many had to move.
 */
export function moveServices(store: Store, block: number): number {
  const services = store.list(collection) as readonly Service[];
  const moved = services.flatMap((service) => moveOf(service, block) ?? []);
  for (const service of moved) store.put(collection, service);
  return moved.length;
}

/** Undefined for one that has all its addresses in the block, or none at all. */
function moveOf(service: Service, block: number): Service | undefined {
  const { spec, status } = service;
  const { clusterIP, clusterIPs = [] } = spec;
  const ingress = status?.loadBalancer?.ingress ?? [];
  const addresses = [clusterIP, ...clusterIPs, ...ingress.map(({ ip }) => ip)];
  const moves = (address: string | undefined): boolean =>
    address !== undefined && movedTo(block, address) !== address;
  if (!addresses.some(moves)) return undefined;
  return {
    ...service,
    spec: {
      ...spec,
      ...(clusterIP === undefined ? {} : { clusterIP: movedTo(block, clusterIP) }),
      ...(spec.clusterIPs === undefined
        ? {}
        : { clusterIPs: clusterIPs.map((address) => movedTo(block, address)) }),
    },
    ...(ingress.length === 0
      ? {}
      : {
          status: {
            ...status,
            loadBalancer: {
              ...status?.loadBalancer,
              ingress: ingress.map((one) => ({
                ...one,
                ...(one.ip === undefined ? {} : { ip: movedTo(block, one.ip) }),
              })),
            },
          },
        }),
  };
}
