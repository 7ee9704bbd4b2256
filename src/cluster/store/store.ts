import type { KubernetesObject } from "../../api/core.ts";
import type { Cancel } from "../../time/clock.ts";
import { freeze } from "./freeze.ts";
import { History } from "./history.ts";
import { type Entry, type Journal, noJournal, type StoredObject } from "./journal.ts";

/** One change of one object, as watchers see it. */
export interface Change {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly version: number;
  readonly namespace: string;
  readonly name: string;
  /** The state from `version` on; for `DELETED` the last state with the deletion's `resourceVersion`. */
  readonly object: KubernetesObject;
  /** The state before; absent for `ADDED`. */
  readonly previous?: KubernetesObject;
}

export interface StoreOptions {
  readonly journal?: Journal;
  /** How many changes of each collection a watch can go back. */
  readonly historyLength?: number;
}

/** The changes asked for are no longer held; a watcher must list anew. */
export class HistoryExpired extends Error {
  readonly oldest: number;

  constructor(asked: number, oldest: number) {
    super(`too old resource version: ${asked} (${oldest})`);
    this.name = "HistoryExpired";
    this.oldest = oldest;
  }
}

class Collection {
  readonly namespaces = new Map<string, Map<string, KubernetesObject>>();
  readonly listeners = new Set<(change: Change) => void>();
  readonly history: History;
  size = 0;

  constructor(historyLength: number, floor: number) {
    this.history = new History(historyLength, floor);
  }
}

/**
 * All objects of a cluster, by collection, namespace and name. Every write gets the next `resourceVersion`, is in the journal
 * before it is seen by anybody, and is told to listeners in order. Objects are frozen: nobody can change what is stored.
 */
export class Store {
  readonly #journal: Journal;
  readonly #historyLength: number;
  readonly #collections = new Map<string, Collection>();
  #version: number;
  // Changes up to here are not held, because they were made before this process and are compacted.
  readonly #floor: number;

  constructor(options: StoreOptions = {}) {
    this.#journal = options.journal ?? noJournal;
    this.#historyLength = options.historyLength ?? 2000;
    const state = this.#journal.load();
    this.#floor = state.entriesAfter;
    this.#version = state.version;
    for (const { collection, object } of state.objects) this.#set(collection, object);
    for (const entry of state.entries) this.#record(entry);
  }

  /** `resourceVersion` of the newest write of any collection. */
  get version(): number {
    return this.#version;
  }

  /** How many objects the collection holds. */
  size(collection: string): number {
    return this.#collections.get(collection)?.size ?? 0;
  }

  get(collection: string, namespace: string, name: string): KubernetesObject | undefined {
    return this.#collections.get(collection)?.namespaces.get(namespace)?.get(name);
  }

  /** All objects, or those of one namespace, ordered by namespace and name. */
  list(collection: string, namespace?: string): readonly KubernetesObject[] {
    const { namespaces } = this.#collections.get(collection) ?? { namespaces: new Map<string, never>() };
    if (namespace !== undefined) return inOrder(namespaces.get(namespace));
    return [...namespaces.keys()].sort(byText).flatMap((each) => inOrder(namespaces.get(each)));
  }

  /** As `list`, at an earlier version. Throws `HistoryExpired` when that is too long ago. */
  listAt(version: number, collection: string, namespace?: string): readonly KubernetesObject[] {
    const now = this.list(collection, namespace);
    const changes = this.changesSince(version, collection).filter(
      (change) => namespace === undefined || change.namespace === namespace,
    );
    if (changes.length === 0) return now;
    const then = new Map(now.map((object) => [keyOf(object), object]));
    for (const change of changes.reverse()) {
      const key = keyOf(change.object);
      if (change.previous === undefined) then.delete(key);
      else then.set(key, change.previous);
    }
    return [...then.values()].sort(
      (a, b) =>
        byText(a.metadata.namespace ?? "", b.metadata.namespace ?? "") ||
        byText(a.metadata.name, b.metadata.name),
    );
  }

  /** Changes after `version`, oldest first. Throws `HistoryExpired` when some of them are no longer held. */
  changesSince(version: number, collection: string): Change[] {
    const history = this.#collections.get(collection)?.history;
    const floor = history?.floor ?? this.#floor;
    if (version < floor) throw new HistoryExpired(version, floor);
    return history?.since(version) ?? [];
  }

  /** Calls `listener` with every change from now on, within the write that makes it. */
  listen(collection: string, listener: (change: Change) => void): Cancel {
    const { listeners } = this.#collection(collection);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  /** Stores `object` under the next version, which is written into it. Throws when the journal cannot keep it. */
  put(collection: string, object: KubernetesObject): KubernetesObject {
    const version = this.#version + 1;
    const stored = freeze(withVersion(object, version));
    this.#write({ version, collection, ...placeOf(stored), object: stored });
    return stored;
  }

  /** Takes the object away. Returns its last state with the deletion's version; undefined when there is none. */
  remove(collection: string, namespace: string, name: string): KubernetesObject | undefined {
    if (this.get(collection, namespace, name) === undefined) return undefined;
    return this.#write({ version: this.#version + 1, collection, namespace, name }).object;
  }

  /** Ends persistence; the store must not be written to afterwards. */
  close(): void {
    this.#journal.close();
  }

  #write(entry: Entry): Change {
    this.#journal.append(entry);
    const change = this.#record(entry);
    if (this.#journal.wantsCompaction) this.#journal.compact(this.#version, this.#objects());
    for (const listener of this.#collection(entry.collection).listeners) listener(change);
    return change;
  }

  #record(entry: Entry): Change {
    const { version, namespace, name, object } = entry;
    const previous = this.get(entry.collection, namespace, name);
    this.#version = version;
    const change = changeOf(entry, previous);
    if (object === undefined) this.#unset(entry);
    else this.#set(entry.collection, object);
    this.#collection(entry.collection).history.add(change);
    return change;
  }

  #set(collectionName: string, object: KubernetesObject): void {
    const collection = this.#collection(collectionName);
    const { namespace, name } = placeOf(object);
    let names = collection.namespaces.get(namespace);
    if (names === undefined) {
      names = new Map();
      collection.namespaces.set(namespace, names);
    }
    const before = names.size;
    names.set(name, freeze(object));
    collection.size += names.size - before;
  }

  #unset(entry: Entry): void {
    const collection = this.#collection(entry.collection);
    const names = collection.namespaces.get(entry.namespace);
    if (names?.delete(entry.name) !== true) return;
    collection.size -= 1;
    if (names.size === 0) collection.namespaces.delete(entry.namespace);
  }

  *#objects(): Generator<StoredObject> {
    for (const [collection, { namespaces }] of this.#collections) {
      for (const names of namespaces.values()) {
        for (const object of names.values()) yield { collection, object };
      }
    }
  }

  #collection(name: string): Collection {
    let collection = this.#collections.get(name);
    if (collection === undefined) {
      collection = new Collection(this.#historyLength, this.#floor);
      this.#collections.set(name, collection);
    }
    return collection;
  }
}

function changeOf(entry: Entry, previous: KubernetesObject | undefined): Change {
  const { version, namespace, name, object } = entry;
  if (object === undefined) {
    if (previous === undefined) {
      throw new Error(
        `version ${version} deletes ${entry.collection} ${namespace}/${name}, which does not exist`,
      );
    }
    return {
      type: "DELETED",
      version,
      namespace,
      name,
      object: freeze(withVersion(previous, version)),
      previous,
    };
  }
  if (previous === undefined) return { type: "ADDED", version, namespace, name, object };
  return { type: "MODIFIED", version, namespace, name, object, previous };
}

function placeOf(object: KubernetesObject): { namespace: string; name: string } {
  return { namespace: object.metadata.namespace ?? "", name: object.metadata.name };
}

function withVersion(object: KubernetesObject, version: number): KubernetesObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
}

function keyOf(object: KubernetesObject): string {
  return `${object.metadata.namespace ?? ""}/${object.metadata.name}`;
}

function inOrder(names: ReadonlyMap<string, KubernetesObject> | undefined): readonly KubernetesObject[] {
  if (names === undefined) return [];
  return [...names.values()].sort((a, b) => byText(a.metadata.name, b.metadata.name));
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
