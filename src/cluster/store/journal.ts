import type { KubernetesObject } from "../../api/core.ts";

/** One write: the object as it is from `version` on, or that it is gone. */
export interface Entry {
  readonly version: number;
  /** `pods`, `deployments.apps`: which collection. */
  readonly collection: string;
  readonly namespace: string;
  readonly name: string;
  /** The new state; absent when the object was deleted. */
  readonly object?: KubernetesObject;
}

export interface StoredObject {
  readonly collection: string;
  readonly object: KubernetesObject;
}

export interface LoadedState {
  /** Of the last write that the journal holds. */
  readonly version: number;
  /** The objects as of `entriesAfter`. */
  readonly objects: readonly StoredObject[];
  readonly entriesAfter: number;
  /** Writes since then, oldest first, with consecutive versions. */
  readonly entries: readonly Entry[];
}

/** Where a store keeps its writes so that they outlive the process. */
export interface Journal {
  load(): LoadedState;
  /** Returns when the write outlives a kill of this process. Throws `WriteFailed` when it does not: it then never happened. */
  append(entry: Entry): void;
  /** Whether `compact` is worth its cost by now. */
  readonly wantsCompaction: boolean;
  /** Replaces all entries up to `version` by the objects as they are then. Never throws. */
  compact(version: number, objects: Iterable<StoredObject>): void;
  close(): void;
}

/** Keeps nothing: for scenarios, where the store lives as long as its process. */
export const noJournal: Journal = {
  load: () => ({ version: 0, objects: [], entriesAfter: 0, entries: [] }),
  append: () => {},
  wantsCompaction: false,
  compact: () => {},
  close: () => {},
};

/** A write that could not be kept (a full disk); it did not happen. */
export class WriteFailed extends Error {
  constructor(cause: unknown) {
    super(`the cluster's data cannot be written: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
    this.name = "WriteFailed";
  }
}
