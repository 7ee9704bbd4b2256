import { crc32 } from "node:zlib";

/** Of the files that are written; older ones are read, newer ones refused. 1 had no checksums. */
export const formatVersion = 2;

export type Fields = Readonly<Record<string, unknown>>;

const start = '{"crc32":"';
const checksumEnd = start.length + 8;
const bodyStart = checksumEnd + '",'.length;
const newLine = 0x0a;

/**
 * One line of a file: the JSON object with its checksum as first field, `{"crc32":"5e0b2c11","version":7,...}`. The checksum
 * is that of the bytes after it, up to the end of the line.
 * @param json an object with at least one field.
 */
export function recordLine(json: string): Buffer {
  const line = Buffer.from(`${start}00000000",${json.slice(1)}\n`);
  line.write(checksumOf(line.subarray(bodyStart, -1)), start.length, "latin1");
  return line;
}

/** What a line (without its end) says; a text about what is wrong with it when it is not as it was written. */
export function readRecord(line: Buffer, isUnchecked: boolean): Fields | string {
  const hasChecksum = line.toString("latin1", 0, start.length) === start;
  if (!hasChecksum && !isUnchecked) return "not a record (no checksum)";
  if (hasChecksum) {
    const written = line.toString("latin1", start.length, checksumEnd);
    const found = checksumOf(line.subarray(bodyStart));
    if (line.toString("latin1", checksumEnd, bodyStart) !== '",' || written !== found)
      return `damaged (checksum ${found} where ${JSON.stringify(written)} was written)`;
  }
  return parse(line.toString("utf8"));
}

function parse(text: string): Fields | string {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Fields) : "not an object";
  } catch (error) {
    return `not JSON (${(error as Error).message})`;
  }
}

function checksumOf(bytes: Buffer): string {
  return crc32(bytes).toString(16).padStart(8, "0");
}

/** The whole lines of a file, without their ends, and how many bytes they take. */
export function linesOf(bytes: Buffer): { readonly lines: readonly Buffer[]; readonly length: number } {
  const lines: Buffer[] = [];
  let begin = 0;
  for (;;) {
    const end = bytes.indexOf(newLine, begin);
    if (end < 0) return { lines, length: begin };
    lines.push(bytes.subarray(begin, end));
    begin = end + 1;
  }
}
