import { closeSync, fsyncSync, openSync, renameSync, rmSync } from "node:fs";
import { type Disk, writeFully } from "./disk.ts";
import type { StoredObject } from "./journal.ts";
import { formatVersion, recordLine } from "./record.ts";

const chunkLength = 1024 * 1024;

/** Writes all objects as they are at `version` in place of the snapshot at `path`, whole or not at all. Returns its length. */
export function writeSnapshot(
  path: string,
  version: number,
  objects: Iterable<StoredObject>,
  disk: Disk,
): number {
  const draft = `${path}.new`;
  const file = openSync(draft, "w", 0o600);
  let length = 0;
  let chunk: Buffer[] = [];
  let chunked = 0;
  const flush = (): void => {
    const bytes = Buffer.concat(chunk);
    writeFully(disk, file, bytes, length);
    length += bytes.length;
    chunk = [];
    chunked = 0;
  };
  const add = (json: string): void => {
    const line = recordLine(json);
    chunk.push(line);
    chunked += line.length;
    if (chunked > chunkLength) flush();
  };
  try {
    add(JSON.stringify({ format: formatVersion, snapshot: version }));
    let count = 0;
    for (const { collection, object } of objects) {
      count += 1;
      // Not `jsonOf`, which would keep the texts of objects that nobody asks for.
      add(JSON.stringify({ collection, object }));
    }
    add(JSON.stringify({ end: count }));
    flush();
    fsyncSync(file);
  } catch (error) {
    // On a full disk, half a snapshot takes the room that the log needs.
    rmSync(draft, { force: true });
    throw error;
  } finally {
    closeSync(file);
  }
  renameSync(draft, path);
  return length;
}
