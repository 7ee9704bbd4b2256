import { isFields } from "../json.ts";

/** An object or a list of a JSON document while it is being changed. What is not opened stays shared with the original. */
export interface OpenContainer {
  /** Undefined when there is no such key. */
  get(key: string): unknown;
  /** Puts another value in the place of one that is there. */
  set(key: string, value: unknown): void;
  /** A new field, or a new element before the one of that index; whether that can be. */
  add(key: string, value: unknown): boolean;
  /** Takes away what is there. */
  remove(key: string): void;
  values(): Iterable<unknown>;
  /** The same as plain JSON, with `values` in the place of its own. */
  withValues(values: readonly unknown[]): object;
}

/** The container that a value is; undefined for one that is none. */
export function opened(value: unknown): OpenContainer | undefined {
  if (value instanceof OpenFields || value instanceof OpenList) return value;
  if (Array.isArray(value)) return new OpenList(value);
  return isFields(value) ? new OpenFields(value) : undefined;
}

/** Plain JSON again. Takes no room on the stack, however deep the document is. */
export function closed(document: unknown): unknown {
  const plain = new Map<unknown, unknown>();
  const open: unknown[] = [document];
  const found: OpenContainer[] = [];
  while (open.length > 0) {
    const value = open.pop();
    if (!(value instanceof OpenFields || value instanceof OpenList)) continue;
    found.push(value);
    for (const inner of value.values())
      if (inner instanceof OpenFields || inner instanceof OpenList) open.push(inner);
  }
  // What is inside of something was found after it.
  for (const container of found.reverse()) {
    plain.set(
      container,
      container.withValues([...container.values()].map((inner) => plain.get(inner) ?? inner)),
    );
  }
  return plain.get(document) ?? document;
}

class OpenFields implements OpenContainer {
  // A map, because `__proto__` is a key like any other.
  readonly #fields: Map<string, unknown>;

  constructor(fields: object) {
    this.#fields = new Map(Object.entries(fields));
  }

  get(key: string): unknown {
    return this.#fields.get(key);
  }

  set(key: string, value: unknown): void {
    this.#fields.set(key, value);
  }

  add(key: string, value: unknown): boolean {
    this.#fields.set(key, value);
    return true;
  }

  remove(key: string): void {
    this.#fields.delete(key);
  }

  values(): Iterable<unknown> {
    return this.#fields.values();
  }

  withValues(values: readonly unknown[]): object {
    return Object.fromEntries([...this.#fields.keys()].map((key, index) => [key, values[index]]));
  }
}

const pieceLength = 1024;

/** In pieces, so that an insertion moves the elements of one piece rather than of the whole list. */
class OpenList implements OpenContainer {
  readonly #pieces: unknown[][] = [];
  #length: number;

  constructor(list: readonly unknown[]) {
    this.#length = list.length;
    for (let from = 0; from < list.length; from += pieceLength) {
      this.#pieces.push(list.slice(from, from + pieceLength));
    }
  }

  get(key: string): unknown {
    const [piece, offset] = this.#at(indexOf(key)) ?? [];
    return piece === undefined || offset === undefined ? undefined : piece[offset];
  }

  set(key: string, value: unknown): void {
    const [piece, offset] = this.#at(indexOf(key)) ?? [];
    if (piece !== undefined && offset !== undefined) piece[offset] = value;
  }

  add(key: string, value: unknown): boolean {
    const index = key === "-" ? this.#length : indexOf(key);
    if (!(index <= this.#length)) return false;
    if (index === this.#length) this.#append(value);
    else this.#insert(index, value);
    this.#length += 1;
    return true;
  }

  remove(key: string): void {
    const [piece, offset] = this.#at(indexOf(key)) ?? [];
    if (piece === undefined || offset === undefined) return;
    piece.splice(offset, 1);
    this.#length -= 1;
  }

  *values(): Iterable<unknown> {
    for (const piece of this.#pieces) yield* piece;
  }

  withValues(values: readonly unknown[]): object {
    return values;
  }

  #append(value: unknown): void {
    const last = this.#pieces.at(-1);
    if (last === undefined || last.length >= pieceLength) this.#pieces.push([value]);
    else last.push(value);
  }

  #insert(index: number, value: unknown): void {
    const [piece, offset] = this.#at(index) ?? [];
    if (piece === undefined || offset === undefined) return;
    piece.splice(offset, 0, value);
    if (piece.length <= 2 * pieceLength) return;
    this.#pieces.splice(this.#pieces.indexOf(piece) + 1, 0, piece.splice(pieceLength));
  }

  /** The piece of an index, and where in it; undefined beyond the end. */
  #at(index: number): readonly [piece: unknown[], offset: number] | undefined {
    let offset = index;
    for (const piece of this.#pieces) {
      if (offset < piece.length) return [piece, offset];
      offset -= piece.length;
    }
    return undefined;
  }
}

// No number for what is no index.
function indexOf(key: string): number {
  return /^(0|[1-9]\d*)$/.test(key) ? Number(key) : Number.NaN;
}
