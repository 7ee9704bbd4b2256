import { ImageError } from "../image-folder.ts";

/** One entry of a tar archive. */
export interface TarEntry {
  /** As it is written in the archive: nothing is known of where it leads. */
  readonly path: string;
  readonly type: "file" | "folder" | "symlink" | "hardlink" | "other";
  /** What a link points to. */
  readonly target: string;
  readonly mode: number;
  /** In seconds. */
  readonly modified: number;
  readonly size: number;
  /** What a file holds, piece by piece; what is not read is passed over. */
  readonly content: () => AsyncGenerator<Buffer>;
}

const blockBytes = 512;
const longestHeaderBytes = 1024 * 1024;
const types: Readonly<Record<string, TarEntry["type"]>> = {
  "0": "file",
  "\0": "file",
  "7": "file",
  "1": "hardlink",
  "2": "symlink",
  "5": "folder",
};

/** Bytes of a stream by count. */
class Bytes {
  readonly #pieces: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.#pieces = source[Symbol.asyncIterator]();
  }

  /** The next bytes, `most` at most and one at least; undefined at the end. */
  async some(most: number): Promise<Buffer | undefined> {
    while (this.#rest.length === 0) {
      const next = await this.#pieces.next();
      if (next.done === true) return undefined;
      this.#rest = next.value;
    }
    const piece = this.#rest.subarray(0, most);
    this.#rest = this.#rest.subarray(piece.length);
    return piece;
  }

  /** Exactly so many; undefined when the stream has ended before the first. */
  async exactly(count: number): Promise<Buffer | undefined> {
    const pieces: Buffer[] = [];
    for (let left = count; left > 0; ) {
      const piece = await this.some(left);
      if (piece === undefined) {
        if (left === count) return undefined;
        throw new ImageError("the archive ends in the middle");
      }
      pieces.push(piece);
      left -= piece.length;
    }
    return pieces.length === 1 ? pieces[0] : Buffer.concat(pieces);
  }

  /** Passes over so many, or all that there are. */
  async skip(count: number): Promise<void> {
    for (let left = count; left > 0; ) {
      const piece = await this.some(left);
      if (piece === undefined) return;
      left -= piece.length;
    }
  }

  /** Ends the stream that the bytes come from. */
  async close(): Promise<void> {
    await this.#pieces.return?.();
  }
}

/** Reads a tar archive (ustar, pax, GNU's long names) entry by entry. Throws `ImageError` where it is none. */
export async function* tarEntries(source: AsyncIterable<Buffer>): AsyncGenerator<TarEntry> {
  const bytes = new Bytes(source);
  let long: Record<string, string> = {};
  let longBytes = 0;
  try {
    for (;;) {
      const header = await bytes.exactly(blockBytes);
      if (header === undefined) return;
      if (header.every((byte) => byte === 0)) {
        // Two empty blocks end it. What comes after them is nobody's, and is read: only at its end a source knows that it was whole.
        await bytes.skip(Number.POSITIVE_INFINITY);
        return;
      }
      checkSum(header);
      const type = String.fromCharCode(header[156] ?? 0);
      const size = numberAt(long["size"], header, 124, 12);
      const padding = (blockBytes - (size % blockBytes)) % blockBytes;
      if (type === "x" || type === "g" || type === "L" || type === "K") {
        longBytes += size;
        if (longBytes > longestHeaderBytes)
          throw new ImageError("the archive has a header of more than a megabyte");
        const text = (await bytes.exactly(size)) ?? Buffer.alloc(0);
        if (padding > 0) await bytes.exactly(padding);
        if (type === "x") long = { ...long, ...paxRecords(text) };
        if (type === "L") long = { ...long, path: textAt(text, 0, text.length) };
        if (type === "K") long = { ...long, linkpath: textAt(text, 0, text.length) };
        continue;
      }
      if (type === "S" || long["GNU.sparse.major"] !== undefined || long["GNU.sparse.map"] !== undefined)
        throw new ImageError("the archive has files with holes, which are not read");
      let left = types[type] === "file" ? size : 0;
      const isEmpty = types[type] !== "file" && types[type] !== undefined;
      const content = async function* (): AsyncGenerator<Buffer> {
        while (left > 0) {
          const piece = await bytes.some(left);
          if (piece === undefined) throw new ImageError("the archive ends in the middle of a file");
          left -= piece.length;
          yield piece;
        }
      };
      const name = long["path"] ?? nameIn(header);
      yield {
        path: name,
        // Old archives have folders as files whose name ends with a slash.
        type: types[type] === "file" && name.endsWith("/") ? "folder" : (types[type] ?? "other"),
        target: long["linkpath"] ?? textAt(header, 157, 100),
        mode: numberAt(undefined, header, 100, 8) & 0o7777,
        modified: numberAt(undefined, header, 136, 12),
        size: left,
        content,
      };
      for await (const _ of content()) {
        // What nobody wanted.
      }
      if (!isEmpty && types[type] === undefined && size > 0) await bytes.skip(size);
      if (!isEmpty && padding > 0) await bytes.exactly(padding);
      long = {};
      longBytes = 0;
    }
  } finally {
    await bytes.close();
  }
}

function checkSum(header: Buffer): void {
  let sum = 0;
  for (let at = 0; at < blockBytes; at += 1) sum += at >= 148 && at < 156 ? 32 : (header[at] ?? 0);
  if (sum !== numberAt(undefined, header, 148, 8))
    throw new ImageError("this is no tar archive, or it is damaged");
}

function nameIn(header: Buffer): string {
  const name = textAt(header, 0, 100);
  const prefix = header.toString("latin1", 257, 262) === "ustar" ? textAt(header, 345, 155) : "";
  return prefix === "" ? name : `${prefix}/${name}`;
}

function textAt(bytes: Buffer, start: number, length: number): string {
  const field = bytes.subarray(start, start + length);
  const end = field.indexOf(0);
  return field.toString("utf8", 0, end < 0 ? field.length : end);
}

/** Octal digits, or a binary number for what is too large for them. */
function numberAt(given: string | undefined, header: Buffer, start: number, length: number): number {
  const first = header[start] ?? 0;
  const value =
    given !== undefined
      ? Number(given)
      : (first & 0x80) !== 0
        ? header.subarray(start + 1, start + length).reduce((sum, byte) => sum * 256 + byte, first & 0x7f)
        : Number.parseInt(textAt(header, start, length).trim() || "0", 8);
  if (!Number.isSafeInteger(value) || value < 0)
    throw new ImageError("this is no tar archive, or it is damaged");
  return value;
}

function paxRecords(text: Buffer): Record<string, string> {
  const records: Record<string, string> = {};
  for (let at = 0; at < text.length; ) {
    const space = text.indexOf(32, at);
    const length = space < 0 ? Number.NaN : Number(text.toString("latin1", at, space));
    if (!Number.isInteger(length) || length <= space - at || at + length > text.length)
      throw new ImageError("the archive has a damaged header");
    const record = text.toString("utf8", space + 1, at + length - 1);
    const equals = record.indexOf("=");
    if (equals > 0) records[record.slice(0, equals)] = record.slice(equals + 1);
    at += length;
  }
  return records;
}
