import { copyFileSync, rmSync, statSync, truncateSync } from "node:fs";

/** A run's log and what was cut off it take at most twice this. */
export const largestLogBytes = 10 * 1024 * 1024;

/** The older part of a log that has grown too large. */
export function olderLogPath(path: string): string {
  return `${path}.1`;
}

/**
 * Moves a log that has grown too large aside. The container goes on writing into the same, then empty file: it holds it open
 * for appending, so nobody has to tell it. What it writes in the moment between copying and emptying is lost. Throws when it
 * cannot be copied; it is emptied all the same, because a log that goes on growing is worse.
 */
export function limitLog(path: string): void {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size <= largestLogBytes) return;
  try {
    copyFileSync(path, olderLogPath(path));
  } catch (error) {
    // Half a copy must not take what little room there may be.
    rmSync(olderLogPath(path), { force: true });
    throw error;
  } finally {
    truncateSync(path, 0);
  }
}
