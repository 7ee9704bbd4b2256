import { createHash } from "node:crypto";
import { createServer } from "node:net";
import { firstBlock, lastBlock } from "../addresses.ts";

/** A block of addresses that no other cluster of this machine has, until it is released or this process ends. */
export interface ClaimedBlock {
  readonly block: number;
  release(): void;
}

export interface BlockWishes {
  /** The one that the cluster had last. */
  readonly last: number | undefined;
  /** The same data folder tends to get the same block. */
  readonly folder: string;
  /** Whether somebody who is none of this cluster listens in the block, as pods do that have outlived another cluster. */
  readonly isInUse: (block: number) => boolean;
}

/** Claims the block that the cluster had last, or else one that nobody claims or listens in. */
export async function claimBlock({ last, folder, isInUse }: BlockWishes): Promise<ClaimedBlock> {
  const candidates = last === undefined ? candidatesFor(folder) : [last, ...candidatesFor(folder)];
  for (const block of candidates) {
    const release = await claim(block);
    if (release === undefined) continue;
    if (!isInUse(block)) return { block, release };
    release();
  }
  throw new Error(
    `no block of addresses is free, from 127.${firstBlock} to 127.${lastBlock}: stop clusters that are not needed any more`,
  );
}

function candidatesFor(folder: string): readonly number[] {
  const count = lastBlock - firstBlock + 1;
  const start = createHash("sha256").update(folder).digest().readUInt32BE() % count;
  return Array.from({ length: count }, (_, index) => firstBlock + ((start + index) % count));
}

/**
 * Undefined when another process has it. A name in the kernel's own space is given to one process only, whoever's it is, is as
 * wide as the loopback network itself, and goes with the process. Systems that have no such names have no such addresses either.
 */
function claim(block: number): Promise<(() => void) | undefined> {
  if (process.platform !== "linux") return Promise.resolve(() => undefined);
  const server = createServer((socket) => socket.destroy());
  return new Promise((resolve, reject) => {
    server.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") resolve(undefined);
      else reject(new Error(`cannot claim the addresses 127.${block}: ${error.message}`, { cause: error }));
    });
    server.listen({ path: `\0teal-addresses-127.${block}` }, () => resolve(() => server.close()));
    server.unref();
  });
}
