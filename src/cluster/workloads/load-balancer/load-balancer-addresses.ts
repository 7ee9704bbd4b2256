import type { Service } from "../../../api/core.ts";
import { type Addresses, addressesPerRange } from "../../addresses.ts";

/** The addresses that LoadBalancer Services can be given. */
export type LoadBalancerRange =
  /** Each Service has one of its own, out of the cluster's block. */
  | { readonly is: "block"; readonly addresses: Addresses }
  /** All Services share this one, as far as their ports differ. */
  | { readonly is: "shared"; readonly address: string };

/** What a Service gets, or why it gets nothing. */
export type Assignment = { readonly address: string } | { readonly refused: string };

/**
 * Which Service has which LoadBalancer address, by `namespace/name`. A Service keeps its address until it is deleted, changes its
 * type, or asks for another one.
 */
export class LoadBalancerAddresses {
  readonly #range: LoadBalancerRange;
  readonly #addressOf = new Map<string, string>();
  /** By address: who has which of its ports, as `80/TCP`. */
  readonly #holders = new Map<string, Map<string, string>>();

  constructor(range: LoadBalancerRange) {
    this.#range = range;
  }

  /** The address that a Service keeps or gets: the one that it has, as `present` says, the one that it asks for, or a free one. */
  assign(key: string, { spec }: Service, present: string | undefined): Assignment {
    const asked = spec.loadBalancerIP ?? "";
    const had = this.#addressOf.get(key) ?? present;
    this.release(key);
    const ports = (spec.ports ?? []).map(({ port, protocol = "TCP" }) => `${port}/${protocol}`);
    if (asked !== "" && !this.#isInRange(asked))
      return { refused: `loadBalancerIP ${asked} is none of this cluster's: ${this.#rangeInWords()}` };
    const kept = had !== undefined && this.#isInRange(had) && this.#isFree(had, ports) ? had : undefined;
    const address = asked === "" ? (kept ?? this.#lowestFree()) : asked;
    if (address === undefined) return { refused: "all addresses are taken" };
    const collision = ports.find((port) => this.#holders.get(address)?.has(port) === true);
    if (collision !== undefined)
      return {
        refused: `port ${collision} of ${address} is taken by Service ${this.#holders.get(address)?.get(collision)}: give this one another port`,
      };
    this.#addressOf.set(key, address);
    const holders = this.#holders.get(address) ?? new Map<string, string>();
    for (const port of ports) holders.set(port, key);
    this.#holders.set(address, holders);
    return { address };
  }

  /** Answers whether it had one. */
  release(key: string): boolean {
    const address = this.#addressOf.get(key);
    if (address === undefined) return false;
    this.#addressOf.delete(key);
    const holders = this.#holders.get(address);
    for (const [port, holder] of holders ?? []) if (holder === key) holders?.delete(port);
    if (holders?.size === 0) this.#holders.delete(address);
    return true;
  }

  #isFree(address: string, ports: readonly string[]): boolean {
    const holders = this.#holders.get(address);
    return holders === undefined || ports.every((port) => !holders.has(port));
  }

  #lowestFree(): string | undefined {
    if (this.#range.is === "shared") return this.#range.address;
    for (let number = 0; number < addressesPerRange; number += 1) {
      const address = this.#range.addresses.loadBalancer(number);
      if (!this.#holders.has(address)) return address;
    }
    return undefined;
  }

  #isInRange(address: string): boolean {
    if (this.#range.is === "shared") return address === this.#range.address;
    const [, , third = 0, fourth = 0] = address.split(".").map(Number);
    const number = (third - 128) * 256 + fourth - 2;
    const isOne = Number.isInteger(number) && number >= 0 && number < addressesPerRange;
    return isOne && this.#range.addresses.loadBalancer(number) === address;
  }

  #rangeInWords(): string {
    if (this.#range.is === "shared") return `it has ${this.#range.address} alone`;
    const { addresses } = this.#range;
    return `those are ${addresses.loadBalancer(0)} to ${addresses.loadBalancer(addressesPerRange - 1)}`;
  }
}
