/** A message head longer than this is refused. */
export const headLimitBytes = 64 * 1024;

/**
 * `incomplete` more bytes are needed · `complete` the head lies in `bytes` from `start` to `end` ·
 * `malformed` a line does not end in CRLF or the head starts with a byte that no head starts with · `tooLarge` over the limit.
 */
export type HeadState = "incomplete" | "complete" | "malformed" | "tooLarge";

const lineFeed = 10;
const carriageReturn = 13;

/** Collects bytes until a whole message head is there. However the bytes are cut into chunks, the result is the same. */
export class HeadReader {
  /** When `complete`: holds the head and all bytes that came after it so far. Belongs to the caller from then on. */
  bytes: Buffer = Buffer.alloc(0);
  start = 0;
  end = 0;
  #held: Buffer | undefined;
  #heldLength = 0;
  #lineStart = 0;
  #searchFrom = 0;
  readonly #takesBareLineFeeds: boolean;

  /** `takesBareLineFeeds`: a line may end in LF alone; never so for requests, which two readers might then cut differently. */
  constructor({ takesBareLineFeeds = false }: { readonly takesBareLineFeeds?: boolean } = {}) {
    this.#takesBareLineFeeds = takesBareLineFeeds;
  }

  /** True while part of a head is waiting for the rest. */
  get isWaiting(): boolean {
    return this.#held !== undefined;
  }

  /** Forgets what it has collected. */
  reset(): void {
    this.#held = undefined;
  }

  /** Reads on with `chunk` from offset `from`. Keeps no reference to `chunk` unless it answers `complete`. */
  read(chunk: Buffer, from: number): HeadState {
    const bytes = this.#held === undefined ? this.#begin(chunk, from) : this.#append(chunk, from);
    const state = this.#scan(bytes);
    if (state === "incomplete") {
      this.#hold(bytes);
    } else {
      this.bytes = bytes;
      this.#held = undefined;
    }
    return state;
  }

  #begin(chunk: Buffer, from: number): Buffer {
    this.start = this.#lineStart = this.#searchFrom = from;
    return chunk;
  }

  #append(chunk: Buffer, from: number): Buffer {
    const held = this.#held ?? chunk;
    const length = this.#heldLength + chunk.length - from;
    let target = held;
    if (length > held.length) {
      target = Buffer.allocUnsafe(Math.max(1024, 2 * length));
      held.copy(target, 0, 0, this.#heldLength);
      this.#held = target;
    }
    chunk.copy(target, this.#heldLength, from);
    this.#heldLength = length;
    return target.subarray(0, length);
  }

  #hold(bytes: Buffer): void {
    if (this.#held !== undefined) return;
    const length = bytes.length - this.start;
    if (length === 0) return;
    this.#held = Buffer.allocUnsafe(Math.max(1024, 2 * length));
    bytes.copy(this.#held, 0, this.start);
    this.#heldLength = length;
    this.#lineStart -= this.start;
    this.#searchFrom -= this.start;
    this.start = 0;
  }

  #scan(bytes: Buffer): HeadState {
    for (;;) {
      const at = bytes.indexOf(lineFeed, this.#searchFrom);
      if (at === -1) {
        this.#searchFrom = bytes.length;
        if (bytes.length - this.start > headLimitBytes) return "tooLarge";
        return this.#startsWell(bytes) ? "incomplete" : "malformed";
      }
      if (at + 1 - this.start > headLimitBytes) return "tooLarge";
      const hasReturn = at > this.#lineStart && bytes[at - 1] === carriageReturn;
      if (!hasReturn && !this.#takesBareLineFeeds) return "malformed";
      const isBlank = at === this.#lineStart + (hasReturn ? 1 : 0);
      const isFirst = this.#lineStart === this.start;
      this.#lineStart = this.#searchFrom = at + 1;
      if (!isBlank) continue;
      if (isFirst) {
        // Some clients send a line break too many after a body; it belongs to no message.
        this.start = at + 1;
        continue;
      }
      this.end = at + 1;
      return this.#startsWell(bytes) ? "complete" : "malformed";
    }
  }

  // A TLS hello or another binary protocol is told apart at its first byte, not after a wait for a line that never ends.
  #startsWell(bytes: Buffer): boolean {
    const first = bytes[this.start];
    return first === undefined || first === carriageReturn || (first > 32 && first < 127);
  }
}
