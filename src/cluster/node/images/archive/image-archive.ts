import { createHash, randomBytes } from "node:crypto";
import {
  createReadStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { join, posix } from "node:path";
import { processIdentity } from "../../process/process-identity.ts";
import { ImageError } from "../image-folder.ts";
import type { Image, ImageStore } from "../image-store.ts";
import { type BlobSource, type Descriptor, isDigest, type Manifest } from "./oci-image.ts";
import { tarEntries } from "./tar-reader.ts";
import { unpackImage } from "./unpack-image.ts";
import { UnpackingLimit, uncompressed } from "./unpack-layer.ts";

/** As in `manifest.json` of what `docker save` writes. */
interface DockerEntry {
  readonly Config?: string;
  readonly RepoTags?: readonly string[] | null;
  readonly Layers?: readonly string[];
}

/**
 * Adds the image of an archive, an OCI layout or what `docker save` writes, under `name`, or under the names that it has in the
 * archive. Throws `ImageError` with what is wrong with the archive.
 */
export async function addArchive(
  images: ImageStore,
  archive: string,
  name: string | undefined,
): Promise<readonly Image[]> {
  const all = join(images.folder, "imports");
  removeAbandoned(all);
  const folder = join(all, `${randomBytes(6).toString("hex")}-${process.pid}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  try {
    await extract(archive, folder);
    const found = existsSync(join(folder, "index.json")) ? ociImages(folder) : dockerImages(folder);
    const names = found.flatMap((each) => each.names);
    if (found.length > 1 && name !== undefined)
      throw new ImageError(
        `the archive has ${found.length} images (${names.join(", ")}): leave the name out to add them all`,
      );
    const added: Image[] = [];
    for (const { descriptor, blobs, names: own } of found) {
      const wanted = name === undefined ? own : [name];
      if (wanted.length === 0) throw new ImageError("the image has no name in the archive: give it one");
      const unpacked = await unpackImage(images.folder, blobs, descriptor);
      for (const each of wanted) added.push(await images.add(each, unpacked));
    }
    return added;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ImageError(`${archive}: ${why}`, { cause });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Found {
  readonly descriptor: Descriptor;
  readonly blobs: BlobSource;
  readonly names: readonly string[];
}

/** Takes the files out, by the names that such archives give them and no others. */
async function extract(archive: string, folder: string): Promise<void> {
  const limit = new UnpackingLimit();
  for await (const entry of tarEntries(await uncompressed(createReadStream(archive)))) {
    const path = posix.normalize(entry.path);
    limit.take(entry.size);
    if (entry.type === "folder") continue;
    if (path.startsWith("../") || path.startsWith("/"))
      throw new ImageError(`it has a path that leads out: ${entry.path}`);
    // Older versions of Docker have equal layers as links.
    if (entry.type === "symlink") {
      const target = posix.join(posix.dirname(path), entry.target);
      if (target.startsWith("../")) throw new ImageError(`it has a link that leads out: ${entry.path}`);
      writeFileSync(placeOf(folder, path, ".link"), target);
      continue;
    }
    if (entry.type !== "file") continue;
    const file = await open(placeOf(folder, path, ""), "w", 0o600);
    try {
      for await (const piece of entry.content()) await file.writeFile(piece);
    } finally {
      await file.close();
    }
  }
}

/** All in one folder, so that no path of the archive is one of the machine. */
function placeOf(folder: string, path: string, ending: string): string {
  return join(folder, path.replaceAll("%", "%25").replaceAll("/", "%2F").slice(0, 200) + ending);
}

function fileIn(folder: string, path: string): string | undefined {
  const place = placeOf(folder, posix.normalize(path), "");
  if (existsSync(place)) return place;
  const link = placeOf(folder, posix.normalize(path), ".link");
  if (!existsSync(link)) return undefined;
  const target = placeOf(folder, readFileSync(link, "utf8"), "");
  return existsSync(target) ? target : undefined;
}

function readJson<T>(folder: string, path: string): T | undefined {
  const place = fileIn(folder, path);
  if (place === undefined) return undefined;
  try {
    return JSON.parse(readFileSync(place, "utf8")) as T;
  } catch (cause) {
    throw new ImageError(`its ${path} is no JSON`, { cause });
  }
}

function ociImages(folder: string): readonly Found[] {
  const blobs: BlobSource = {
    path: (digest) => (isDigest(digest) ? fileIn(folder, `blobs/${digest.replace(":", "/")}`) : undefined),
  };
  const { manifests = [] } = readJson<Manifest>(folder, "index.json") ?? {};
  if (manifests.length === 0) throw new ImageError("its index.json names no image");
  return manifests.map((descriptor) => {
    const { annotations = {} } = descriptor;
    const name = annotations["io.containerd.image.name"] ?? annotations["org.opencontainers.image.ref.name"];
    // A tag alone is no name.
    return { descriptor, blobs, names: name !== undefined && /[:/]/.test(name) ? [name] : [] };
  });
}

function dockerImages(folder: string): readonly Found[] {
  const entries = readJson<readonly DockerEntry[]>(folder, "manifest.json");
  if (!Array.isArray(entries) || entries.length === 0)
    throw new ImageError(
      "it is neither an OCI layout (index.json) nor what docker save writes (manifest.json)",
    );
  return entries.map(({ Config = "", RepoTags, Layers = [] }: DockerEntry) => {
    const places = new Map<string, string>();
    const descriptorOf = (path: string): Descriptor => {
      const place = fileIn(folder, path);
      if (place === undefined)
        throw new ImageError(`its manifest.json names ${path || "no config"}, which it has not`);
      const digest = digestOf(place);
      places.set(digest, place);
      return { digest, size: statSync(place).size };
    };
    const manifest: Manifest = { config: descriptorOf(Config), layers: Layers.map(descriptorOf) };
    const place = join(folder, `made-${randomBytes(4).toString("hex")}`);
    writeFileSync(place, JSON.stringify(manifest));
    const digest = digestOf(place);
    places.set(digest, place);
    return {
      descriptor: { digest, size: 0 },
      blobs: { path: (each) => places.get(each) },
      names: RepoTags ?? [],
    };
  });
}

function digestOf(place: string): string {
  return `sha256:${createHash("sha256").update(readFileSync(place)).digest("hex")}`;
}

function removeAbandoned(all: string): void {
  if (!existsSync(all)) return;
  for (const name of readdirSync(all))
    if (processIdentity(Number(name.split("-")[1])) === undefined)
      rmSync(join(all, name), { recursive: true, force: true });
}
