import { type FSWatcher, watch } from "node:fs";
import { mkdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Cancel } from "../../../time/clock.ts";
import { type ImageContent, ImageError, readImageFolder } from "./image-folder.ts";
import { canonicalImageName } from "./image-name.ts";

/** An image of the embedded cluster: a name for a folder on this machine. */
export interface Image {
  /** In full: `docker.io/library/nginx:latest` for `nginx`. */
  readonly name: string;
  readonly folder: string;
}

export interface ResolvedImage extends Image, ImageContent {}

const fileName = "images.json";

/**
 * The registry of the embedded cluster: `images.json` in the data folder says which folder an `image:` name means. The node
 * agent reads it and `teal image` writes it, from another process; both see it whole at any time.
 */
export class ImageStore {
  readonly #dataFolder: string;
  readonly #listeners = new Set<() => void>();
  #watcher: FSWatcher | undefined;

  constructor(dataFolder: string) {
    this.#dataFolder = dataFolder;
  }

  /** All images, sorted by name. */
  async list(): Promise<readonly Image[]> {
    const images = Object.entries(await this.#read());
    return images.map(([name, folder]) => ({ name, folder })).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Makes `name` mean `folder`, also where it meant another one. Throws `ImageError` for a folder that is no image. */
  async add(name: string, folder: string): Promise<Image> {
    const image = { name: canonicalImageName(name), folder: resolve(folder) };
    await readImageFolder(image.folder);
    await this.#write({ ...(await this.#read()), [image.name]: image.folder });
    return image;
  }

  /** Whether there was such an image. Its folder stays as it is. */
  async remove(name: string): Promise<boolean> {
    const canonical = canonicalImageName(name);
    const { [canonical]: removed, ...others } = await this.#read();
    if (removed === undefined) return false;
    await this.#write(others);
    return true;
  }

  /** What `name` means now. Throws `ImageError` when it is unknown or its folder is no image any more. */
  async resolve(name: string): Promise<ResolvedImage> {
    const canonical = canonicalImageName(name);
    const folder = (await this.#read())[canonical];
    if (folder === undefined) {
      throw new ImageError(
        `this cluster has no image "${name}"; give it one with: teal image add ${name} DIR (DIR holds the program)`,
      );
    }
    return { name: canonical, folder, ...(await readImageFolder(folder)) };
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
      this.#watcher = watch(this.#dataFolder, (_event, changed) => {
        if (changed === fileName) for (const each of this.#listeners) each();
      }).on("error", () => this.#unwatch());
    } catch {
      this.#watcher = undefined;
    }
  }

  #unwatch(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  async #read(): Promise<Readonly<Record<string, string>>> {
    const path = join(this.#dataFolder, fileName);
    if ((await stat(path).catch(() => undefined)) === undefined) return {};
    const text = await readFile(path, "utf8");
    try {
      return parseImages(JSON.parse(text));
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new ImageError(`${path} cannot be read: ${why}; mend it, or delete it and add the images again`, {
        cause,
      });
    }
  }

  async #write(images: Readonly<Record<string, string>>): Promise<void> {
    await mkdir(this.#dataFolder, { recursive: true, mode: 0o700 });
    const path = join(this.#dataFolder, fileName);
    const draft = `${path}.${process.pid}`;
    await writeFile(draft, `${JSON.stringify(images, null, 2)}\n`);
    await rename(draft, path);
  }
}

function parseImages(value: unknown): Readonly<Record<string, string>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TypeError("not a JSON object");
  }
  const images: Record<string, string> = {};
  for (const [name, folder] of Object.entries(value)) {
    if (typeof folder !== "string") throw new TypeError(`the folder of ${name} is no text`);
    images[name] = folder;
  }
  return images;
}
