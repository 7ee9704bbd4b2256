/**
 * Loopback addresses of one embedded cluster. Every cluster on a machine has its own block 127.B.0.0/16, found from its
 * API port, so that two clusters never take each other's addresses and no address needs rights or set-up on Linux.
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

export function addressesOf(apiPort: number): Addresses {
  const block = `127.${1 + (apiPort % 250)}`;
  const range = (third: number) => (n: number) => {
    if (n < 0 || n >= addressesPerRange)
      throw new RangeError(`address ${n} is outside 0..${addressesPerRange - 1}`);
    // .0.0 and .0.1 stay free: network and gateway, by custom.
    const offset = n + 2;
    return `${block}.${third + Math.floor(offset / 256)}.${offset % 256}`;
  };
  return { block, pod: range(0), clusterIp: range(64), loadBalancer: range(128) };
}
