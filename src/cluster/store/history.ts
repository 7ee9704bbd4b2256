import type { Change } from "./store.ts";

/** The last changes of one collection, in a ring, so that a watch can start in the past. */
export class History {
  readonly #ring: Change[] = [];
  readonly #length: number;
  #start = 0;
  #floor: number;

  constructor(length: number, floor: number) {
    this.#length = length;
    this.#floor = floor;
  }

  /** All changes after this version are held. */
  get floor(): number {
    return this.#floor;
  }

  add(change: Change): void {
    const oldest = this.#ring[this.#start];
    if (this.#ring.length < this.#length) {
      this.#ring.push(change);
      return;
    }
    if (oldest !== undefined) this.#floor = oldest.version;
    this.#ring[this.#start] = change;
    this.#start = (this.#start + 1) % this.#length;
  }

  /** Changes after `version`, oldest first. */
  since(version: number): Change[] {
    // Binary search over the ring: versions grow from #start on.
    let low = 0;
    let high = this.#ring.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const change = this.#at(middle);
      if (change !== undefined && change.version <= version) low = middle + 1;
      else high = middle;
    }
    const changes: Change[] = [];
    for (let index = low; index < this.#ring.length; index += 1) {
      const change = this.#at(index);
      if (change !== undefined) changes.push(change);
    }
    return changes;
  }

  #at(index: number): Change | undefined {
    return this.#ring[(this.#start + index) % this.#length];
  }
}
