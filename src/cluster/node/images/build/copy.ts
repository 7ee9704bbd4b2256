import { createHash, type Hash } from "node:crypto";
import {
  chmodSync,
  closeSync,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  realpathSync,
  symlinkSync,
  writeSync,
} from "node:fs";
import { basename, join, posix } from "node:path";
import { isWithin, type RootFolder } from "../root-folder.ts";
import { type Ignored, isPattern, patternOf } from "./patterns.ts";

const pieceBytes = 1024 * 1024;
const piece = Buffer.allocUnsafe(pieceBytes);

/** Where files are copied from: the context of a build, or what an earlier stage has made. */
export interface Source {
  readonly folder: string;
  readonly ignored: Ignored | undefined;
  /** Links of a context mean what they would in the image; those of a stage are right already. */
  readonly linksAreMachines: boolean;
}

export interface CopyOptions {
  readonly from: Source;
  readonly to: RootFolder;
  /** All words but the last, the last is where to. */
  readonly paths: readonly string[];
  readonly workdir: string;
  readonly mode: number | undefined;
}

/**
 * Copies files and folders as `COPY` does. Answers a digest of all that was copied, so that the build knows what it stands on.
 * @throws Error with what is wrong, in words.
 */
export function copyInto({ from, to, paths, workdir, mode }: CopyOptions): string {
  const asked = paths.slice(0, -1);
  const target = paths.at(-1) ?? "";
  const destination = posix.resolve("/", workdir, target);
  const found = asked.flatMap((each) => findIn(from, each));
  if (found.length === 0) throw new Error(`no file of the context fits ${asked.join(" ")}`);
  const endsWithSlash = target.endsWith("/") || target === "." || target.endsWith("/.");
  if ((asked.length > 1 || found.length > 1) && !endsWithSlash && !isFolder(to, destination))
    throw new Error(`several files are copied, so ${target} must be a folder: end it with /`);
  const copier = new Copier(from, to, mode);
  for (const path of found) {
    const source = join(from.folder, path);
    // A link that is asked for by name is followed, but not out of the context.
    const real = realpathSync(source);
    if (!isWithin(realpathSync(from.folder), real))
      throw new Error(`${path} is a link that leads out of the context`);
    if (lstatSync(real).isDirectory()) {
      to.makeFolder(destination);
      copier.folder(real, path, destination);
    } else {
      const intoFolder = endsWithSlash || isFolder(to, destination);
      copier.file(real, intoFolder ? posix.join(destination, basename(path)) : destination);
    }
  }
  return copier.digest();
}

/** Writes `text` as a file, as a `COPY <<EOF` does. */
export function writeInto(to: RootFolder, path: string, text: string, mode = 0o644): void {
  const file = openSync(to.clear(path), "wx", mode);
  try {
    const bytes = Buffer.from(text);
    let at = 0;
    while (at < bytes.length) at += writeSync(file, bytes, at);
  } finally {
    closeSync(file);
  }
}

/** The paths below the folder that `pattern` means, in order. */
function findIn({ folder, ignored }: Source, pattern: string): readonly string[] {
  const path = posix
    .normalize(`/${pattern}`)
    .replace(/(.)\/$/, "$1")
    .slice(1);
  if (posix.normalize(pattern).startsWith("../"))
    throw new Error(`${pattern} is outside the context: copy what is in the folder of the build`);
  if (path === "") return [""];
  if (!isPattern(path)) {
    const isThere = lstatSync(join(folder, path), { throwIfNoEntry: false }) !== undefined;
    if (isThere && ignored?.has(path) === true && ignored.hasAllOf(path))
      throw new Error(`${path} is kept out of the build by .dockerignore`);
    if (!isThere)
      throw new Error(`there is no ${path} in ${ignored === undefined ? "that stage" : "the context"}`);
    return [path];
  }
  let found = [""];
  for (const part of path.split("/")) {
    const fits = patternOf(part, false);
    found = found.flatMap((above) => {
      if (!isPattern(part)) {
        const one = above === "" ? part : `${above}/${part}`;
        return lstatSync(join(folder, one), { throwIfNoEntry: false }) === undefined ? [] : [one];
      }
      if (lstatSync(join(folder, above)).isDirectory() === false) return [];
      return readdirSync(join(folder, above))
        .filter((name) => fits.test(name))
        .toSorted()
        .map((name) => (above === "" ? name : `${above}/${name}`));
    });
  }
  return found.filter((each) => ignored?.has(each) !== true);
}

function isFolder(root: RootFolder, path: string): boolean {
  return lstatSync(root.real(path), { throwIfNoEntry: false })?.isDirectory() === true;
}

class Copier {
  readonly #from: Source;
  readonly #to: RootFolder;
  readonly #mode: number | undefined;
  readonly #hash: Hash = createHash("sha256");

  constructor(from: Source, to: RootFolder, mode: number | undefined) {
    this.#from = from;
    this.#to = to;
    this.#mode = mode;
  }

  digest(): string {
    return this.#hash.digest("hex");
  }

  /** What is in a folder; `path` is where it is in the context. */
  folder(source: string, path: string, target: string): void {
    const { ignored, linksAreMachines } = this.#from;
    for (const entry of readdirSync(source, { withFileTypes: true }).toSorted((a, b) =>
      a.name < b.name ? -1 : 1,
    )) {
      const inside = path === "" ? entry.name : `${path}/${entry.name}`;
      const [from, to] = [join(source, entry.name), posix.join(target, entry.name)];
      const isIgnored = ignored?.has(inside) === true;
      if (isIgnored && (!entry.isDirectory() || ignored?.hasAllOf(inside) === true)) continue;
      if (entry.isDirectory()) {
        if (!isIgnored) chmodSync(this.#to.makeFolder(to), this.#mode ?? lstatSync(from).mode & 0o7777);
        if (!isIgnored) this.#hash.update(`folder ${to}\0`);
        this.folder(from, inside, to);
      } else if (entry.isSymbolicLink()) {
        const link = readlinkSync(from);
        this.#hash.update(`link ${to}\0${link}\0`);
        if (linksAreMachines) symlinkSync(link, this.#to.clear(to));
        else this.#to.link(to, link);
      } else if (entry.isFile()) this.file(from, to);
      else throw new Error(`${inside} is no file, folder or link: put it into .dockerignore`);
    }
  }

  file(source: string, target: string): void {
    const from = openSync(source, "r");
    try {
      const before = fstatSync(from, { bigint: true });
      const mode = this.#mode ?? Number(before.mode) & 0o7777;
      const place = this.#to.clear(target);
      const to = openSync(place, "wx", mode);
      this.#hash.update(`file ${target}\0${mode} ${before.size}\0`);
      try {
        let size = 0n;
        for (;;) {
          const read = readSync(from, piece, 0, pieceBytes, null);
          if (read === 0) break;
          this.#hash.update(piece.subarray(0, read));
          for (let written = 0; written < read; ) written += writeSync(to, piece, written, read - written);
          size += BigInt(read);
        }
        const after = fstatSync(from, { bigint: true });
        if (after.mtimeNs !== before.mtimeNs || size !== before.size)
          throw new Error(
            `${source} was changed while it was copied: build again, or put it into .dockerignore`,
          );
      } finally {
        closeSync(to);
      }
      chmodSync(place, mode);
    } finally {
      closeSync(from);
    }
  }
}
