import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  statSync,
} from "node:fs";
import { dirname } from "node:path";

const largestLog = 5 * 1024 * 1024;
const tailLength = 4096;

/** Opens a log to append to. One that has grown large becomes `FILE.1` first, in place of the one before. */
export function openLog(file: string): number {
  // Whoever comes first makes the whole data folder, which is for its owner only.
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size > largestLog) renameSync(file, `${file}.1`);
  return openSync(file, "a", 0o600);
}

/** The last line that is not empty; undefined when there is none, or no log. Byte `from` on is looked at. */
export function lastLine(file: string, from = 0): string | undefined {
  if (!existsSync(file)) return undefined;
  const log = openSync(file, "r");
  try {
    const { size } = fstatSync(log);
    const start = Math.max(from, size - tailLength);
    const bytes = Buffer.alloc(Math.max(0, size - start));
    readSync(log, bytes, 0, bytes.length, start);
    return bytes
      .toString("utf8")
      .split("\n")
      .findLast((line) => line.trim() !== "")
      ?.trim();
  } finally {
    closeSync(log);
  }
}
