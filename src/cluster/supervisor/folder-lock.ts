import { linkSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { clusterOf } from "../node/process/container-mark.ts";
import { readIfThere } from "./cluster-record.ts";
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
 * Makes this process the only one that uses a data folder, until the returned function is called or the process ends.
 * @throws FolderInUse when another process that still runs holds the lock.
 */
export function lockFolder(file: string): () => void {
  const own = knownProcess(process.pid);
  if (own === undefined) throw new Error("this process cannot find itself in the process table");
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, JSON.stringify({ ...own, folder: clusterOf(dirname(file)) }), { mode: 0o600 });
  try {
    while (!linkIfFree(draft, file)) removeIfStale(file);
  } finally {
    rmSync(draft, { force: true });
  }
  return () => {
    const holder = holderOf(file, readIfThere(file));
    if (holder?.pid === own.pid && holder.identity === own.identity) rmSync(file, { force: true });
  };
}

/** The running process that holds the lock; undefined when none does. */
export function lockHolder(file: string): KnownProcess | undefined {
  const holder = holderOf(file, readIfThere(file));
  return holder !== undefined && isRunning(holder) ? holder : undefined;
}

// A link is made whole or not at all, and never over a file that is there.
function linkIfFree(draft: string, file: string): boolean {
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

function removeIfStale(file: string): void {
  const text = readIfThere(file);
  if (text === undefined) return;
  const holder = holderOf(file, text);
  if (holder !== undefined && isRunning(holder)) throw new FolderInUse(holder);
  // Moved aside first: between reading and deleting, somebody else may have replaced the stale lock by a good one.
  const aside = `${file}.stale.${process.pid}`;
  renameSync(file, aside);
  const isAnother = readIfThere(aside) !== text;
  if (isAnother) linkIfFree(aside, file);
  rmSync(aside, { force: true });
}

function holderOf(file: string, text: string | undefined): KnownProcess | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (!isKnownProcess(value)) return undefined;
    const { pid, identity, folder } = value as KnownProcess & { readonly folder?: unknown };
    // In a copy of a folder, the lock of the original came along.
    const isCopied = folder !== undefined && folder !== clusterOf(dirname(file));
    return isCopied ? undefined : { pid, identity };
  } catch {
    // Half a file is nobody's: locks are linked into place whole.
    return undefined;
  }
}
