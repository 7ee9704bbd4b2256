import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { jsonOf } from "./encoding.ts";
import { type Entry, type Journal, type LoadedState, type StoredObject, WriteFailed } from "./journal.ts";
import { readLog, readSnapshot } from "./journal-files.ts";

const smallestLogToCompact = 8 * 1024 * 1024;
const chunkLength = 1024 * 1024;

/**
 * A store's writes in a folder: `snapshot.jsonl` (all objects at one version) and `log.jsonl` (every write since), one JSON
 * value per line.
 *
 * Each write is handed to the operating system before it is answered, so a kill of the process at any moment loses nothing
 * that was answered. It is not forced onto the disk (fsync) except when compacting: a power cut may lose the last seconds.
 * A last line without its end is a write that was never answered; it is dropped. Anything else that cannot be read
 * stops `load` with a `StoreUnreadable` error, and no file is changed.
 */
export class FileJournal implements Journal {
  readonly #folder: string;
  readonly #onProblem: (text: string) => void;
  #log: number | undefined;
  #logLength = 0;
  // Length of the log from which on compacting is worth its cost.
  #compactFrom = smallestLogToCompact;

  /** @param onProblem is told, for people to read, of what goes wrong without losing anything. */
  constructor(folder: string, onProblem: (text: string) => void = (text) => process.emitWarning(text)) {
    this.#folder = folder;
    this.#onProblem = onProblem;
  }

  get #snapshotFile(): string {
    return join(this.#folder, "snapshot.jsonl");
  }

  get #logFile(): string {
    return join(this.#folder, "log.jsonl");
  }

  load(): LoadedState {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    if (!existsSync(this.#logFile) && !existsSync(this.#snapshotFile)) {
      this.#startLog(0);
      return { version: 0, objects: [], entriesAfter: 0, entries: [] };
    }
    const snapshot = readSnapshot(this.#snapshotFile);
    const log = readLog(this.#logFile, snapshot.version);
    // A power cut during a compaction may take the end of the old log and leave the new snapshot: nothing can follow that gap.
    if (log.version < snapshot.version) this.#startLog(snapshot.version);
    else this.#continueLog(log.length);
    if (existsSync(this.#snapshotFile)) this.#compactFromAfter(statSync(this.#snapshotFile).size);
    return {
      version: log.entries.at(-1)?.version ?? snapshot.version,
      objects: snapshot.objects,
      entriesAfter: snapshot.version,
      entries: log.entries,
    };
  }

  append(entry: Entry): void {
    const log = this.#openLog();
    const line = Buffer.from(lineOf(entry));
    try {
      writeFully(log, line, this.#logLength);
    } catch (error) {
      // What was written of the line goes, so that the next line does not follow half of this one.
      ftruncateSync(log, this.#logLength);
      throw new WriteFailed(error);
    }
    this.#logLength += line.length;
  }

  get wantsCompaction(): boolean {
    return this.#logLength > this.#compactFrom;
  }

  /** Never throws: without a new snapshot, the log with all writes goes on being the truth. */
  compact(version: number, objects: Iterable<StoredObject>): void {
    try {
      const length = this.#writeSnapshot(version, objects);
      // A kill before this leaves a log whose first entries the snapshot has already; reading skips them.
      this.#startLog(version);
      this.#compactFromAfter(length);
    } catch (error) {
      this.#compactFrom = this.#logLength * 2;
      this.#onProblem(`cannot compact ${this.#logFile}, which goes on growing: ${(error as Error).message}`);
    }
  }

  #compactFromAfter(snapshotLength: number): void {
    this.#compactFrom = Math.max(smallestLogToCompact, snapshotLength);
  }

  // Returns its length in bytes.
  #writeSnapshot(version: number, objects: Iterable<StoredObject>): number {
    const file = `${this.#snapshotFile}.new`;
    const snapshot = openSync(file, "w", 0o600);
    let length = 0;
    const write = (text: string): void => {
      const bytes = Buffer.from(text);
      writeFully(snapshot, bytes, length);
      length += bytes.length;
    };
    try {
      let count = 0;
      let chunk = `${JSON.stringify({ snapshot: version })}\n`;
      for (const { collection, object } of objects) {
        count += 1;
        // Not `jsonOf`, which would keep the texts of objects that nobody asks for.
        chunk += `${JSON.stringify({ collection, object })}\n`;
        if (chunk.length > chunkLength) {
          write(chunk);
          chunk = "";
        }
      }
      write(`${chunk}${JSON.stringify({ end: count })}\n`);
      fsyncSync(snapshot);
    } catch (error) {
      // On a full disk, half a snapshot takes the room that the log needs.
      rmSync(file, { force: true });
      throw error;
    } finally {
      closeSync(snapshot);
    }
    renameSync(file, this.#snapshotFile);
    this.#syncFolder();
    return length;
  }

  close(): void {
    if (this.#log !== undefined) closeSync(this.#log);
    this.#log = undefined;
  }

  // By rename, so that there is never a log without its first line.
  #startLog(after: number): void {
    const file = `${this.#logFile}.new`;
    const log = openSync(file, "w", 0o600);
    const head = Buffer.from(`${JSON.stringify({ logAfter: after })}\n`);
    try {
      writeFully(log, head, 0);
      fsyncSync(log);
      renameSync(file, this.#logFile);
    } catch (error) {
      closeSync(log);
      throw error;
    }
    // From here on the new file is the log, whatever becomes of the folder's entry on the disk.
    this.close();
    this.#log = log;
    this.#logLength = head.length;
    this.#syncFolder();
  }

  #continueLog(length: number): void {
    this.#log = openSync(this.#logFile, "r+");
    ftruncateSync(this.#log, length);
    this.#logLength = length;
  }

  #openLog(): number {
    if (this.#log === undefined) throw new Error("the store is closed");
    return this.#log;
  }

  #syncFolder(): void {
    const folder = openSync(this.#folder, "r");
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  }
}

function lineOf(entry: Entry): string {
  const { version, collection, namespace, name, object } = entry;
  const head = `{"version":${version},"collection":${JSON.stringify(collection)}`;
  return object === undefined
    ? `${head},"deleted":${JSON.stringify({ namespace, name })}}\n`
    : `${head},"object":${jsonOf(object)}}\n`;
}

function writeFully(file: number, bytes: Buffer, position: number): void {
  let written = 0;
  while (written < bytes.length) {
    written += writeSync(file, bytes, written, bytes.length - written, position + written);
  }
}
