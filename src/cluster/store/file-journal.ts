import { appendFileSync, closeSync, existsSync, fsyncSync, mkdirSync, openSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Cancel, type Clock, type Instant, later } from "../../time/clock.ts";
import { type Disk, isDiskFull, systemDisk } from "./disk.ts";
import { jsonOf } from "./encoding.ts";
import { type Entry, type Journal, type LoadedState, type StoredObject, WriteFailed } from "./journal.ts";
import {
  endIsMissing,
  type ReadLog,
  readLog,
  readSnapshot,
  readSynced,
  StoreUnreadable,
} from "./journal-files.ts";
import { LogWriter } from "./log-writer.ts";
import { recordLine } from "./record.ts";
import { Reserve } from "./reserve.ts";
import { writeSnapshot } from "./snapshot-writer.ts";
import { SyncedMark } from "./synced-mark.ts";

const defaultCompactFromBytes = 8 * 1024 * 1024;
const syncSeconds = 1;
/** Between tries to make room on a full disk, or to write everything anew on one that has failed. */
const retrySeconds = 10;

/** When a write is forced onto the disk: within about a second, or before it is answered. */
export type SyncMode = "background" | "always";

export interface FileJournalOptions {
  readonly clock: Clock;
  readonly sync?: SyncMode | undefined;
  /** Told, for people to read, of what goes wrong without losing anything that was answered, and when it is well again. */
  readonly onProblem?: (text: string) => void;
  readonly disk?: Disk;
  /** The log is not compacted before it has so many bytes. */
  readonly compactFromBytes?: number;
}

/**
 * A store's writes in a folder: `snapshot.jsonl` (all objects at one version), `log.jsonl` (every write since) and
 * `synced.json` (up to which version all is known to be on the disk); one JSON object with its checksum per line.
 *
 * What may be lost. Each write is handed to the operating system before it is answered: a kill of the process at any moment
 * loses nothing that was answered. It is forced onto the disk in the background, once a second: a power cut loses about the
 * last second, or nothing with `sync: "always"`.
 *
 * What `load` does with damage. What follows the last whole record, with no whole record behind it, is a write that was under
 * way: it is cut off, kept in a file beside, and said. The same when the last record is whole in length but not in its
 * checksum, unless it had been synced. Everything else that was never written so stops `load` with a `StoreUnreadable` error,
 * and no file is changed.
 *
 * What happens on a full disk. Writes are refused with `WriteFailed`, except those that take objects away: there is a reserve
 * for them. It goes on by itself when there is room. When the disk fails to sync, what it has lost is not known: everything is
 * written anew, and until that has succeeded writes are refused.
 */
export class FileJournal implements Journal {
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #syncMode: SyncMode;
  readonly #onProblem: (text: string) => void;
  readonly #disk: Disk;
  readonly #reserve: Reserve;
  readonly #mark: SyncedMark;
  #objects: () => Iterable<StoredObject> = () => [];
  #log: LogWriter | undefined;
  #version = 0;
  #syncedVersion = 0;
  // Length of the log from which on compacting is worth its cost.
  #compactFrom: number;
  readonly #smallestLog: number;
  #nextRoomAt: Instant | undefined;
  #cancelSync: Cancel | undefined;
  #isSyncing = false;
  /** Why it is not known what the disk holds. */
  #distrust: Error | undefined;
  #cancelRewrite: Cancel = () => {};

  constructor(
    folder: string,
    {
      clock,
      sync = "background",
      onProblem = (text) => process.emitWarning(text),
      disk = systemDisk,
      compactFromBytes = defaultCompactFromBytes,
    }: FileJournalOptions,
  ) {
    this.#smallestLog = compactFromBytes;
    this.#compactFrom = compactFromBytes;
    this.#folder = folder;
    this.#clock = clock;
    this.#syncMode = sync;
    this.#onProblem = onProblem;
    this.#disk = disk;
    this.#reserve = new Reserve(join(folder, "reserve"), disk);
    this.#mark = new SyncedMark(this.#syncedFile, disk);
  }

  get #snapshotFile(): string {
    return join(this.#folder, "snapshot.jsonl");
  }

  get #logFile(): string {
    return join(this.#folder, "log.jsonl");
  }

  get #syncedFile(): string {
    return join(this.#folder, "synced.json");
  }

  load(objects: () => Iterable<StoredObject>): LoadedState {
    this.#objects = objects;
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    const synced = readSynced(this.#syncedFile);
    const isNew = !existsSync(this.#logFile) && !existsSync(this.#snapshotFile);
    if (isNew && synced > 0) throw new StoreUnreadable(this.#logFile, 1, "the file is missing");
    const snapshot = readSnapshot(this.#snapshotFile);
    const log = isNew ? undefined : readLog(this.#logFile, snapshot.version);
    this.#version = Math.max(snapshot.version, log?.version ?? 0);
    if (log !== undefined) this.#checkEnd(log, synced);
    // A power cut during a compaction may take the end of the old log and leave the new snapshot: nothing can follow that gap.
    if (log === undefined || log.version < snapshot.version) this.#startLog();
    else this.#log = LogWriter.continue(this.#logFile, log.length, this.#disk);
    if (!isNew && existsSync(this.#snapshotFile)) this.#compactFromAfter(statSync(this.#snapshotFile).size);
    // Older data gets its checksums with the next write.
    if (log?.isOld === true) this.#compactFrom = 0;
    this.#reserve.hold();
    this.#syncedVersion = synced;
    this.#syncLater();
    return {
      version: this.#version,
      objects: snapshot.objects,
      entriesAfter: snapshot.version,
      entries: log?.entries ?? [],
    };
  }

  append(entry: Entry): number {
    if (this.#distrust !== undefined) throw new WriteFailed(this.#distrust);
    if (this.#openLog().length > this.#compactFrom) this.#compact();
    const line = lineOf(entry);
    try {
      this.#write(line, takesAway(entry));
      if (this.#syncMode === "always") this.#syncNow(line.length);
    } catch (error) {
      throw new WriteFailed(error);
    }
    this.#version = entry.version;
    this.#syncLater();
    return line.length;
  }

  close(): void {
    if (this.#log === undefined) return;
    this.#cancelSync?.();
    this.#cancelRewrite();
    try {
      this.#log.syncNow();
      this.#setSynced(this.#version);
    } catch (error) {
      this.#onProblem(`cannot sync ${this.#logFile}: ${(error as Error).message}`);
    }
    this.#log.close();
    this.#log = undefined;
    this.#mark.close();
  }

  /** Refuses a log that lacks what had been synced; keeps what is cut off another. */
  #checkEnd({ torn, wholeLines, length, version }: ReadLog, synced: number): void {
    if (this.#version < synced) throw endIsMissing(this.#logFile, wholeLines + 1, version, synced);
    if (torn.length === 0) return;
    const beside = `${this.#logFile}.cut-at-${length}`;
    let where = `They are kept in ${beside}`;
    try {
      appendFileSync(beside, torn, { mode: 0o600 });
    } catch (error) {
      where = `They could not be kept in ${beside} (${(error as Error).message})`;
    }
    this.#onProblem(
      `${this.#logFile} ends with ${torn.length} bytes that are no whole record, as a power cut or a kill leaves them: cut off. ` +
        `The store goes on at version ${this.#version}. ${where}`,
    );
  }

  #write(line: Buffer, mayUseReserve: boolean): void {
    // While room is short, what there is belongs to what makes more.
    if (!mayUseReserve && !this.#reserve.hold() && !this.#makeRoom()) throw diskFull();
    try {
      this.#openLog().append(line);
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      const hasRoom = this.#makeRoom();
      if (!hasRoom && !mayUseReserve) throw error;
      if (!hasRoom) this.#reserve.release();
      this.#openLog().append(line);
    }
  }

  /** Compacts with the reserve's room, now and then. Answers whether there is room beyond the reserve now. */
  #makeRoom(): boolean {
    const now = this.#clock.now();
    if (this.#nextRoomAt !== undefined && now < this.#nextRoomAt) return false;
    this.#nextRoomAt = later(now, retrySeconds);
    this.#reserve.release();
    this.#compact();
    return this.#reserve.hold();
  }

  /** Answers whether it succeeded: without a new snapshot, the log with all writes goes on being the truth. */
  #compact(): boolean {
    const old = this.#openLog();
    try {
      const length = writeSnapshot(this.#snapshotFile, this.#version, this.#objects(), this.#disk);
      this.#syncFolder();
      // A kill before this leaves a log whose first entries the snapshot has already; reading skips them.
      this.#startLog();
      this.#compactFromAfter(length);
      this.#setSynced(this.#version);
      return true;
    } catch (error) {
      this.#compactFrom = Math.max(this.#smallestLog, old.length * 2);
      this.#onProblem(`cannot compact ${this.#logFile}, which goes on growing: ${(error as Error).message}`);
      return false;
    }
  }

  #compactFromAfter(snapshotLength: number): void {
    this.#compactFrom = Math.max(this.#smallestLog, snapshotLength);
  }

  #startLog(): void {
    const log = LogWriter.create(this.#logFile, this.#version, this.#disk);
    // From here on the new file is the log, whatever becomes of the folder's entry on the disk.
    this.#log?.close();
    this.#log = log;
    this.#syncFolder();
  }

  #syncLater(): void {
    if (this.#isSyncing || this.#cancelSync !== undefined || this.#syncedVersion === this.#version) return;
    this.#cancelSync = this.#clock.at(later(this.#clock.now(), syncSeconds), () => this.#syncInBackground());
  }

  #syncInBackground(): void {
    this.#cancelSync = undefined;
    const log = this.#openLog();
    const version = this.#version;
    this.#isSyncing = true;
    log.sync((error) => {
      this.#isSyncing = false;
      // Closed, or compacted meanwhile: that has synced everything.
      if (log === this.#log) {
        if (error === null) this.#setSynced(version);
        else this.#rewrite(error);
      }
      if (this.#log !== undefined) this.#syncLater();
    });
  }

  #syncNow(lineLength: number): void {
    const log = this.#openLog();
    try {
      log.syncNow();
    } catch (error) {
      log.withdraw(lineLength);
      this.#rewrite(error as Error);
      throw error;
    }
  }

  /**
   * After a sync that failed, the system may have dropped what it could not write, and the next sync would succeed without it:
   * only new files can be trusted.
   */
  #rewrite(error: Error): void {
    if (this.#distrust === undefined)
      this.#onProblem(
        `the disk failed to keep ${this.#logFile} (${error.message}): everything is written anew`,
      );
    this.#distrust = error;
    this.#cancelRewrite();
    if (this.#compact()) {
      this.#distrust = undefined;
      this.#onProblem(`everything is on the disk again, up to version ${this.#version}`);
      return;
    }
    this.#cancelRewrite = this.#clock.at(later(this.#clock.now(), retrySeconds), () => this.#rewrite(error));
  }

  #setSynced(version: number): void {
    this.#syncedVersion = version;
    try {
      this.#mark.set(version);
    } catch (error) {
      // What the file says is still true, only less than could be said.
      if (!isDiskFull(error))
        this.#onProblem(`cannot write ${this.#syncedFile}: ${(error as Error).message}`);
    }
  }

  #openLog(): LogWriter {
    if (this.#log === undefined) throw new Error("the store is closed");
    return this.#log;
  }

  #syncFolder(): void {
    const folder = openSync(this.#folder, "r");
    try {
      fsyncSync(folder);
    } catch (error) {
      // Some file systems (network mounts, FUSE) cannot sync a folder; their entries need no sync or there is none.
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      if (code !== "EINVAL" && code !== "ENOTSUP" && code !== "EISDIR" && code !== "EBADF") throw error;
    } finally {
      closeSync(folder);
    }
  }
}

/** Whether the write is a step of a deletion: those make room and may take some for it. */
function takesAway({ object }: Entry): boolean {
  return object === undefined || object.metadata.deletionTimestamp !== undefined;
}

function diskFull(): Error {
  return Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
}

function lineOf(entry: Entry): Buffer {
  const { version, collection, namespace, name, object } = entry;
  const head = `{"version":${version},"collection":${JSON.stringify(collection)}`;
  return recordLine(
    object === undefined
      ? `${head},"deleted":${JSON.stringify({ namespace, name })}}`
      : `${head},"object":${jsonOf(object)}}`,
  );
}
