import { lstatSync, realpathSync } from "node:fs";
import { dirname, sep } from "node:path";

/**
 * Whether a path is within a folder once links are followed, as far as it is there. Programs may have put links into a volume:
 * asked before anything is made.
 */
export function isInside(folder: string, path: string): boolean {
  let above = path;
  while (lstatSync(above, { throwIfNoEntry: false }) === undefined) above = dirname(above);
  const [real, root] = [realpathSync(above), realpathSync(folder)];
  return real === root || real.startsWith(root + sep);
}
