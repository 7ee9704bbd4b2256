import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { clusterOf } from "../node/process/container-mark.ts";
import { readIfThere } from "../whole-file.ts";
import { isKnownProcess, isRunning, type KnownProcess, knownProcess } from "./known-process.ts";

/** The data folder is in use by another cluster that runs. */
export class FolderInUse extends Error {
  override readonly name = "FolderInUse";
  readonly holder: KnownProcess;

  constructor(holder: KnownProcess) {
    super(`in use by process ${holder.pid}`);
    this.holder = holder;
  }
}

/**
 * Makes this process the only one that uses a data folder, until the returned function is called or the process ends. The lock
 * is a folder with the holder's name in it, made elsewhere and renamed into place: that is whole or not at all and never over
 * another, on file systems without hard links too (FAT, 9p, some network mounts).
 * @throws FolderInUse when another process that still runs holds the lock.
 */
export function lockFolder(lock: string): () => void {
  const own = knownProcess(process.pid);
  if (own === undefined) throw new Error("this process cannot find itself in the process table");
  // The lock of the first versions was a file.
  const first = holderOf(lock, readIfThere(`${lock}.json`));
  if (first !== undefined && isRunning(first)) throw new FolderInUse(first);
  const draft = `${lock}.${process.pid}`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { mode: 0o700 });
  try {
    const holder = { ...own, folder: clusterOf(dirname(lock)) };
    writeFileSync(join(draft, holderFile), JSON.stringify(holder), { mode: 0o600 });
    while (!renameIfFree(draft, lock)) removeIfStale(lock);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return () => {
    const holder = holderOf(lock, readLock(lock));
    if (holder?.pid !== own.pid || holder.identity !== own.identity) return;
    // Moved aside first, so that nobody finds half a lock.
    renameSync(lock, draft);
    rmSync(draft, { recursive: true });
  };
}

/** The running process that holds the lock; undefined when none does. */
export function lockHolder(lock: string): KnownProcess | undefined {
  const holder = holderOf(lock, readLock(lock));
  return holder !== undefined && isRunning(holder) ? holder : undefined;
}

const holderFile = "holder.json";

function readLock(lock: string): string | undefined {
  return readIfThere(join(lock, holderFile));
}

function renameIfFree(draft: string, lock: string): boolean {
  try {
    renameSync(draft, lock);
    return true;
  } catch (error) {
    // File systems differ in how they say that a folder with something in it is there.
    if (codeOf(error) === "ENOTEMPTY" || codeOf(error) === "EEXIST" || existsSync(join(lock, holderFile)))
      return false;
    throw error;
  }
}

function removeIfStale(lock: string): void {
  const text = readLock(lock);
  const holder = holderOf(lock, text);
  if (holder !== undefined && isRunning(holder)) throw new FolderInUse(holder);
  // Moved aside first: between reading and deleting, somebody else may have replaced the stale lock by a good one.
  const aside = `${lock}.stale.${process.pid}`;
  rmSync(aside, { recursive: true, force: true });
  try {
    renameSync(lock, aside);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return;
    throw error;
  }
  const isAnother = readLock(aside) !== text;
  if (isAnother) renameIfFree(aside, lock);
  rmSync(aside, { recursive: true, force: true });
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

function holderOf(lock: string, text: string | undefined): KnownProcess | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (!isKnownProcess(value)) return undefined;
    const { pid, identity, folder } = value as KnownProcess & { readonly folder?: unknown };
    // In a copy of a folder, the lock of the original came along.
    const isCopied = folder !== undefined && folder !== clusterOf(dirname(lock));
    return isCopied ? undefined : { pid, identity };
  } catch {
    // Half a file is nobody's: locks are renamed into place whole.
    return undefined;
  }
}
