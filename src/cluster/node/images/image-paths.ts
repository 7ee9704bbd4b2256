import { lstatSync } from "node:fs";
import { delimiter, isAbsolute, join, posix } from "node:path";

/**
 * What an image's absolute paths mean where a container sees the machine's own files: a path that the image has, or could
 * have because it has the folder, is the one below the image's root; every other path is the machine's.
 */
export class ImagePaths {
  readonly #root: string;
  readonly #mounts: readonly string[];

  /** Paths of `mounts`, and what lies below them, are left as they are. */
  constructor(root: string, mounts: readonly string[] = []) {
    this.#root = root;
    this.#mounts = mounts;
  }

  /** The file that `path` means. */
  file(path: string): string {
    if (!isAbsolute(path) || path.startsWith(this.#root)) return path;
    const inside = posix.normalize(path);
    if (inside === "/" || isKernels(inside)) return path;
    if (this.#mounts.some((mount) => inside === mount || inside.startsWith(`${mount}/`))) return path;
    const parent = posix.dirname(inside);
    const isOfImage = this.#has(inside) || (parent !== "/" && this.#has(parent) && !isThere(inside));
    return isOfImage ? join(this.#root, inside) : path;
  }

  /** A word of a command: a path, `--flag=/a/path`, a list of paths with colons, or a line for a shell. */
  word(word: string): string {
    if (!word.includes("/")) return word;
    if (isAbsolute(word) && !/[\s:;|&<>'"]/.test(word)) return this.file(word);
    return word.replaceAll(
      /(^|[\s:=;|&<>'"(,])(\/[^\s:=;|&<>'"(),]+)/g,
      (_all, before: string, path: string) => `${before}${this.file(path)}`,
    );
  }

  /** Values of variables. In `PATH`, what the image has comes first, then `machinePath`. */
  variables(
    variables: Readonly<Record<string, string>>,
    machinePath: string,
  ): Readonly<Record<string, string>> {
    return Object.fromEntries(
      Object.entries(variables).map(([name, value]) => [
        name,
        name === "PATH" ? this.searchPath(value, machinePath) : this.#value(value),
      ]),
    );
  }

  searchPath(imagePath: string, machinePath: string): string {
    const all = imagePath.split(":").filter((each) => each !== "");
    const own = all.map((each) => this.file(each)).filter((each) => each.startsWith(this.#root));
    return [...new Set([...own, ...machinePath.split(delimiter)])].join(delimiter);
  }

  // An address such as `http://host/app` or a sentence stays as it is.
  #value(value: string): string {
    if (!/^\/|:\//.test(value) || value.includes("://")) return value;
    return value
      .split(":")
      .map((each) => this.file(each))
      .join(":");
  }

  #has(path: string): boolean {
    return isThere(join(this.#root, path));
  }
}

function isKernels(path: string): boolean {
  return /^\/(dev|proc|sys)(\/|$)/.test(path);
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}
