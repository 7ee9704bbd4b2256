import { chmodSync, linkSync, lstatSync, readdirSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { join, posix, relative } from "node:path";
import { pipeline, Readable } from "node:stream";
import * as zlib from "node:zlib";
import { ImageError } from "../image-folder.ts";
import type { RootFolder } from "../root-folder.ts";
import { type TarEntry, tarEntries } from "./tar-reader.ts";

/** How much an image may hold, so that a small archive cannot fill a disk: bytes and files, over all its layers. */
export class UnpackingLimit {
  #bytes = 16 * 1024 ** 3;
  #files = 1_000_000;

  take(bytes: number): void {
    this.#bytes -= bytes;
    this.#files -= 1;
    if (this.#bytes < 0) throw new ImageError("the image holds more than 16 GiB");
    if (this.#files < 0) throw new ImageError("the image holds more than a million files");
  }
}

const whiteout = ".wh.";
const hidesAll = ".wh..wh..opq";

/** Lays a layer of an image, a tar archive as it is or compressed with gzip or zstd, over what is in `root`. */
export async function unpackLayer(source: Readable, root: RootFolder, limit: UnpackingLimit): Promise<void> {
  const written = new Set<string>();
  const modes: [place: string, mode: number][] = [];
  for await (const entry of tarEntries(await uncompressed(source))) {
    const path = posix.normalize(`/${entry.path}`).replace(/(.)\/$/, "$1");
    if (path === "/") continue;
    if (entry.path.split("/").includes(".."))
      throw new ImageError(`the archive has a path that leads out: ${entry.path}`);
    limit.take(entry.size);
    const name = posix.basename(path);
    if (name === hidesAll) hideAll(root, posix.dirname(path), written);
    else if (name.startsWith(whiteout))
      hide(root, posix.join(posix.dirname(path), name.slice(whiteout.length)));
    else {
      await put(entry, path, root, modes);
      for (let each = path; each !== "/" && !written.has(each); each = posix.dirname(each)) written.add(each);
    }
  }
  // At the end: a folder that nobody may write into still gets what is in it.
  for (const [place, mode] of modes.toReversed()) {
    // A later entry may have put a link in the place of one of the folders around it, and links may lead anywhere.
    const isWhereItWas = root.real(relative(root.path, place)) === place;
    if (isWhereItWas && lstatSync(place, { throwIfNoEntry: false })?.isDirectory() === true)
      chmodSync(place, mode);
  }
}

async function put(
  entry: TarEntry,
  path: string,
  root: RootFolder,
  modes: [place: string, mode: number][],
): Promise<void> {
  switch (entry.type) {
    case "folder": {
      // Whoever runs Teal must be able to read and remove it.
      modes.push([root.makeFolder(path), entry.mode | 0o700]);
      return;
    }
    case "symlink": {
      root.link(path, entry.target);
      return;
    }
    case "hardlink": {
      const target = root.place(entry.target);
      const found = lstatSync(target, { throwIfNoEntry: false });
      if (found === undefined || found.isDirectory())
        throw new ImageError(`the archive has a link to a file that it has not: ${entry.target}`);
      const place = root.clear(path);
      linkSync(target, place);
      return;
    }
    case "file": {
      const file = await open(root.clear(path), "wx", (entry.mode & 0o777) | 0o600);
      try {
        for await (const piece of entry.content()) await file.writeFile(piece);
        await file.chmod((entry.mode & 0o777) | 0o600);
        await file.utimes(entry.modified, entry.modified);
      } finally {
        await file.close();
      }
      return;
    }
    // Devices and pipes: the machine has its own.
    case "other":
  }
}

function hide(root: RootFolder, path: string): void {
  const place = root.place(path);
  if (lstatSync(place, { throwIfNoEntry: false }) === undefined) return;
  root.clear(path);
}

/** What earlier layers have put into a folder. */
function hideAll(root: RootFolder, path: string, written: ReadonlySet<string>): void {
  const folder = root.makeFolder(path);
  for (const name of readdirSync(folder))
    if (!written.has(posix.join(path, name))) rmSync(join(folder, name), { recursive: true, force: true });
  root.forget();
}

/** The archive itself, by what its first bytes say it is compressed with. */
export async function uncompressed(source: Readable): Promise<AsyncIterable<Buffer>> {
  const pieces = source[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const first: Buffer[] = [];
  while (Buffer.concat(first).length < 4) {
    const next = await pieces.next();
    if (next.done === true) break;
    first.push(next.value);
  }
  const magic = Buffer.concat(first).subarray(0, 4).toString("hex");
  const all = Readable.from(
    (async function* () {
      try {
        yield* first;
        for (let next = await pieces.next(); next.done !== true; next = await pieces.next()) yield next.value;
      } finally {
        // Who has seen enough closes the source, too.
        await pieces.return?.();
      }
    })(),
    { objectMode: false },
  );
  const through = magic.startsWith("1f8b") ? zlib.createGunzip() : magic === "28b52ffd" ? zstd() : undefined;
  if (through === undefined) return all;
  // An error of the source arrives at whoever reads the end of it.
  return pipeline(all, through, () => {});
}

function zstd(): zlib.Gunzip {
  // Newer than the oldest Node.js that Teal runs on.
  const create = (zlib as { createZstdDecompress?: () => zlib.Gunzip }).createZstdDecompress;
  if (create === undefined)
    throw new ImageError(
      `a layer is compressed with zstd, which Node.js ${process.version} does not read: it needs 22.15 or later`,
    );
  return create();
}
