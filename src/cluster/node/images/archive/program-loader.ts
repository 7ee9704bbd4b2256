import { closeSync, existsSync, lstatSync, openSync, readSync } from "node:fs";
import { RootFolder } from "../root-folder.ts";

const headerBytes = 64 * 1024;
const interpreterSegment = 3;

/**
 * The loader that the program of an image needs and this machine has not, such as that of another C library; undefined when
 * nothing is missing, or the program is none of the image's own.
 */
export function missingLoader(root: string, program: string): string | undefined {
  if (root === "" || !program.startsWith("/")) return undefined;
  const path = new RootFolder(root).real(program);
  if (lstatSync(path, { throwIfNoEntry: false })?.isFile() !== true) return undefined;
  const loader = loaderOf(path);
  return loader === undefined || existsSync(loader) ? undefined : loader;
}

/** As the header of a 64-bit ELF file names it. */
function loaderOf(path: string): string | undefined {
  const bytes = Buffer.alloc(headerBytes);
  const file = openSync(path, "r");
  const size = readSync(file, bytes, 0, headerBytes, 0);
  closeSync(file);
  if (size < 64 || bytes.readUInt32BE(0) !== 0x7f454c46 || bytes[4] !== 2 || bytes[5] !== 1) return undefined;
  const table = Number(bytes.readBigUInt64LE(32));
  const [entryBytes, entries] = [bytes.readUInt16LE(54), bytes.readUInt16LE(56)];
  for (let entry = 0; entry < entries; entry += 1) {
    const at = table + entry * entryBytes;
    if (at + 40 > size) return undefined;
    if (bytes.readUInt32LE(at) !== interpreterSegment) continue;
    const [start, length] = [Number(bytes.readBigUInt64LE(at + 8)), Number(bytes.readBigUInt64LE(at + 32))];
    return start + length > size ? undefined : bytes.toString("utf8", start, start + length - 1);
  }
  return undefined;
}
