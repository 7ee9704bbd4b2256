import { closeSync, ftruncateSync, openSync, readSync, rmSync, statSync, writeSync } from "node:fs";

/** A run's log and what was cut off it take at most twice this, but for what is written between two looks. */
export const largestLogBytes = 10 * 1024 * 1024;

const chunkBytes = 1024 * 1024;

/** The older part of a log that has grown too large. */
export function olderLogPath(path: string): string {
  return `${path}.1`;
}

/**
 * Moves the end of a log that has grown larger than `largest` aside, and empties it. Its writer goes on writing into the same,
 * then empty file: it holds it open for appending, so nobody has to tell it. What it writes in the moment between copying and
 * emptying is lost, and so is what was before the last `largest` bytes. `cut` is told how many bytes leave the file, and how many
 * of them are kept, before they leave it. Throws when it cannot be copied; it is emptied all the same, because a log that goes on growing is worse.
 */
export function limitLog(
  path: string,
  largest = largestLogBytes,
  cut: (bytes: number, kept: number) => void = () => {},
): void {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size <= largest) return;
  const log = openSync(path, "r+");
  let kept = 0;
  try {
    copyPart(log, size - largest, size, olderLogPath(path));
    kept = largest;
  } catch (error) {
    // Half a copy must not take what little room there may be.
    rmSync(olderLogPath(path), { force: true });
    throw error;
  } finally {
    cut(size, kept);
    ftruncateSync(log, 0);
    closeSync(log);
  }
}

/** Up to `end` only: a fast writer is always ahead of who reads it to the end. */
function copyPart(log: number, start: number, end: number, path: string): void {
  const copy = openSync(path, "w", 0o600);
  try {
    const chunk = Buffer.alloc(chunkBytes);
    for (let position = start; position < end; ) {
      const length = readSync(log, chunk, 0, Math.min(chunkBytes, end - position), position);
      if (length === 0) return;
      for (let written = 0; written < length; ) written += writeSync(copy, chunk, written, length - written);
      position += length;
    }
  } finally {
    closeSync(copy);
  }
}
