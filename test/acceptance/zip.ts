import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { inflateRawSync } from "node:zlib";

interface Entry {
  readonly name: string;
  readonly compressedLength: number;
  readonly offset: number;
  readonly method: number;
}

/**
 * The content of one file in a zip archive (without encryption, under 4 GiB).
 * @throws Error when the archive is damaged or has no such file.
 */
export function readZipEntry(archive: string, name: string): Buffer {
  const file = openSync(archive, "r");
  try {
    const entry = entriesIn(file).find((each) => each.name === name);
    if (entry === undefined) throw new Error(`${archive} has no ${name}`);
    // The local header repeats name and extra field, the latter with a length of its own.
    const header = read(file, entry.offset, 30);
    const start = entry.offset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
    const content = read(file, start, entry.compressedLength);
    return entry.method === 0 ? content : inflateRawSync(content);
  } finally {
    closeSync(file);
  }
}

function entriesIn(file: number): readonly Entry[] {
  const { size } = fstatSync(file);
  // The directory's own record is at the end, before a comment of at most 64 KiB.
  const tail = read(file, Math.max(0, size - 65_557), Math.min(size, 65_557));
  const end = tail.lastIndexOf(Buffer.from("PK\x05\x06"));
  if (end < 0) throw new Error("this is no zip archive");
  const count = tail.readUInt16LE(end + 10);
  const directory = read(file, tail.readUInt32LE(end + 16), tail.readUInt32LE(end + 12));
  const entries: Entry[] = [];
  for (let at = 0; entries.length < count; ) {
    const nameLength = directory.readUInt16LE(at + 28);
    entries.push({
      method: directory.readUInt16LE(at + 10),
      compressedLength: directory.readUInt32LE(at + 20),
      offset: directory.readUInt32LE(at + 42),
      name: directory.toString("utf8", at + 46, at + 46 + nameLength),
    });
    at += 46 + nameLength + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  }
  return entries;
}

function read(file: number, position: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  const got = readSync(file, bytes, 0, length, position);
  if (got !== length) throw new Error("the zip archive ends too early");
  return bytes;
}
