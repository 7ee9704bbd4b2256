import { existsSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import type { KubernetesObject } from "../../api/core.ts";
import type { Entry, StoredObject } from "./journal.ts";

/** A file of the store says something that it never writes. Nothing was changed. */
export class StoreUnreadable extends Error {
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;

  constructor(file: string, line: number, problem: string) {
    super(
      `cannot read the cluster's data: ${file}, line ${line}: ${problem}. Nothing was changed. ` +
        `Restore this file from a copy, or move the folder ${dirname(file)} away to start with an empty cluster.`,
    );
    this.name = "StoreUnreadable";
    this.file = file;
    this.line = line;
  }
}

type Fields = Readonly<Record<string, unknown>>;

/** All objects of a snapshot and the version they were taken at; none at version 0 when there is no file. */
export function readSnapshot(file: string): { version: number; objects: StoredObject[] } {
  if (!existsSync(file)) return { version: 0, objects: [] };
  const { lines, rest } = linesOf(file);
  const refuse = (line: number, problem: string): never => {
    throw new StoreUnreadable(file, line, problem);
  };
  if (rest !== "") refuse(lines.length + 1, "the line is cut off");
  const parsed = lines.map((text, index) => parse(file, index + 1, text));
  const version = parsed[0]?.snapshot;
  if (typeof version !== "number") return refuse(1, "not the head of a snapshot");
  const objects = parsed.slice(1, -1).map((fields, index) => storedObject(file, index + 2, fields));
  if (parsed.at(-1)?.end !== objects.length) refuse(lines.length, "the snapshot is not complete");
  return { version, objects };
}

/**
 * The writes of a log after version `after`, the version at its end, and how many bytes of the file hold whole lines (a last
 * line without its end is left out).
 */
export function readLog(file: string, after: number): { entries: Entry[]; version: number; length: number } {
  const refuse = (line: number, problem: string): never => {
    throw new StoreUnreadable(file, line, problem);
  };
  if (!existsSync(file)) return refuse(1, "the file is missing");
  const { lines, length } = linesOf(file);
  const [head, ...writes] = lines.map((text, index) => parse(file, index + 1, text));
  const start = head?.logAfter;
  if (typeof start !== "number") return refuse(1, "not the head of a log");
  if (start > after) return refuse(1, `the log goes on from version ${start}, the snapshot ends at ${after}`);
  const entries = writes.map((fields, index) => entryOf(file, index + 2, fields));
  entries.forEach((entry, index) => {
    const expected = start + index + 1;
    if (entry.version !== expected) {
      refuse(index + 2, `version ${entry.version} where ${expected} was expected`);
    }
  });
  const version = start + entries.length;
  return { entries: entries.filter((entry) => entry.version > after), version, length };
}

function linesOf(file: string): { lines: string[]; rest: string; length: number } {
  const bytes = readFileSync(file);
  const length = bytes.lastIndexOf(0x0a) + 1;
  const lines = bytes.toString("utf8", 0, length).split("\n");
  lines.pop();
  return { lines, rest: bytes.toString("utf8", length), length };
}

function parse(file: string, line: number, text: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new StoreUnreadable(file, line, `not JSON (${(error as Error).message})`);
  }
  if (typeof value !== "object" || value === null) throw new StoreUnreadable(file, line, "not an object");
  return value as Fields;
}

function entryOf(file: string, line: number, fields: Fields): Entry {
  const { version, collection, deleted } = fields;
  if (typeof version !== "number") throw new StoreUnreadable(file, line, "no version");
  if (deleted === undefined) {
    const stored = storedObject(file, line, fields);
    const { namespace = "", name } = stored.object.metadata;
    return { version, ...stored, namespace, name };
  }
  const { namespace, name } = deleted as Fields;
  if (typeof collection !== "string" || typeof namespace !== "string" || typeof name !== "string") {
    throw new StoreUnreadable(file, line, "a deletion of nothing");
  }
  return { version, collection, namespace, name };
}

function storedObject(file: string, line: number, fields: Fields): StoredObject {
  const { collection, object } = fields;
  const metadata = (object as Fields | undefined)?.metadata as Fields | undefined;
  if (typeof collection !== "string" || typeof metadata?.name !== "string") {
    throw new StoreUnreadable(file, line, "an object without collection or name");
  }
  return { collection, object: object as KubernetesObject };
}
