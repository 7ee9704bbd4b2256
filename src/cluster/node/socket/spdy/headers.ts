import { createInflate } from "node:zlib";
import { dictionary } from "./dictionary.ts";
import { SpdyError } from "./frames.ts";

export type Headers = Readonly<Record<string, string>>;

// Kubernetes' clients send a stream's kind, a port and a number.
const longestBlock = 16 * 1024;

/** Reads the blocks of headers of one connection, which are compressed as one text. */
export class HeaderReader {
  readonly #inflate = createInflate({ dictionary });
  #pieces: Buffer[] = [];
  #length = 0;
  #fail: (error: Error) => void = () => {};

  constructor() {
    this.#inflate.on("data", (piece: Buffer) => {
      this.#length += piece.length;
      // However little was sent.
      if (this.#length > longestBlock) this.#inflate.destroy(new SpdyError("headers are too long"));
      else this.#pieces.push(piece);
    });
    this.#inflate.on("error", (error) => this.#fail(error));
  }

  /** The next block. Rejects when it is none. */
  async read(block: Uint8Array): Promise<Headers> {
    this.#pieces = [];
    this.#length = 0;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#fail = (error) =>
      reject(error instanceof SpdyError ? error : new SpdyError(`headers cannot be read: ${error.message}`));
    // What was written comes out before anything that is asked for afterwards.
    this.#inflate.write(block, () => setImmediate(resolve));
    await promise;
    return headersIn(Buffer.concat(this.#pieces));
  }

  close(): void {
    this.#inflate.destroy();
  }
}

function headersIn(block: Buffer): Headers {
  let at = 0;
  const number = (): number => {
    if (at + 4 > block.length) throw new SpdyError("headers are cut off");
    at += 4;
    return block.readUInt32BE(at - 4);
  };
  const text = (): string => {
    const length = number();
    if (at + length > block.length) throw new SpdyError("headers are cut off");
    at += length;
    return block.toString("utf8", at - length, at);
  };
  const count = number();
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  for (let index = 0; index < count; index++) {
    const name = text().toLowerCase();
    headers[name] = text();
  }
  return headers;
}

/** Writes empty blocks, all that a server here has to say; stored as they are, each needs nothing of those before. */
export class HeaderWriter {
  #isFirst = true;

  emptyBlock(): Buffer {
    // A stored block of four bytes: no headers follow. Then an empty one, at which Go's reader hands out what it has.
    const stored = Buffer.from([0x00, 0x04, 0x00, 0xfb, 0xff, 0, 0, 0, 0, 0x00, 0x00, 0x00, 0xff, 0xff]);
    // The head of a zlib text that knows the dictionary.
    const head = this.#isFirst ? Buffer.from([0x78, 0xbb, 0xe3, 0xc6, 0xa7, 0xc2]) : Buffer.alloc(0);
    this.#isFirst = false;
    return Buffer.concat([head, stored]);
  }
}
