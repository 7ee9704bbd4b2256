import { existsSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import type { KubernetesObject } from "../../api/core.ts";
import type { LoadedEntry, LoadedObject } from "./journal.ts";
import { type Fields, formatVersion, linesOf, readRecord } from "./record.ts";

/** A file of the store says something that it never writes. Nothing was changed. */
export class StoreUnreadable extends Error {
  override readonly name = "StoreUnreadable";
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;

  constructor(file: string, line: number, problem: string, wayOut = restoreOrLeave(file)) {
    super(
      `cannot read the cluster's data: ${file}, line ${line}: ${problem}. Nothing was changed. ${wayOut}`,
    );
    this.file = file;
    this.line = line;
  }
}

function restoreOrLeave(file: string): string {
  return `Restore this file from a copy, or move the folder ${dirname(file)} away to start with an empty cluster.`;
}

/** All objects of a snapshot and the version they were taken at; none at version 0 when there is no file. */
export function readSnapshot(file: string): { version: number; objects: LoadedObject[] } {
  if (!existsSync(file)) return { version: 0, objects: [] };
  const bytes = readFileSync(file);
  const { lines, length } = linesOf(bytes);
  const refuse = (line: number, problem: string): never => {
    throw new StoreUnreadable(file, line, problem);
  };
  const head = readHead(file, lines[0], "snapshot");
  if (length < bytes.length) refuse(lines.length + 1, "the line is cut off");
  const parsed = lines.map((line, index) => {
    const fields = readRecord(line, head.isUnchecked);
    return typeof fields === "string" ? refuse(index + 1, fields) : fields;
  });
  const objects = parsed.slice(1, -1).map((fields, index) => {
    const stored = storedObject(fields, lines[index + 1]?.length ?? 0);
    return typeof stored === "string" ? refuse(index + 2, stored) : stored;
  });
  if (parsed.at(-1)?.end !== objects.length) refuse(lines.length, "the snapshot is not complete");
  return { version: head.version, objects };
}

export interface ReadLog {
  /** The writes after version `after`. */
  readonly entries: LoadedEntry[];
  /** At the end of the log. */
  readonly version: number;
  /** How many bytes of the file hold whole records. */
  readonly length: number;
  /** How many lines that is, the head and those that the snapshot has already among them. */
  readonly wholeLines: number;
  /** Whether the file is of a format before checksums. */
  readonly isOld: boolean;
  /** What follows the whole records: a write that was under way when the machine or the process ended. */
  readonly torn: Buffer;
}

/**
 * Reads a log whose snapshot ends at version `after`. What follows the last whole record is `torn` as long as no whole record
 * is behind it; a record that is not whole before others that are was damaged later.
 * @throws StoreUnreadable for everything else that was never written so.
 */
export function readLog(file: string, after: number): ReadLog {
  if (!existsSync(file)) throw new StoreUnreadable(file, 1, "the file is missing");
  const bytes = readFileSync(file);
  const { lines } = linesOf(bytes);
  const head = readHead(file, lines[0], "logAfter");
  if (head.version > after) {
    const problem = `the log goes on from version ${head.version}, the snapshot ends at ${after}`;
    throw new StoreUnreadable(file, 1, problem);
  }
  const entries: LoadedEntry[] = [];
  let version = head.version;
  let length = (lines[0]?.length ?? 0) + 1;
  for (const [index, line] of lines.entries()) {
    if (index === 0) continue;
    const refuse = (problem: string): never => {
      throw new StoreUnreadable(file, index + 1, problem, wayOutAfter(file, index, version));
    };
    const fields = readRecord(line, head.isUnchecked);
    if (typeof fields === "string") {
      const later = lines.slice(index + 1).findIndex((each) => isRecord(each, head.isUnchecked));
      if (later >= 0) refuse(`${fields}, with a whole record behind it in line ${index + later + 2}`);
      break;
    }
    const entry = entryOf(fields, line.length);
    if (typeof entry === "string") return refuse(entry);
    if (entry.version !== version + 1) refuse(`version ${entry.version} where ${version + 1} was expected`);
    version = entry.version;
    length += line.length + 1;
    if (version > after) entries.push(entry);
  }
  const wholeLines = 1 + version - head.version;
  return { entries, version, length, wholeLines, isOld: head.isUnchecked, torn: bytes.subarray(length) };
}

/** The version up to which everything was known to be on the disk; 0 when that is not known. */
export function readSynced(file: string): number {
  if (!existsSync(file)) return 0;
  const [line] = linesOf(readFileSync(file)).lines;
  const fields = line === undefined ? "" : readRecord(line, false);
  return typeof fields === "object" && typeof fields.synced === "number" ? fields.synced : 0;
}

function wayOutAfter(file: string, lines: number, version: number): string {
  return (
    `Restore the folder ${dirname(file)} from a copy; or go on with version ${version} and lose what was written later: keep ` +
    `the first ${lines} lines of this file and delete synced.json beside it.`
  );
}

/** The end of a log is missing although it had been on the disk. */
export function endIsMissing(file: string, line: number, version: number, synced: number): StoreUnreadable {
  const problem = `the log ends at version ${version}, but version ${synced} had been written and synced: its end is missing or damaged`;
  return new StoreUnreadable(file, line, problem, wayOutAfter(file, line - 1, version));
}

function readHead(
  file: string,
  line: Buffer | undefined,
  field: "snapshot" | "logAfter",
): { readonly version: number; readonly isUnchecked: boolean } {
  const name = field === "snapshot" ? "snapshot" : "log";
  const refuse = (why = ""): never => {
    throw new StoreUnreadable(file, 1, `not the head of a ${name}${why}`);
  };
  if (line === undefined) return refuse();
  // The head of the format before checksums says this and nothing else.
  const old = /^\{"(snapshot|logAfter)":(\d+)\}$/.exec(line.toString("latin1", 0, 64));
  if (old?.[1] === field) return { version: Number(old[2]), isUnchecked: true };
  const fields = readRecord(line, false);
  if (typeof fields === "string") return refuse(`: ${fields}`);
  const { format, [field]: version } = fields;
  if (typeof format === "number" && format > formatVersion) {
    const problem = `format ${format}, written by a newer Teal; this one reads formats up to ${formatVersion}`;
    const wayOut = `Start that newer Teal on this folder, or this one with another folder (--data).`;
    throw new StoreUnreadable(file, 1, problem, wayOut);
  }
  return typeof version === "number" ? { version, isUnchecked: false } : refuse();
}

function isRecord(line: Buffer, isUnchecked: boolean): boolean {
  const fields = readRecord(line, isUnchecked);
  return typeof fields === "object" && typeof fields.version === "number";
}

function entryOf(fields: Fields, bytes: number): LoadedEntry | string {
  const { version, collection, deleted } = fields;
  if (typeof version !== "number") return "no version";
  if (deleted === undefined) {
    const stored = storedObject(fields, bytes);
    if (typeof stored === "string") return stored;
    const { namespace = "", name } = stored.object.metadata;
    return { version, ...stored, namespace, name };
  }
  const { namespace, name } = deleted as Fields;
  if (typeof collection !== "string" || typeof namespace !== "string" || typeof name !== "string")
    return "a deletion of nothing";
  return { version, collection, namespace, name, bytes };
}

function storedObject(fields: Fields, bytes: number): LoadedObject | string {
  const { collection, object } = fields;
  const metadata = (object as Fields | undefined)?.metadata as Fields | undefined;
  if (typeof collection !== "string" || typeof metadata?.name !== "string")
    return "an object without collection or name";
  return { collection, object: object as KubernetesObject, bytes };
}
