/**
 * Loopback addresses of one embedded cluster. Every cluster on a machine has a block 127.B.0.0/16 of its own, which its
 * supervisor claims; so two clusters never take each other's addresses, and no address needs rights or set-up on Linux.
 */
export interface Addresses {
  /** `127.B`: the block's first two bytes. */
  readonly block: string;
  /** The n-th pod address, n from 0 to 16381. */
  pod(n: number): string;
  /** The n-th ClusterIP, n from 0 to 16381. */
  clusterIp(n: number): string;
  /** The n-th LoadBalancer address, n from 0 to 16381. */
  loadBalancer(n: number): string;
}

/** How many addresses each range holds. */
export const addressesPerRange = 64 * 256 - 2;

/** B of the first and the last block: 127.0 is everybody's, and 127.255 ends with a broadcast address. */
export const firstBlock = 1;
export const lastBlock = 254;

/** The addresses of the block 127.`block`. */
export function addressesOf(block: number): Addresses {
  if (!isBlock(block)) throw new RangeError(`block ${String(block)} is outside ${firstBlock}..${lastBlock}`);
  const range = (third: number) => (n: number) => {
    if (n < 0 || n >= addressesPerRange)
      throw new RangeError(`address ${n} is outside 0..${addressesPerRange - 1}`);
    // .0.0 and .0.1 stay free: network and gateway, by custom.
    const offset = n + 2;
    return `127.${block}.${third + Math.floor(offset / 256)}.${offset % 256}`;
  };
  return { block: `127.${block}`, pod: range(0), clusterIp: range(64), loadBalancer: range(128) };
}

export function isBlock(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= firstBlock && value <= lastBlock;
}

/** Block of an address 127.B.x.y; undefined for one of no cluster. */
export function blockOf(address: string): number | undefined {
  const [first, second = ""] = address.split(".");
  return first === "127" && isBlock(Number(second)) ? Number(second) : undefined;
}

/** The same address in another block; one of no cluster as it is. */
export function movedTo(block: number, address: string): string {
  const from = blockOf(address);
  return from === undefined ? address : `127.${block}${address.slice(`127.${from}`.length)}`;
}
