import type { KubernetesObject } from "../api/core.ts";

/** The keys under which an object is found again: none, one or several. */
export type IndexFunction<T> = (object: T) => readonly string[];

/** Objects of one kind by namespace and name, and by any number of further keys. Every look-up costs what it returns. */
export class IndexedObjects<T extends KubernetesObject> {
  readonly #namespaces = new Map<string, Map<string, T>>();
  readonly #indexes: readonly Index<T>[];

  constructor(indexes: Readonly<Record<string, IndexFunction<T>>> = {}) {
    this.#indexes = Object.entries(indexes).map(([name, keysOf]) => ({ name, keysOf, entries: new Map() }));
  }

  get(namespace: string, name: string): T | undefined {
    return this.#namespaces.get(namespace)?.get(name);
  }

  /** All objects, or those of one namespace. */
  list(namespace?: string): readonly T[] {
    if (namespace !== undefined) return [...(this.#namespaces.get(namespace)?.values() ?? [])];
    return [...this.#namespaces.values()].flatMap((objects) => [...objects.values()]);
  }

  /** The objects that have `key` in the index `name`. */
  by(name: string, key: string): readonly T[] {
    const index = this.#indexes.find((candidate) => candidate.name === name);
    if (index === undefined) throw new Error(`no index is named ${name}`);
    return index.entries.get(key) ?? [];
  }

  /** Throws what an index function throws, and has then changed nothing. */
  put(object: T): void {
    const { namespace = "", name } = object.metadata;
    const keys = this.#indexes.map(({ keysOf, entries }) => ({ entries, found: keysOf(object) }));
    this.remove(namespace, name);
    const objects = this.#namespaces.get(namespace) ?? new Map<string, T>();
    this.#namespaces.set(namespace, objects.set(name, object));
    for (const { found, entries } of keys) {
      for (const key of found) entries.set(key, [...(entries.get(key) ?? []), object]);
    }
  }

  remove(namespace: string, name: string): void {
    const objects = this.#namespaces.get(namespace);
    const object = objects?.get(name);
    if (objects === undefined || object === undefined) return;
    objects.delete(name);
    if (objects.size === 0) this.#namespaces.delete(namespace);
    for (const { keysOf, entries } of this.#indexes) {
      for (const key of keysOf(object)) {
        const others = entries.get(key)?.filter((found) => found !== object) ?? [];
        if (others.length === 0) entries.delete(key);
        else entries.set(key, others);
      }
    }
  }
}

interface Index<T> {
  readonly name: string;
  readonly keysOf: IndexFunction<T>;
  /** Each list is replaced when it changes: it may be handed out as it is, and a short one takes far less than a Set. */
  readonly entries: Map<string, readonly T[]>;
}
