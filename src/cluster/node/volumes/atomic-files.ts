import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { Instant } from "../../../time/clock.ts";

export interface VolumeFile {
  readonly content: Uint8Array;
  readonly mode: number;
}

/** By path within the volume. */
export type VolumeFiles = ReadonlyMap<string, VolumeFile>;

const dataLink = "..data";

/**
 * Makes a folder hold exactly `files`, so that who reads it sees all old ones or all new ones. As the kubelet does it, they
 * are in a folder of their own, `..<time>`, to which the link `..data` leads; every name in the volume is a link through
 * `..data`, and replacing that one link replaces all. Nothing is written when nothing has changed.
 */
export function writeAtomically(folder: string, files: VolumeFiles, now: Instant): void {
  mkdirSync(folder, { recursive: true });
  const before = linkTarget(join(folder, dataLink));
  if (before !== undefined && isSame(join(folder, before), files)) {
    linkNames(folder, files);
    return;
  }
  const version = freeName(folder, now);
  mkdirSync(join(folder, version));
  chmodSync(join(folder, version), 0o755);
  for (const [path, { content, mode }] of files) {
    const file = join(folder, version, path);
    mkdirSync(dirname(file), { recursive: true, mode: 0o755 });
    writeFileSync(file, content);
    chmodSync(file, mode);
  }
  const draft = join(folder, `${dataLink}_tmp`);
  rmSync(draft, { force: true });
  symlinkSync(version, draft);
  renameSync(draft, join(folder, dataLink));
  linkNames(folder, files);
  for (const name of readdirSync(folder))
    if (/^\.\.\d/.test(name) && name !== version)
      rmSync(join(folder, name), { recursive: true, force: true });
}

/** The names that are seen: a link each, also for the folder of a file in one. */
function linkNames(folder: string, files: VolumeFiles): void {
  const wanted = new Set([...files.keys()].map((path) => path.split("/")[0] ?? path));
  const present = readdirSync(folder).filter((name) => !name.startsWith(".."));
  for (const name of present)
    if (!wanted.has(name) && linkTarget(join(folder, name))?.startsWith(`${dataLink}/`) === true)
      rmSync(join(folder, name));
  for (const name of wanted)
    if (!present.includes(name)) symlinkSync(join(dataLink, name), join(folder, name));
}

function isSame(folder: string, files: VolumeFiles): boolean {
  try {
    if (pathsIn(folder).length !== files.size) return false;
    return [...files].every(([path, { content, mode }]) => {
      const file = join(folder, path);
      return (statSync(file).mode & 0o777) === (mode & 0o777) && readFileSync(file).equals(content);
    });
  } catch (error) {
    if (error instanceof Error && "code" in error) return false;
    throw error;
  }
}

function pathsIn(folder: string): readonly string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function freeName(folder: string, now: Instant): string {
  const time = new Date(now).toISOString().slice(0, 19).replaceAll(/[-:T]/g, "_");
  const taken = new Set(readdirSync(folder));
  let number = Math.trunc(now % 1000) * 1_000_000;
  while (taken.has(`..${time}.${number}`)) number++;
  return `..${time}.${number}`;
}
