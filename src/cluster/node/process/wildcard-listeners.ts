import { openFiles, readProcFile } from "./proc-files.ts";

/** A socket that takes connections to every address of the machine. */
export interface WildcardListener {
  readonly port: number;
  readonly inode: string;
}

const listenState = "0A";
// 0.0.0.0, ::, and ::ffff:0.0.0.0 as the kernel prints them.
const wildcard = /^(?:0{8}|0{32}|0{16}FFFF0{12})$/;

/** The wildcard listeners in the text of `/proc/net/tcp` or `/proc/net/tcp6`. */
export function wildcardListenersIn(table: string): readonly WildcardListener[] {
  return table.split("\n").flatMap((line) => {
    const [, local = "", , state, , , , , , inode = ""] = line.trim().split(/\s+/);
    const [address = "", port = ""] = local.split(":");
    if (state !== listenState || !wildcard.test(address)) return [];
    return [{ port: Number.parseInt(port, 16), inode }];
  });
}

/**
 * On which of the ports one of the processes listens for every address of the machine; none where there is no `/proc`.
 * Processes are asked for only when somebody listens so at all.
 */
export function wildcardPortsOf(
  ports: ReadonlySet<number>,
  processes: () => readonly number[],
): readonly number[] {
  const listeners = ["/proc/net/tcp", "/proc/net/tcp6"]
    .flatMap((path) => wildcardListenersIn(readProcFile(path)))
    .filter(({ port }) => ports.has(port));
  if (listeners.length === 0) return [];
  const open = new Set(processes().flatMap(openFiles));
  const own = listeners.filter(({ inode }) => open.has(`socket:[${inode}]`));
  return [...new Set(own.map(({ port }) => port))];
}
