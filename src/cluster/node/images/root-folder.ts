import { lstatSync, mkdirSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { join, posix, relative } from "node:path";
import { ImageError } from "./image-folder.ts";

const mostLinks = 40;

/**
 * The folder that is `/` to an image. Whatever path it is given, and whatever links are in the folder: what is written is
 * inside.
 */
export class RootFolder {
  readonly path: string;
  /** Folders known to be no links, so that deep trees are looked at once. */
  readonly #plain = new Set<string>();

  constructor(path: string) {
    this.path = path;
    mkdirSync(path, { recursive: true, mode: 0o755 });
  }

  /** Where the file of this path is, with links followed as a container would; the last part of it is not followed. */
  place(path: string): string {
    const inside = posix.normalize(`/${path}`).replace(/(.)\/$/, "$1");
    const folder = posix.dirname(inside);
    return inside === "/" ? this.path : join(this.#folder(folder), posix.basename(inside));
  }

  /** As `place`, following the last part too. */
  real(path: string): string {
    return join(this.path, this.#follow(posix.normalize(`/${path}`)));
  }

  /** Makes the folder of this path and those above it; answers where it is. A file in its place gives way. */
  makeFolder(path: string): string {
    const place = this.real(path);
    const found = lstatSync(place, { throwIfNoEntry: false });
    if (found?.isDirectory() === true) return place;
    if (found !== undefined) rmSync(place);
    mkdirSync(place, { recursive: true, mode: 0o755 });
    return place;
  }

  /** Takes away what is at this path, to put something else there; answers where that is. Its folder is made. */
  clear(path: string): string {
    this.makeFolder(posix.dirname(posix.normalize(`/${path}`)));
    const place = this.place(path);
    if (place === this.path) throw new ImageError(`"${path}" means the root of the image itself`);
    const found = lstatSync(place, { throwIfNoEntry: false });
    if (found?.isDirectory() === true) this.#plain.clear();
    if (found !== undefined) rmSync(place, { recursive: true, force: true });
    return place;
  }

  /** A link that means within the image what `target` means in a container, without leading out of the folder. */
  link(path: string, target: string): void {
    const place = this.clear(path);
    symlinkSync(this.inside(posix.normalize(`/${path}`), target), place);
  }

  /** `target` as a relative path that stays below the root. The links of the kernel's own folders stay as they are. */
  inside(path: string, target: string): string {
    if (/^\/(dev|proc|sys)\//.test(target)) return target;
    const folder = posix.dirname(path);
    const meant = target.startsWith("/") ? posix.normalize(target) : posix.join("/", folder, target);
    return posix.relative(folder, meant) || ".";
  }

  /** Takes back what is known of links, after somebody else has been at work in the folder. */
  forget(): void {
    this.#plain.clear();
  }

  #folder(path: string): string {
    if (path === "/" || this.#plain.has(path)) return join(this.path, path);
    return join(this.path, this.#follow(path));
  }

  /** The path that is meant, link by link, from the root. */
  #follow(path: string): string {
    let parts = path.split("/").filter((each) => each !== "");
    let reached = "/";
    let links = 0;
    while (parts.length > 0) {
      const [part = "", ...rest] = parts;
      parts = rest;
      if (part === ".") continue;
      if (part === "..") {
        reached = posix.dirname(reached);
        continue;
      }
      const next = posix.join(reached, part);
      if (this.#plain.has(next)) {
        reached = next;
        continue;
      }
      const found = lstatSync(join(this.path, next), { throwIfNoEntry: false });
      if (found?.isSymbolicLink() !== true) {
        if (found?.isDirectory() === true) this.#plain.add(next);
        reached = next;
        continue;
      }
      links += 1;
      if (links > mostLinks) throw new ImageError(`${path}: links lead in a circle`);
      const target = readlinkSync(join(this.path, next));
      // A build's own tools write links with the machine's paths.
      const isOwn = target.startsWith(`${this.path}/`);
      if (isOwn || target.startsWith("/")) reached = "/";
      parts = [
        ...(isOwn ? relative(this.path, target) : target).split("/").filter((each) => each !== ""),
        ...parts,
      ];
    }
    return reached;
  }
}

/** Whether `path` is `folder` or below it. */
export function isWithin(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder.endsWith("/") ? folder : `${folder}/`);
}
