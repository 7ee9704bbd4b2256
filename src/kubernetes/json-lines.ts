import { StringDecoder } from "node:string_decoder";

/** Far more than the largest object has (etcd takes 1.5 MB); an endless line must not fill the memory. */
const longestLine = 16 * 1024 * 1024;

/** Puts values together that arrive as one JSON text per line, cut anywhere: also within a line or a character. */
export class JsonLines {
  readonly #decoder = new StringDecoder("utf8");
  #pieces: string[] = [];
  #length = 0;

  /** The values completed by these bytes, one by one. Throws `SyntaxError` at a line that is no JSON, or is endless. */
  *push(bytes: Uint8Array): Generator<unknown> {
    const [first = "", ...rest] = this.#decoder.write(bytes).split("\n");
    this.#pieces.push(first);
    this.#length += first.length;
    for (const piece of rest) {
      const line = this.#pieces.join("");
      this.#pieces = [piece];
      this.#length = piece.length;
      if (line.trim() !== "") yield JSON.parse(line);
    }
    if (this.#length > longestLine) throw new SyntaxError(`a line of more than ${longestLine} characters`);
  }

  /** Whether bytes have come since the last whole line. */
  get isWithinLine(): boolean {
    return this.#pieces.some((piece) => piece.trim() !== "");
  }
}
