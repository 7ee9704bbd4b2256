import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { isRecord } from "./is-record.ts";
import { parseJsonOrYaml } from "./yaml.ts";

/** A kubeconfig that cannot be used; the message names file, field and way out. */
export class KubeconfigError extends Error {
  override readonly name = "KubeconfigError";
}

/** The parts of a kubeconfig, or of several that have been merged, by their names. */
export interface Kubeconfig {
  readonly currentContext: string | undefined;
  readonly clusters: ReadonlyMap<string, Entry>;
  readonly users: ReadonlyMap<string, Entry>;
  readonly contexts: ReadonlyMap<string, Entry>;
  /** For messages. */
  readonly files: readonly string[];
}

export interface Content {
  readonly text: string;
  /** Of the file that it is from, which may change. */
  readonly path?: string;
}

/** One named entry of a kubeconfig. Its fields are read through methods that complain in words. */
export class Entry {
  readonly #fields: Readonly<Record<string, unknown>>;
  /** Of the file that it is from; relative paths in it count from there. */
  readonly #file: string;
  readonly #where: string;

  constructor(fields: unknown, file: string, where: string) {
    if (!isRecord(fields)) throw new KubeconfigError(`${file}: ${where} has to be a mapping`);
    this.#fields = fields;
    this.#file = file;
    this.#where = where;
  }

  text(field: string): string | undefined {
    const value = this.#fields[field];
    if (value === undefined || value === null || value === "") return undefined;
    return typeof value === "string" ? value : this.refuse(field, "has to be a text");
  }

  isTrue(field: string): boolean {
    const value = this.#fields[field] ?? false;
    return typeof value === "boolean" ? value : this.refuse(field, "has to be true or false");
  }

  /** A field that holds further fields. */
  entry(field: string): Entry | undefined {
    const value = this.#fields[field];
    if (value === undefined || value === null) return undefined;
    return new Entry(value, this.#file, `${this.#where}.${field}`);
  }

  list(field: string): readonly unknown[] {
    const value = this.#fields[field] ?? [];
    return Array.isArray(value) ? value : this.refuse(field, "has to be a list");
  }

  /** A path, absolute. */
  path(field: string): string | undefined {
    const value = this.text(field);
    return value === undefined ? undefined : resolve(dirname(this.#file), value);
  }

  /** A program: looked up in PATH, or relative to the file when it contains a slash. */
  command(field: string): string {
    const value = this.text(field) ?? this.refuse(field, "is missing");
    return value.includes("/") ? resolve(dirname(this.#file), value) : value;
  }

  /** The content of `<field>-data` (base64), or else of the file that `<field>` names, then with its path. */
  content(field: string): Content | undefined {
    const data = this.text(`${field}-data`);
    if (data !== undefined) return { text: Buffer.from(data, "base64").toString("utf8") };
    const path = this.path(field);
    if (path === undefined) return undefined;
    try {
      return { text: readFileSync(path, "utf8"), path };
    } catch (cause) {
      return this.refuse(field, `names a file that cannot be read: ${path}`, cause);
    }
  }

  /** For messages. */
  nameOf(field: string): string {
    return `${this.#file}: ${this.#where}.${field}`;
  }

  refuse(field: string, because: string, cause?: unknown): never {
    throw new KubeconfigError(`${this.nameOf(field)} ${because}`, { cause });
  }
}

/** Reads files in order; where several have an entry of the same name, the first one counts. */
export function readKubeconfig(files: readonly string[]): Kubeconfig {
  const merged = {
    clusters: new Map<string, Entry>(),
    users: new Map<string, Entry>(),
    contexts: new Map<string, Entry>(),
  };
  let currentContext: string | undefined;
  for (const file of files) {
    const root = new Entry(readYaml(file) ?? {}, file, "the document");
    currentContext ??= root.text("current-context");
    takeEntries(root.list("clusters"), "clusters", "cluster", file, merged.clusters);
    takeEntries(root.list("users"), "users", "user", file, merged.users);
    takeEntries(root.list("contexts"), "contexts", "context", file, merged.contexts);
  }
  return { ...merged, currentContext, files };
}

function takeEntries(
  list: readonly unknown[],
  listName: string,
  field: string,
  file: string,
  into: Map<string, Entry>,
): void {
  for (const [position, item] of list.entries()) {
    const name = new Entry(item, file, `${listName}[${position}]`).text("name");
    if (name === undefined) throw new KubeconfigError(`${file}: ${listName}[${position}].name is missing`);
    const fields = isRecord(item) ? (item[field] ?? {}) : {};
    if (!into.has(name)) into.set(name, new Entry(fields, file, `${listName}[${name}].${field}`));
  }
}

function readYaml(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new KubeconfigError(`${file}: this kubeconfig cannot be read; does the file exist?`, { cause });
  }
  try {
    return parseJsonOrYaml(text);
  } catch (cause) {
    const because = cause instanceof Error ? (cause.message.split("\n")[0] ?? "") : String(cause);
    throw new KubeconfigError(`${file}: no valid YAML: ${because}`, { cause });
  }
}
