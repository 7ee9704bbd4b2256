import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  statSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { type Cancel, type Clock, later } from "../../time/clock.ts";
import { limitLog } from "../node/logs/log-size.ts";

export const largestLog = 5 * 1024 * 1024;
const checkSeconds = 1;
const tailLength = 4096;

/** Opens a log to append to. One that has grown large becomes `FILE.1` first, in place of the one before. */
export function openLog(file: string): number {
  // Whoever comes first makes the whole data folder, which is for its owner only.
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size > largestLog) renameSync(file, `${file}.1`);
  return openSync(file, "a", 0o600);
}

/**
 * Keeps every log in the folder small while its writers go on writing. `onProblem` is told of one that cannot be kept, once for
 * each reason.
 */
export function limitLogs(folder: string, clock: Clock, onProblem: (text: string) => void): Cancel {
  const told = new Set<string>();
  let cancel: Cancel;
  const look = (): void => {
    for (const name of namesIn(folder)) {
      try {
        if (name.endsWith(".log")) limitLog(join(folder, name), largestLog);
      } catch (error) {
        const text = `the older part of ${join(folder, name)} is lost: ${(error as Error).message}`;
        if (!told.has(text)) onProblem(text);
        told.add(text);
      }
    }
    cancel = clock.at(later(clock.now(), checkSeconds), look);
  };
  look();
  return () => cancel();
}

function namesIn(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
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
