import { mkdirSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Mount } from "./mounts.ts";

/**
 * For a machine that lets no program have a root of its own: a folder that shows each mount, by a link, at its path below
 * `root`. Programs find it in the variable `TEAL_ROOT`.
 */
export function linkRoot(root: string, mounts: readonly Mount[]): void {
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root, { recursive: true, mode: 0o755 });
  // What lies within another mount is not to be seen below its link.
  const shown: string[] = [];
  for (const { source, target } of mounts.toSorted((a, b) => a.target.length - b.target.length)) {
    if (shown.some((folder) => target.startsWith(`${folder}/`))) continue;
    shown.push(target);
    const link = join(root, target);
    mkdirSync(dirname(link), { recursive: true, mode: 0o755 });
    symlinkSync(source, link);
  }
}

/** Rewrites paths of mounts, wherever a text of the manifest names one, to where they are below `root`. */
export function rewritePaths(root: string, targets: readonly string[]): (text: string) => string {
  const names = targets
    .filter((target) => target !== "/")
    .toSorted((a, b) => b.length - a.length)
    .map((target) => target.replaceAll(/[^\w/]/g, "\\$&"));
  if (names.length === 0) return (text) => text;
  const pattern = new RegExp(`(?<![\\w./-])(?:${names.join("|")})(?![\\w.-])`, "g");
  return (text) => text.replaceAll(pattern, (path) => join(root, path));
}
