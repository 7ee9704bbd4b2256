import { closeSync, fsyncSync, openSync, renameSync, rmSync } from "node:fs";
import { type Disk, writeFully } from "./disk.ts";
import { formatVersion, recordLine } from "./record.ts";

/** A log that is open for appending. */
export class LogWriter {
  readonly #file: number;
  readonly #disk: Disk;
  #length: number;
  // Part of a line that could not be written whole is still behind the last whole one.
  #hasRest = false;
  #isSyncing = false;
  #isClosed = false;

  private constructor(file: number, disk: Disk, length: number) {
    this.#file = file;
    this.#disk = disk;
    this.#length = length;
  }

  /** A new log in place of what is at `path`: by rename, so that there is never a log without its first line. */
  static create(path: string, after: number, disk: Disk): LogWriter {
    const draft = `${path}.new`;
    const file = openSync(draft, "w", 0o600);
    const head = recordLine(JSON.stringify({ format: formatVersion, logAfter: after }));
    try {
      writeFully(disk, file, head, 0);
      fsyncSync(file);
      renameSync(draft, path);
    } catch (error) {
      closeSync(file);
      rmSync(draft, { force: true });
      throw error;
    }
    return new LogWriter(file, disk, head.length);
  }

  /** Goes on with a log behind its first `length` bytes; the rest is cut off. */
  static continue(path: string, length: number, disk: Disk): LogWriter {
    const file = openSync(path, "r+");
    disk.truncate(file, length);
    return new LogWriter(file, disk, length);
  }

  get length(): number {
    return this.#length;
  }

  /** Writes the line whole, or throws and leaves the log as it was. */
  append(line: Buffer): void {
    if (this.#hasRest) this.#dropRest();
    this.#hasRest = true;
    try {
      writeFully(this.#disk, this.#file, line, this.#length);
    } catch (error) {
      this.#tryToDropRest();
      throw error;
    }
    this.#hasRest = false;
    this.#length += line.length;
  }

  /** Takes the last line back, whose length is given. */
  withdraw(length: number): void {
    this.#length -= length;
    this.#hasRest = true;
    this.#tryToDropRest();
  }

  /** Forces everything onto the disk, in another thread. Not while that is under way. */
  sync(done: (error: Error | null) => void): void {
    this.#isSyncing = true;
    this.#disk.sync(this.#file, (error) => {
      this.#isSyncing = false;
      if (this.#isClosed) closeSync(this.#file);
      done(error);
    });
  }

  syncNow(): void {
    this.#disk.syncNow(this.#file);
  }

  close(): void {
    this.#isClosed = true;
    // The number of a file that is being synced must not become another file's.
    if (!this.#isSyncing) closeSync(this.#file);
  }

  #tryToDropRest(): void {
    try {
      this.#dropRest();
    } catch {
      // Tried again before the next line; if there is none, reading finds a line without its end and leaves it out.
    }
  }

  #dropRest(): void {
    this.#disk.truncate(this.#file, this.#length);
    this.#hasRest = false;
  }
}
