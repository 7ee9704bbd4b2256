import type { Change } from "./change.ts";

interface Held {
  readonly change: Change;
  readonly bytes: number;
}

/** The last changes of one collection, oldest first, so that a watch can start in the past. */
export class History {
  // Those before #start are given up; they are cut off when they are many.
  #held: (Held | undefined)[] = [];
  #start = 0;
  #bytes = 0;
  #floor: number;

  constructor(floor: number) {
    this.#floor = floor;
  }

  /** All changes after this version are held. */
  get floor(): number {
    return this.#floor;
  }

  get length(): number {
    return this.#held.length - this.#start;
  }

  /** What is kept in memory only because it is in here. */
  get bytes(): number {
    return this.#bytes;
  }

  add(change: Change, bytes: number): void {
    this.#held.push({ change, bytes });
    this.#bytes += bytes;
  }

  /** Gives the oldest change up, unless it is the only one. Answers how many bytes that frees. */
  dropOldest(): number {
    const oldest = this.#held[this.#start];
    if (oldest === undefined || this.length === 1) return 0;
    this.#held[this.#start] = undefined;
    this.#start += 1;
    this.#floor = oldest.change.version;
    this.#bytes -= oldest.bytes;
    if (this.#start > this.length + 100) {
      this.#held = this.#held.slice(this.#start);
      this.#start = 0;
    }
    return oldest.bytes;
  }

  /** Changes after `version`, oldest first. */
  since(version: number): Change[] {
    return this.#held
      .slice(this.#indexAfter(version))
      .flatMap((held) => (held === undefined ? [] : [held.change]));
  }

  /** The first change after `version`. */
  after(version: number): Change | undefined {
    return this.#held[this.#indexAfter(version)]?.change;
  }

  // Binary search: versions grow from #start on.
  #indexAfter(version: number): number {
    let low = this.#start;
    let high = this.#held.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const held = this.#held[middle];
      if (held !== undefined && held.change.version <= version) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
