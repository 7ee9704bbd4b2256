import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { ContainerError } from "../pod-driver.ts";
import { isInside } from "./inside.ts";
import type { Mount } from "./mounts.ts";

/** One thing to mount while a root is being made; `target` is a path of this machine. */
export interface Binding {
  readonly source: string;
  readonly target: string;
  readonly isReadOnly: boolean;
}

/** Where a root keeps folders of the machine that it shows otherwise than they are. */
const hostFolder = ".host";
const devices = ["null", "zero", "full", "random", "urandom", "tty"];
const deviceFolders = ["pts", "shm", "mqueue"];
const deviceLinks = { fd: "/proc/self/fd", stdin: "/proc/self/fd/0", stdout: "/proc/self/fd/1" } as const;

/**
 * Makes the folder that a container will have as its root, and answers what has to be mounted into it, in this order. It
 * shows all that the machine has, and the mounts besides, also where the machine has no such path: such a folder (`/etc`, for
 * `/etc/config`) is then one of the root's own, with a link to each thing that the machine's has. Nothing outside `root`
 * is changed, but mount points within the mounts themselves. A `root` that is there already is replaced.
 */
export function makeRoot(root: string, mounts: readonly Mount[], terminationLog?: Mount): readonly Binding[] {
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root, { recursive: true, mode: 0o755 });
  const all = [...mounts, ...(terminationLog === undefined ? [] : [terminationLog])]
    .map((mount) => ({ ...mount, target: resolved(mount.target) }))
    .toSorted((a, b) => a.target.length - b.target.length);
  const outer = all.filter((mount) => coveredBy(mount.target, all) === undefined);
  const own = foldersToMake(outer.map(({ target }) => target));
  const bindings: Binding[] = [{ source: root, target: root, isReadOnly: false }];
  const show = (source: string, target: string, isReadOnly = false): void => {
    makePoint(target, statSync(source).isDirectory());
    bindings.push({ source, target, isReadOnly });
  };
  for (const name of readdirSync("/")) {
    const path = `/${name}`;
    if (name === "dev") showDevices(root, show);
    else if (own.has(path)) {
      show(path, join(root, hostFolder, name));
      copyAsLinks(path, root, own, new Set(outer.map(({ target }) => target)));
    } else if (!outer.some(({ target }) => target === path)) showEntry(path, join(root, name), show);
  }
  for (const { source, target, isReadOnly } of all) {
    const cover = coveredBy(target, all);
    const point =
      cover === undefined ? join(root, target) : join(cover.source, target.slice(cover.target.length));
    if (cover !== undefined && !isInside(cover.source, point)) {
      const why = `cannot mount at ${target}: a link in what is mounted at ${cover.target} leads out of it`;
      throw new ContainerError("CreateContainerConfigError", why);
    }
    makePoint(point, statSync(source).isDirectory());
    bindings.push({ source, target: join(root, target), isReadOnly });
  }
  return bindings;
}

/** The same path without the machine's links, as far as it is there: `/var/run/x` is `/run/x`. */
function resolved(path: string): string {
  if (path === "/") return path;
  try {
    return realpathSync(path);
  } catch {
    return join(resolved(dirname(path)), basename(path));
  }
}

function coveredBy(target: string, mounts: readonly Mount[]): Mount | undefined {
  return mounts.findLast((mount) => mount.target !== target && isWithin(target, mount.target));
}

function isWithin(path: string, folder: string): boolean {
  return path.startsWith(folder === "/" ? "/" : `${folder}/`);
}

/** Folders of the machine in which something is mounted that the machine has not, and those around them. */
function foldersToMake(targets: readonly string[]): ReadonlySet<string> {
  const own = new Set<string>();
  for (const target of targets) {
    if (isWithin(target, "/dev") || statSync(target, { throwIfNoEntry: false }) !== undefined) continue;
    let folder = dirname(target);
    while (statSync(folder, { throwIfNoEntry: false }) === undefined) folder = dirname(folder);
    for (; folder !== "/"; folder = dirname(folder)) own.add(folder);
  }
  return own;
}

function copyAsLinks(
  folder: string,
  root: string,
  own: ReadonlySet<string>,
  mountPoints: ReadonlySet<string>,
): void {
  mkdirSync(join(root, folder), { recursive: true, mode: 0o755 });
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (own.has(path)) copyAsLinks(path, root, own, mountPoints);
    else if (mountPoints.has(path)) continue;
    else if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true)
      symlinkSync(readlinkSync(path), join(root, path));
    else symlinkSync(join("/", hostFolder, path), join(root, path));
  }
}

type Show = (source: string, target: string) => void;

function showEntry(path: string, target: string, show: Show): void {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats?.isSymbolicLink() === true) symlinkSync(readlinkSync(path), target);
  else if (stats?.isDirectory() === true || stats?.isFile() === true) show(path, target);
}

// As container runtimes do: what every program expects, so that something of its own can be mounted beside it.
function showDevices(root: string, show: Show): void {
  const folder = join(root, "dev");
  mkdirSync(folder);
  for (const name of [...devices, ...deviceFolders])
    if (statSync(`/dev/${name}`, { throwIfNoEntry: false }) !== undefined)
      show(`/dev/${name}`, join(folder, name));
  for (const [name, target] of Object.entries({
    ...deviceLinks,
    stderr: "/proc/self/fd/2",
    ptmx: "pts/ptmx",
  }))
    symlinkSync(target, join(folder, name));
}

function makePoint(path: string, isFolder: boolean): void {
  if (statSync(path, { throwIfNoEntry: false }) !== undefined) return;
  mkdirSync(isFolder ? path : dirname(path), { recursive: true, mode: 0o755 });
  if (!isFolder) writeFileSync(path, "");
}
