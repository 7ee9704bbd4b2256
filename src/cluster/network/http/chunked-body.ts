import { isTokenByte } from "./fields.ts";

// Where in the grammar of RFC 9112 section 7.1 the next byte stands.
const sizeFirst = 0;
const size = 1;
const sizeBlank = 2;
const extension = 3;
const sizeLineFeed = 4;
const data = 5;
const dataReturn = 6;
const dataLineFeed = 7;
const trailerStart = 8;
const trailerName = 9;
const trailerValue = 10;
const trailerLineFeed = 11;
const lastLineFeed = 12;
const finished = 13;
const broken = 14;

const longestSizeDigits = 12;
const extensionLimitBytes = 4 * 1024;
const trailerLimitBytes = 64 * 1024;

const hexDigits = new Int8Array(256).fill(-1);
for (let digit = 0; digit < 16; digit++) {
  hexDigits[digit.toString(16).charCodeAt(0)] = digit;
  hexDigits[digit.toString(16).toUpperCase().charCodeAt(0)] = digit;
}

/** Follows a chunked body to its end without changing a byte of it. */
export class ChunkedBody {
  #state = sizeFirst;
  #remaining = 0;
  #digits = 0;
  #sideBytes = 0;
  #takesBlanks = false;

  /** `takesBlanks`: old servers pad the size of a chunk with spaces. Never so for requests. */
  reset(takesBlanks: boolean): void {
    this.#takesBlanks = takesBlanks;
    this.#state = sizeFirst;
    this.#remaining = this.#digits = this.#sideBytes = 0;
  }

  get isDone(): boolean {
    return this.#state === finished;
  }

  /** The bytes break the grammar; they must not be forwarded, as the two sides might disagree about where the body ends. */
  get isMalformed(): boolean {
    return this.#state === broken;
  }

  /** Follows `bytes` from `from` on; answers the offset just after the last byte that belongs to the body. */
  advance(bytes: Buffer, from: number): number {
    let at = from;
    while (at < bytes.length && this.#state < finished) {
      if (this.#state === data) {
        const step = Math.min(this.#remaining, bytes.length - at);
        at += step;
        this.#remaining -= step;
        if (this.#remaining === 0) this.#state = dataReturn;
      } else {
        this.#state = this.#next(bytes[at] ?? 0);
        at++;
      }
    }
    return at;
  }

  #next(byte: number): number {
    switch (this.#state) {
      case sizeFirst:
      case size:
        return this.#sizeByte(byte);
      case sizeBlank:
        return this.#afterSize(byte);
      case extension:
        if (byte === 13) return sizeLineFeed;
        return ++this.#sideBytes <= extensionLimitBytes && isText(byte) ? extension : broken;
      case sizeLineFeed:
        if (byte !== 10) return broken;
        this.#sideBytes = 0;
        return this.#remaining === 0 ? trailerStart : data;
      case dataReturn:
        return byte === 13 ? dataLineFeed : broken;
      case dataLineFeed:
        this.#digits = 0;
        return byte === 10 ? sizeFirst : broken;
      case trailerStart:
        if (byte === 13) return lastLineFeed;
        return isTokenByte[byte] === 1 ? trailerName : broken;
      case trailerName:
        if (++this.#sideBytes > trailerLimitBytes) return broken;
        if (byte === 58) return trailerValue;
        return isTokenByte[byte] === 1 ? trailerName : broken;
      case trailerValue:
        if (byte === 13) return trailerLineFeed;
        return ++this.#sideBytes <= trailerLimitBytes && isText(byte) ? trailerValue : broken;
      case trailerLineFeed:
        return byte === 10 ? trailerStart : broken;
      case lastLineFeed:
        return byte === 10 ? finished : broken;
      default:
        return broken;
    }
  }

  #sizeByte(byte: number): number {
    const digit = hexDigits[byte] ?? -1;
    if (digit !== -1) {
      if (++this.#digits > longestSizeDigits) return broken;
      this.#remaining = this.#remaining * 16 + digit;
      return size;
    }
    return this.#state === sizeFirst ? broken : this.#afterSize(byte);
  }

  #afterSize(byte: number): number {
    if (byte === 32 && this.#takesBlanks)
      return ++this.#sideBytes <= extensionLimitBytes ? sizeBlank : broken;
    if (byte === 13) return sizeLineFeed;
    return byte === 59 ? extension : broken;
  }
}

function isText(byte: number): boolean {
  return (byte >= 32 && byte !== 127) || byte === 9;
}
