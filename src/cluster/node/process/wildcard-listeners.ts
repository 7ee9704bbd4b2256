import { listeners } from "./listeners.ts";
import { openFiles } from "./proc-files.ts";

/**
 * On which of the ports one of the processes listens for every address of the machine; none where there is no `/proc`.
 * Processes are asked for only when somebody listens so at all.
 */
export function wildcardPortsOf(
  ports: ReadonlySet<number>,
  processes: () => readonly number[],
): readonly number[] {
  const wildcard = listeners().filter(({ address, port }) => address === "*" && ports.has(port));
  if (wildcard.length === 0) return [];
  const open = new Set(processes().flatMap((pid) => openFiles(pid) ?? []));
  const own = wildcard.filter(({ inode }) => open.has(`socket:[${inode}]`));
  return [...new Set(own.map(({ port }) => port))];
}
