import { createServer } from "node:net";
import type { Pod } from "../../../api/core.ts";
import { type Addresses, addressesPerRange } from "../../addresses.ts";
import type { PodRecord } from "./pod-folder.ts";

/** Whether this machine lets a program listen on `address`: any 127.x.y.z on Linux, 127.0.0.1 alone on macOS. */
export async function canListenOn(address: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const server = createServer();
  server.once("error", () => resolve(false));
  server.listen(0, address, () => server.close(() => resolve(true)));
  return promise;
}

/** Gives each pod an address of its own, or where that is impossible, ports of its own on 127.0.0.1. */
export class PodAddresses {
  readonly #addresses: Addresses;
  readonly #taken = new Set<number>();
  #next = 0;

  constructor(addresses: Addresses) {
    this.#addresses = addresses;
  }

  /** Takes note of an address that a pod has already. */
  keep(record: PodRecord): void {
    if (record.addressIndex === undefined) return;
    this.#taken.add(record.addressIndex);
    this.#next = Math.max(this.#next, record.addressIndex + 1);
  }

  /** The least recently used address, so that a request to a pod just gone cannot meet another one. */
  give(pod: Pod): PodRecord {
    if (this.#taken.size >= addressesPerRange) throw new Error("all pod addresses are taken");
    let index = this.#next % addressesPerRange;
    while (this.#taken.has(index)) index = (index + 1) % addressesPerRange;
    this.#taken.add(index);
    this.#next = index + 1;
    return { ...nameOf(pod), addressIndex: index, podIp: this.#addresses.pod(index) };
  }

  release(record: PodRecord): void {
    if (record.addressIndex !== undefined) this.#taken.delete(record.addressIndex);
  }
}

/** A place on 127.0.0.1: a free port for each of the pod's container ports. */
export async function sharedAddress(pod: Pod): Promise<PodRecord> {
  const ports = pod.spec.containers.flatMap((container) => container.ports ?? []);
  const portMap: Record<string, number> = {};
  for (const { containerPort } of ports) portMap[containerPort] = await freePort();
  return { ...nameOf(pod), podIp: "127.0.0.1", portMap };
}

function nameOf(pod: Pod): { namespace: string; name: string } {
  return { namespace: pod.metadata.namespace ?? "default", name: pod.metadata.name };
}

async function freePort(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const server = createServer();
  server.once("error", reject);
  server.listen(0, "127.0.0.1", () => {
    const address = server.address();
    server.close(() => {
      if (address === null || typeof address === "string") reject(new Error("no free port on 127.0.0.1"));
      else resolve(address.port);
    });
  });
  return promise;
}
