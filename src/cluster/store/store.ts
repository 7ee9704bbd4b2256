import type { KubernetesObject } from "../../api/core.ts";
import { keyOf } from "../../api/metadata.ts";
import type { Cancel } from "../../time/clock.ts";
import type { Change } from "./change.ts";
import { freeze } from "./freeze.ts";
import { History } from "./history.ts";
import { type Entry, type Journal, noJournal, type StoredObject } from "./journal.ts";

export interface StoreOptions {
  readonly journal?: Journal;
  /** Makes of an object that was loaded the form in which it is kept. */
  readonly revive?: (object: KubernetesObject) => KubernetesObject;
  /** How many changes of each collection a watch can go back at most. */
  readonly historyLength?: number;
  /** About how much memory all past states of objects together may take, as bytes of JSON. */
  readonly historyBytes?: number;
}

const defaultHistoryLength = 2000;
const defaultHistoryBytes = 32 * 1024 * 1024;

/** The changes asked for are no longer held; a watcher must list anew. */
export class HistoryExpired extends Error {
  readonly oldest: number;

  constructor(asked: number, oldest: number) {
    super(`too old resource version: ${asked} (${oldest})`);
    this.name = "HistoryExpired";
    this.oldest = oldest;
  }
}

interface Held {
  readonly object: KubernetesObject;
  /** As JSON, about. */
  readonly bytes: number;
}

class Collection {
  readonly namespaces = new Map<string, Map<string, Held>>();
  readonly listeners = new Set<(change: Change) => void>();
  readonly history: History;
  size = 0;

  constructor(floor: number) {
    this.history = new History(floor);
  }
}

/**
 * All objects of a cluster, by collection, namespace and name. Every write gets the next `resourceVersion`, is in the journal
 * before it is seen by anybody, and is told to listeners in order. Objects are frozen: nobody can change what is stored.
 */
export class Store {
  readonly #journal: Journal;
  readonly #historyLength: number;
  readonly #historyBytes: number;
  readonly #collections = new Map<string, Collection>();
  #version: number;
  // Changes up to here are not held, because they were made before this process and are compacted.
  readonly #floor: number;
  #pastBytes = 0;
  #isTrimDue = false;

  constructor(options: StoreOptions = {}) {
    this.#journal = options.journal ?? noJournal;
    this.#historyLength = options.historyLength ?? defaultHistoryLength;
    this.#historyBytes = options.historyBytes ?? defaultHistoryBytes;
    const state = this.#journal.load(() => this.#objects());
    this.#floor = state.entriesAfter;
    this.#version = state.version;
    const { revive = (object) => object } = options;
    for (const { collection, object, bytes } of state.objects) this.#set(collection, revive(object), bytes);
    for (const entry of state.entries) {
      const object = entry.object === undefined ? {} : { object: revive(entry.object) };
      this.#trim(this.#record({ ...entry, ...object }, entry.bytes).history);
    }
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
    return this.#held(collection, namespace, name)?.object;
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
    const floor = this.floorOf(collection);
    if (version < floor) throw new HistoryExpired(version, floor);
    return this.#collections.get(collection)?.history.since(version) ?? [];
  }

  /** The first change after `version`, which is `floorOf` or later. */
  changeAfter(version: number, collection: string): Change | undefined {
    return this.#collections.get(collection)?.history.after(version);
  }

  /** All changes after this version are held. */
  floorOf(collection: string): number {
    return this.#collections.get(collection)?.history.floor ?? this.#floor;
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
    const bytes = this.#journal.append(entry);
    const { change, listeners, history } = this.#record(entry, bytes);
    for (const listener of listeners) listener(change);
    this.#trimLater(history);
    return change;
  }

  #record(
    entry: Entry,
    bytes: number,
  ): { change: Change; listeners: Collection["listeners"]; history: History } {
    const { version, namespace, name, object } = entry;
    const previous = this.#held(entry.collection, namespace, name);
    this.#version = version;
    const change = changeOf(entry, previous?.object);
    if (object === undefined) this.#unset(entry);
    else this.#set(entry.collection, object, bytes);
    const { history, listeners } = this.#collection(entry.collection);
    // The new state is stored or in the next change; what is kept for the history's sake is the state before.
    history.add(change, previous?.bytes ?? 0);
    this.#pastBytes += previous?.bytes ?? 0;
    return { change, history, listeners };
  }

  #held(collection: string, namespace: string, name: string): Held | undefined {
    return this.#collections.get(collection)?.namespaces.get(namespace)?.get(name);
  }

  // After the listeners' own microtasks: those that keep up see every change, however many come at once.
  #trimLater(history: History): void {
    const isLong = history.length > this.#historyLength || this.#pastBytes > this.#historyBytes;
    if (!isLong || this.#isTrimDue) return;
    this.#isTrimDue = true;
    queueMicrotask(() => {
      this.#isTrimDue = false;
      for (const collection of this.#collections.values()) this.#trim(collection.history);
    });
  }

  #trim(history: History): void {
    while (history.length > this.#historyLength) this.#pastBytes -= history.dropOldest();
    while (this.#pastBytes > this.#historyBytes) {
      const largest = this.#largestHistory();
      if (largest === undefined) return;
      this.#pastBytes -= largest.dropOldest();
    }
  }

  #largestHistory(): History | undefined {
    let largest: History | undefined;
    for (const { history } of this.#collections.values())
      if (history.length > 1 && history.bytes > (largest?.bytes ?? 0)) largest = history;
    return largest;
  }

  #set(collectionName: string, object: KubernetesObject, bytes: number): void {
    const collection = this.#collection(collectionName);
    const { namespace, name } = placeOf(object);
    let names = collection.namespaces.get(namespace);
    if (names === undefined) {
      names = new Map();
      collection.namespaces.set(namespace, names);
    }
    const before = names.size;
    names.set(name, { object: freeze(object), bytes });
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
        for (const { object } of names.values()) yield { collection, object };
      }
    }
  }

  #collection(name: string): Collection {
    let collection = this.#collections.get(name);
    if (collection === undefined) {
      collection = new Collection(this.#floor);
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

function inOrder(names: ReadonlyMap<string, Held> | undefined): readonly KubernetesObject[] {
  if (names === undefined) return [];
  return Array.from(names.values(), ({ object }) => object).sort((a, b) =>
    byText(a.metadata.name, b.metadata.name),
  );
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
