import { ChunkedBody } from "./chunked-body.ts";
import type { FramingFields } from "./fields.ts";

type Framing = "empty" | "length" | "chunked" | "untilClose";

/** Finds where the body of a message ends. One per direction of a connection, used for one message after another. */
export class Body {
  #framing: Framing = "empty";
  #remaining = 0;
  readonly #chunked = new ChunkedBody();

  beginRequest(fields: FramingFields): void {
    if (fields.transferEncoding === "chunked") this.#beginChunked(false);
    else this.#beginLength(Math.max(0, fields.contentLength));
  }

  beginResponse(method: string, status: number, fields: FramingFields): void {
    if (method === "HEAD" || status === 204 || status === 304) this.#beginLength(0);
    else if (fields.transferEncoding.startsWith("chunked")) this.#beginChunked(true);
    else if (fields.contentLength !== -1) this.#beginLength(fields.contentLength);
    else this.#framing = "untilClose";
  }

  #beginLength(length: number): void {
    this.#framing = length === 0 ? "empty" : "length";
    this.#remaining = length;
  }

  #beginChunked(takesBlanks: boolean): void {
    this.#framing = "chunked";
    this.#chunked.reset(takesBlanks);
  }

  /** Only the end of the connection ends this body. */
  get isUntilClose(): boolean {
    return this.#framing === "untilClose";
  }

  get isDone(): boolean {
    if (this.#framing === "chunked") return this.#chunked.isDone;
    return this.#framing !== "untilClose" && this.#remaining === 0;
  }

  get isMalformed(): boolean {
    return this.#framing === "chunked" && this.#chunked.isMalformed;
  }

  /** Follows `bytes` from `from` on; answers the offset just after the last byte that belongs to the body. */
  advance(bytes: Buffer, from: number): number {
    if (this.#framing === "untilClose") return bytes.length;
    if (this.#framing === "chunked") return this.#chunked.advance(bytes, from);
    const step = Math.min(this.#remaining, bytes.length - from);
    this.#remaining -= step;
    return from + step;
  }
}
