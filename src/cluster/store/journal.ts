import type { KubernetesObject } from "../../api/core.ts";
import { isDiskFull } from "./disk.ts";

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

/** How many bytes it takes where it was read from. */
interface Sized {
  readonly bytes: number;
}

export type LoadedEntry = Entry & Sized;
export type LoadedObject = StoredObject & Sized;

export interface LoadedState {
  /** Of the last write that the journal holds. */
  readonly version: number;
  /** The objects as of `entriesAfter`. */
  readonly objects: readonly LoadedObject[];
  readonly entriesAfter: number;
  /** Writes since then, oldest first, with consecutive versions. */
  readonly entries: readonly LoadedEntry[];
}

/** Where a store keeps its writes so that they outlive the process. */
export interface Journal {
  /** `objects` answers all that the store holds, as of the last write that was appended. */
  load(objects: () => Iterable<StoredObject>): LoadedState;
  /**
   * Returns when the write outlives a kill of this process: how many bytes it takes. Throws `WriteFailed` when it does not: it
   * then never happened.
   */
  append(entry: Entry): number;
  close(): void;
}

/** Keeps nothing: for scenarios, where the store lives as long as its process. */
export const noJournal: Journal = {
  load: () => ({ version: 0, objects: [], entriesAfter: 0, entries: [] }),
  append: () => 0,
  close: () => {},
};

/** A write that could not be kept (a full disk); it did not happen. */
export class WriteFailed extends Error {
  override readonly name = "WriteFailed";
  /** Whether there is no room; else the disk has failed. */
  readonly isDiskFull: boolean;

  constructor(cause: unknown) {
    super(`the cluster's data cannot be written: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
    this.isDiskFull = isDiskFull(cause);
  }
}
