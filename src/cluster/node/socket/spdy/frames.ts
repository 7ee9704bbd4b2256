/** The other side has not kept to SPDY/3.1; the connection is of no more use. */
export class SpdyError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "SpdyError";
  }
}

export const control = {
  synStream: 1,
  synReply: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  headers: 8,
  windowUpdate: 9,
} as const;

const finFlag = 0x01;
const headLength = 8;
const version = 3;
/** Of a control frame; of data, each piece is passed on as it comes. */
const longestControl = 64 * 1024;

export type Frame =
  | { readonly is: "control"; readonly kind: number; readonly isLast: boolean; readonly payload: Buffer }
  /** A part of a data frame. `isLast`: the stream has no more from that side. */
  | { readonly is: "data"; readonly streamId: number; readonly isLast: boolean; readonly bytes: Buffer };

/** Takes a connection's bytes apart into frames, however they were cut. */
export class FrameParser {
  #buffered: Buffer = Buffer.alloc(0);
  #data: { readonly streamId: number; readonly isLast: boolean; left: number } | undefined;

  /** The frames that are complete now. Throws `SpdyError`. */
  *push(bytes: Buffer): Generator<Frame> {
    this.#buffered = this.#buffered.length === 0 ? bytes : Buffer.concat([this.#buffered, bytes]);
    for (;;) {
      const frame = this.#data === undefined ? this.#next() : this.#more(this.#data);
      if (frame === undefined) return;
      if (frame !== "head") yield frame;
    }
  }

  #next(): Frame | "head" | undefined {
    const buffered = this.#buffered;
    if (buffered.length < headLength) return undefined;
    const word = buffered.readUInt32BE(0);
    const isLast = (buffered.readUInt8(4) & finFlag) !== 0;
    const length = buffered.readUIntBE(5, 3);
    if (word >>> 31 === 0) {
      this.#buffered = buffered.subarray(headLength);
      if (length === 0) return { is: "data", streamId: word, isLast, bytes: Buffer.alloc(0) };
      this.#data = { streamId: word, isLast, left: length };
      return "head";
    }
    if (((word >>> 16) & 0x7fff) !== version) throw new SpdyError("this is not SPDY/3.1");
    if (length > longestControl) throw new SpdyError(`a control frame has ${length} bytes`);
    if (buffered.length < headLength + length) return undefined;
    this.#buffered = buffered.subarray(headLength + length);
    return {
      is: "control",
      kind: word & 0xffff,
      isLast,
      payload: buffered.subarray(headLength, headLength + length),
    };
  }

  #more(data: { readonly streamId: number; readonly isLast: boolean; left: number }): Frame | undefined {
    if (this.#buffered.length === 0) return undefined;
    const bytes = this.#buffered.subarray(0, data.left);
    this.#buffered = this.#buffered.subarray(bytes.length);
    data.left -= bytes.length;
    if (data.left === 0) this.#data = undefined;
    return { is: "data", streamId: data.streamId, isLast: data.isLast && data.left === 0, bytes };
  }
}

/** The head of a data frame of `length` bytes, which follow. */
export function dataHead(streamId: number, length: number, isLast: boolean): Buffer {
  const head = Buffer.alloc(headLength);
  head.writeUInt32BE(streamId, 0);
  head.writeUInt32BE(length, 4);
  head.writeUInt8(isLast ? finFlag : 0, 4);
  return head;
}

export function controlFrame(kind: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(headLength);
  head.writeUInt32BE((0x80000000 | (version << 16) | kind) >>> 0, 0);
  head.writeUIntBE(payload.length, 5, 3);
  return Buffer.concat([head, payload]);
}

/** A payload of 32-bit numbers, of which most control frames consist. */
export function numbers(...values: readonly number[]): Buffer {
  const payload = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) payload.writeUInt32BE(value, index * 4);
  return payload;
}
