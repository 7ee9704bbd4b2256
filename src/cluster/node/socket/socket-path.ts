import { closeSync, openSync, rmSync } from "node:fs";
import { connect, type Server, type Socket } from "node:net";
import { basename, dirname, join } from "node:path";

/** What the system takes as the path of a socket (104 bytes on macOS, 108 on Linux, with a zero at the end). */
const longestPath = 103;

/** The socket of the node in a data folder, on which the API server asks for what only the node has. */
export function nodeSocketIn(dataFolder: string): string {
  return join(dataFolder, "node.sock");
}

/**
 * Listens on a socket that only this user reaches, in place of one that an earlier process left. Rejects when the system does not
 * let it.
 */
export async function listenOn(server: Server, path: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  rmSync(path, { force: true });
  server.once("error", reject);
  withShortPath(path, (short) => {
    // Bound within this call, so that the socket is never there with other permissions, and nothing else is made with these.
    const before = process.umask(0o177);
    try {
      server.listen(short, resolve);
    } finally {
      process.umask(before);
    }
  });
  await promise;
  server.removeListener("error", reject);
}

/** A connection to a socket; an error is told as with every other connection. */
export function connectTo(path: string): Socket {
  return withShortPath(path, (short) => connect(short));
}

/** A data folder may lie deeper than a socket's path may be long; through its open folder the path is short. */
function withShortPath<T>(path: string, use: (path: string) => T): T {
  if (Buffer.byteLength(path) <= longestPath || process.platform !== "linux") return use(path);
  const folder = openSync(dirname(path), "r");
  try {
    return use(`/proc/self/fd/${folder}/${basename(path)}`);
  } finally {
    closeSync(folder);
  }
}
