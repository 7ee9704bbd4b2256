import { createHash } from "node:crypto";
import { type FSWatcher, mkdirSync, watch } from "node:fs";
import { mkdir, readdir, rm, utimes } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Cancel } from "../../../time/clock.ts";
import { readIfThere, writeWhole } from "../../whole-file.ts";
import { unpackImage } from "./archive/unpack-image.ts";
import { descriptionFile, type ImageContent, ImageError, readImageFolder } from "./image-folder.ts";
import { canonicalImageName, isImageName, pushedReference } from "./image-name.ts";
import { RepositoryStore } from "./registry/repository-store.ts";

/** An image of the embedded cluster: a name for a folder on this machine. */
export interface Image {
  /** In full: `docker.io/library/nginx:latest` for `nginx`. */
  readonly name: string;
  readonly folder: string;
}

export interface ResolvedImage extends Image, ImageContent {}

/** The program that runs here, as an image: `teal` with any tag, unless somebody has added another of the name. */
export const builtInImage = "docker.io/library/teal:latest";
const ownMain = fileURLToPath(new URL("../../../../bin/main.mjs", import.meta.url));
// Tells followers that a tag of the registry means something else.
const announcement = "pushed.json";

/**
 * Which folder an `image:` name means on the embedded cluster: a file for each name, so that any number of processes may add
 * images at a time and everybody sees each of them whole. The node agent reads them, `teal image` writes them.
 */
export class ImageStore {
  /** Of everything that is kept about images. */
  readonly folder: string;
  readonly #names: string;
  readonly #listeners = new Set<() => void>();
  #watcher: FSWatcher | undefined;

  constructor(dataFolder: string) {
    this.folder = join(dataFolder, "images");
    this.#names = join(this.folder, "names");
  }

  /** In full. */
  nameOf(name: string): string {
    return canonicalImageName(name);
  }

  /** All images, sorted by name. */
  async list(): Promise<readonly Image[]> {
    const files = await readdir(this.#names).catch(nothingThere(undefined));
    const read = (files ?? [])
      .filter((each) => each.endsWith(".json") && each !== announcement)
      .map((each) => this.#read(join(this.#names, each)));
    const images = read.filter((each) => each !== undefined);
    return images.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** As `list`, with what the images say; without those whose folder is no image any more. */
  async contents(): Promise<readonly ResolvedImage[]> {
    const read = (await this.list()).map((image) =>
      readImageFolder(image.folder).then(
        (content) => [{ ...image, ...content }],
        (error: unknown) => {
          if (error instanceof ImageError) return [];
          throw error;
        },
      ),
    );
    return (await Promise.all(read)).flat();
  }

  /** Makes `name` mean `folder`, also where it meant another one. Throws `ImageError` for a folder that is no image. */
  async add(name: string, folder: string): Promise<Image> {
    if (!isImageName(name)) throw new ImageError(badName(name));
    const image = { name: canonicalImageName(name), folder: resolve(folder) };
    await readImageFolder(image.folder);
    await mkdir(this.#names, { recursive: true, mode: 0o700 });
    writeWhole(this.#fileOf(image.name), `${JSON.stringify(image, null, 2)}\n`);
    return image;
  }

  /** What was pushed to the cluster's registry. */
  pushed(): readonly { readonly name: string; readonly digest: string; readonly sizeBytes: number }[] {
    return new RepositoryStore(this.folder).images();
  }

  /** Whether there was such an image. A folder of the user's own stays as it is. */
  async remove(name: string): Promise<boolean> {
    const pushed = pushedReference(canonicalImageName(name));
    if (pushed !== undefined) {
      const store = new RepositoryStore(this.folder);
      if (await store.removeManifest(pushed.repository, pushed.reference)) return true;
    }
    return rm(this.#fileOf(canonicalImageName(name))).then(() => true, nothingThere(false));
  }

  /** What `name` means now. Throws `ImageError` when it is unknown or its folder is no image any more. */
  async resolve(name: string): Promise<ResolvedImage> {
    const image = this.#read(this.#fileOf(canonicalImageName(name)));
    if (image === undefined) {
      const other = isBuiltIn(canonicalImageName(name))
        ? builtIn(canonicalImageName(name))
        : await this.#pushed(name);
      if (other !== undefined) return other;
      throw new ImageError(
        `this cluster has no image "${name}"; give it one with: teal image add ${name} DIR (DIR holds the program), ` +
          `teal image build -t ${name} DIR (DIR has a Dockerfile), or teal image add --tar FILE ${name}`,
      );
    }
    return { ...image, ...(await readImageFolder(image.folder)) };
  }

  /** Tells followers, also those in other processes, that an image may mean something else. */
  announce(): void {
    mkdirSync(this.#names, { recursive: true, mode: 0o700 });
    writeWhole(join(this.#names, announcement), "{}");
  }

  /** What was pushed to the cluster's registry, unpacked when it is asked for the first time. */
  async #pushed(name: string): Promise<ResolvedImage | undefined> {
    const reference = pushedReference(canonicalImageName(name));
    if (reference === undefined) return undefined;
    const store = new RepositoryStore(this.folder);
    const manifest = store.manifest(reference.repository, reference.reference);
    if (manifest === undefined) return undefined;
    const folder = await unpackImage(this.folder, store.blobs, { digest: manifest.digest, size: 0 });
    // Folders of images that were used lately are kept.
    await utimes(join(folder, descriptionFile), new Date(), new Date());
    return { name: canonicalImageName(name), folder, ...(await readImageFolder(folder)) };
  }

  /** Calls `listener` after each change, also one made by another process, where the system can tell of changes. */
  follow(listener: () => void): Cancel {
    this.#listeners.add(listener);
    this.#watch();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#unwatch();
    };
  }

  // A system that watches no further folder leaves followers with what they find out by looking again.
  #watch(): void {
    if (this.#watcher !== undefined) return;
    try {
      mkdirSync(this.#names, { recursive: true, mode: 0o700 });
      this.#watcher = watch(this.#names, (_event, changed) => {
        if (changed?.endsWith(".json") === true) for (const each of this.#listeners) each();
      }).on("error", () => this.#unwatch());
    } catch {
      this.#watcher = undefined;
    }
  }

  #unwatch(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  // Names are longer than file names may be, and have other characters.
  #fileOf(canonical: string): string {
    const hash = createHash("sha256").update(canonical).digest("hex").slice(0, 32);
    return join(this.#names, `${hash}.json`);
  }

  #read(path: string): Image | undefined {
    const text = readIfThere(path);
    if (text === undefined) return undefined;
    try {
      const { name, folder } = JSON.parse(text) as Partial<Record<keyof Image, unknown>>;
      if (typeof name !== "string" || typeof folder !== "string") throw new TypeError("no name and folder");
      return { name, folder };
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new ImageError(`${path} cannot be read: ${why}; delete it and add the image again`, { cause });
    }
  }
}

/** `teal`, from whatever registry a manifest takes it. */
function isBuiltIn(canonical: string): boolean {
  return /(^|\/)teal[:@][^/]+$/.test(canonical);
}

function builtIn(name: string): ResolvedImage {
  return {
    name,
    folder: dirname(dirname(ownMain)),
    entrypoint: ["node", ownMain],
    arguments: [],
    env: {},
    workingDir: ".",
    facts: { origin: "built in" },
  };
}

function nothingThere<T>(answer: T): (error: unknown) => T {
  return (error) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return answer;
    throw error;
  };
}

/** Why an image cannot have this name. */
export function badName(name: string): string {
  return `"${name}" is no name of an image: it is lower case, as in shop/web:1.2 or localhost:5000/web`;
}
