import type { KubernetesObject } from "../../api/core.ts";
import { type Addresses, addressesPerRange } from "../addresses.ts";
import type { Store } from "../store/store.ts";
import { type Fields, fieldsIn, fieldsOf, listOf, textOf } from "./json.ts";

const firstNodePort = 30000;
const nodePorts = 2768;

/**
 * Which ClusterIPs and node ports are taken. Follows the Services in the store, so that nothing is leaked or given twice,
 * whatever happens to the write for which an address was picked.
 */
export class ServiceAddresses {
  readonly #addresses: Addresses;
  readonly #isPortInUse: (port: number) => boolean;
  readonly #clusterIps = new Set<string>();
  readonly #nodePorts = new Set<number>();
  #nextClusterIp = 0;
  #nextNodePort: number;
  #range: ReadonlySet<string> | undefined;

  /** `isPortInUse`: whether somebody else listens on this port of 127.0.0.1. */
  constructor(
    addresses: Addresses,
    store: Store,
    collection: string,
    isPortInUse: (port: number) => boolean = () => false,
  ) {
    this.#addresses = addresses;
    this.#isPortInUse = isPortInUse;
    // Node ports of all clusters of a machine share 127.0.0.1: each starts at another place.
    const block = Number(addresses.block.split(".")[1]);
    this.#nextNodePort = (block * 11) % nodePorts;
    for (const service of store.list(collection)) this.#take(service);
    store.listen(collection, ({ previous, type, object }) => {
      if (previous !== undefined) this.#release(previous);
      if (type !== "DELETED") this.#take(object);
    });
  }

  /** Undefined when all are taken. */
  freeClusterIp(): string | undefined {
    for (let tries = 0; tries < addressesPerRange; tries += 1) {
      const address = this.#addresses.clusterIp(this.#nextClusterIp);
      this.#nextClusterIp = (this.#nextClusterIp + 1) % addressesPerRange;
      if (!this.#clusterIps.has(address)) return address;
    }
    return undefined;
  }

  /** `besides` are taken too. Undefined when all are taken. */
  freeNodePort(besides: ReadonlySet<number>): number | undefined {
    for (let tries = 0; tries < nodePorts; tries += 1) {
      const port = firstNodePort + this.#nextNodePort;
      this.#nextNodePort = (this.#nextNodePort + 1) % nodePorts;
      if (this.#nodePorts.has(port) || besides.has(port) || this.#isPortInUse(port)) continue;
      return port;
    }
    return undefined;
  }

  isClusterIp(address: string): boolean {
    this.#range ??= new Set(
      Array.from({ length: addressesPerRange }, (_, n) => this.#addresses.clusterIp(n)),
    );
    return this.#range.has(address);
  }

  isNodePort(port: number): boolean {
    return port >= firstNodePort && port < firstNodePort + nodePorts;
  }

  isClusterIpTaken(address: string): boolean {
    return this.#clusterIps.has(address);
  }

  isNodePortTaken(port: number): boolean {
    return this.#nodePorts.has(port);
  }

  #take(service: KubernetesObject): void {
    for (const address of clusterIpsOf(service)) this.#clusterIps.add(address);
    for (const port of nodePortsOf(service)) this.#nodePorts.add(port);
  }

  #release(service: KubernetesObject): void {
    for (const address of clusterIpsOf(service)) this.#clusterIps.delete(address);
    for (const port of nodePortsOf(service)) this.#nodePorts.delete(port);
  }
}

function specOf(service: KubernetesObject): Fields {
  return fieldsOf((service as KubernetesObject & Fields).spec);
}

function clusterIpsOf(service: KubernetesObject): string[] {
  return listOf(specOf(service).clusterIPs)
    .map(textOf)
    .filter((address) => address !== "None");
}

function nodePortsOf(service: KubernetesObject): number[] {
  const { ports, healthCheckNodePort } = specOf(service);
  return [...fieldsIn(ports).map(({ nodePort }) => nodePort), healthCheckNodePort].filter(
    (port): port is number => typeof port === "number" && port > 0,
  );
}
