import { createHash } from "node:crypto";

/** Chance that is the same in every run: each draw follows from the seed and the number of draws before it. */
export class Chance {
  readonly #seed: string;
  #draws = 0;

  constructor(seed: string) {
    this.#seed = seed;
  }

  /** True with this probability. */
  hits(probability: number): boolean {
    return this.#draw() < probability;
  }

  /** From `least` up to `most`. */
  between(least: number, most: number): number {
    return least + this.#draw() * (most - least);
  }

  pick<T>(first: T, ...others: readonly T[]): T {
    return [first, ...others][Math.floor(this.#draw() * (others.length + 1))] ?? first;
  }

  #draw(): number {
    const hash = createHash("sha256")
      .update(`${this.#seed} ${this.#draws++}`)
      .digest();
    return hash.readUInt32BE() / 2 ** 32;
  }
}
