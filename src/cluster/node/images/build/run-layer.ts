import {
  constants,
  copyFileSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

/** How each file of a folder looks, by its path: enough to tell that it was changed. */
export type Looks = ReadonlyMap<string, string>;

/** Of all files, folders and links below `folder`, in order. */
export function looksOf(folder: string): Looks {
  const looks = new Map<string, string>();
  const walk = (path: string): void => {
    for (const { name } of readdirSync(join(folder, path), { withFileTypes: true }).toSorted((a, b) =>
      a.name < b.name ? -1 : 1,
    )) {
      const inside = path === "" ? name : `${path}/${name}`;
      const found = lstatSync(join(folder, inside), { bigint: true });
      // A folder's time and size change with what is in it, which is looked at by itself.
      looks.set(
        inside,
        found.isDirectory()
          ? `d ${found.mode}`
          : `${found.mode} ${found.size} ${found.mtimeNs} ${found.ctimeNs} ${found.ino}`,
      );
      if (found.isDirectory()) walk(inside);
    }
  };
  walk("");
  return looks;
}

const keptLayers = 40;
const readAtOnce = 8 * 1024 * 1024;

/** What `RUN` lines have done, so that a build of the same line on the same files need not do it again. */
export class RunLayers {
  readonly #folder: string;

  constructor(imagesFolder: string) {
    this.#folder = join(imagesFolder, "layers");
  }

  /** Does to `root` what the line did the first time; false when it has not been done yet. */
  apply(key: string, root: string): boolean {
    const layer = join(this.#folder, key);
    const removed = readList(join(layer, "removed.json"));
    if (removed === undefined) return false;
    for (const path of removed) rmSync(join(root, path), { recursive: true, force: true });
    copyTree(join(layer, "files"), root);
    utimesSync(layer, new Date(), new Date());
    return true;
  }

  /**
   * Keeps what has changed in `root` since `before`. A layer that knows where it was made, as a Python environment does, fits
   * nowhere else and is not kept: `place` is what such a file would hold.
   */
  keep(key: string, root: string, before: Looks, place: string): void {
    const after = looksOf(root);
    const changed = [...after].filter(([path, look]) => before.get(path) !== look).map(([path]) => path);
    const removed = [...before.keys()].filter((path) => !after.has(path));
    if (changed.some((path) => names(join(root, path), place))) return;
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    const draft = join(this.#folder, `.${key}.${process.pid}`);
    rmSync(draft, { recursive: true, force: true });
    try {
      for (const path of changed) copyOne(join(root, path), join(draft, "files", path));
      mkdirSync(join(draft, "files"), { recursive: true });
      writeFileSync(join(draft, "removed.json"), JSON.stringify(removed));
      rmSync(join(this.#folder, key), { recursive: true, force: true });
      renameSync(draft, join(this.#folder, key));
    } finally {
      rmSync(draft, { recursive: true, force: true });
    }
  }

  /** Lets go of the layers that were used longest ago. */
  limit(): void {
    const layers = listed(this.#folder).map((name) => {
      const path = join(this.#folder, name);
      return { path, usedAt: statSync(path).mtimeMs };
    });
    for (const { path } of layers.toSorted((a, b) => b.usedAt - a.usedAt).slice(keptLayers))
      rmSync(path, { recursive: true, force: true });
  }
}

/** Copies all of `from` over what is in `to`. Links are copied as they are. */
export function copyTree(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    copyOne(source, target);
    if (entry.isDirectory()) copyTree(source, target);
  }
}

/** A file, a link, or a folder without what is in it. */
function copyOne(source: string, target: string): void {
  const found = lstatSync(source);
  const there = lstatSync(target, { throwIfNoEntry: false });
  if (found.isDirectory()) {
    if (there !== undefined && !there.isDirectory()) rmSync(target);
    mkdirSync(target, { recursive: true, mode: found.mode & 0o7777 });
    return;
  }
  if (there !== undefined) rmSync(target, { recursive: true });
  else mkdirSync(dirname(target), { recursive: true });
  if (found.isSymbolicLink()) symlinkSync(readlinkSync(source), target);
  else if (found.isFile()) {
    copyFileSync(source, target, constants.COPYFILE_FICLONE);
    utimesSync(target, found.atime, found.mtime);
  }
}

function names(path: string, place: string): boolean {
  const found = lstatSync(path);
  if (found.isSymbolicLink()) return readlinkSync(path).includes(place);
  // Compiled Python has the place in it and does not mind.
  if (!found.isFile() || path.endsWith(".pyc") || found.size > readAtOnce) return false;
  return readFileSync(path).includes(place);
}

function readList(path: string): readonly string[] | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as readonly string[];
  } catch {
    // Not there, or a build was killed: the line is run again.
    return undefined;
  }
}

function listed(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    // No layer has been kept yet.
    return [];
  }
}
