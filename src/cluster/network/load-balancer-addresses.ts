import { type Addresses, addressesPerRange } from "../addresses.ts";

/** Which Service has which LoadBalancer address. A Service keeps its address until it is deleted or changes its type. */
export class LoadBalancerAddresses {
  readonly #addresses: Addresses;
  readonly #numberOf = new Map<string, number>();
  readonly #taken = new Set<number>();

  constructor(addresses: Addresses) {
    this.#addresses = addresses;
  }

  /** Notes that a Service had `address` before; ignored when that is no address of this cluster or another's by now. */
  reclaim(service: string, address: string): void {
    const number = this.#numberAt(address);
    if (number === undefined || this.#taken.has(number) || this.#numberOf.has(service)) return;
    this.#assign(service, number);
  }

  /** The address of a Service; the lowest free one when it has none yet. */
  of(service: string): string {
    return this.#addresses.loadBalancer(
      this.#numberOf.get(service) ?? this.#assign(service, this.#lowestFree()),
    );
  }

  free(service: string): void {
    const number = this.#numberOf.get(service);
    if (number === undefined) return;
    this.#numberOf.delete(service);
    this.#taken.delete(number);
  }

  #assign(service: string, number: number): number {
    this.#numberOf.set(service, number);
    this.#taken.add(number);
    return number;
  }

  #lowestFree(): number {
    let number = 0;
    while (this.#taken.has(number)) number++;
    return number;
  }

  #numberAt(address: string): number | undefined {
    const bytes = address.split(".").map(Number);
    const number = ((bytes[2] ?? 0) - 128) * 256 + (bytes[3] ?? 0) - 2;
    const isInRange = Number.isInteger(number) && number >= 0 && number < addressesPerRange;
    return isInRange && this.#addresses.loadBalancer(number) === address ? number : undefined;
  }
}
