import { StringDecoder } from "node:string_decoder";

/** Puts values together that arrive as one JSON text per line, cut anywhere: also within a line or a character. */
export class JsonLines {
  readonly #decoder = new StringDecoder("utf8");
  #pieces: string[] = [];

  /** The values completed by these bytes. Throws `SyntaxError` on a line that is no JSON. */
  push(bytes: Buffer): readonly unknown[] {
    const [first = "", ...rest] = this.#decoder.write(bytes).split("\n");
    this.#pieces.push(first);
    const values: unknown[] = [];
    for (const piece of rest) {
      const line = this.#pieces.join("");
      this.#pieces = [piece];
      if (line.trim() !== "") values.push(JSON.parse(line));
    }
    return values;
  }

  /** Whether bytes have come since the last whole line. */
  get isWithinLine(): boolean {
    return this.#pieces.some((piece) => piece.trim() !== "");
  }
}
