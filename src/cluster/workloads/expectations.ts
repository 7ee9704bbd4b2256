import { type Clock, type Instant, later } from "../../time/clock.ts";

interface Expected {
  creations: number;
  readonly deletions: Set<string>;
  readonly until: Instant;
}

// A cache that lists anew may never show an object that came and went; the wait for it must end some day.
const patienceSeconds = 300;

/**
 * What a controller has asked for and its cache has not shown yet. While something is expected for a key, the cache is
 * behind, and deciding from it would create or delete twice.
 */
export class Expectations {
  readonly #clock: Clock;
  readonly #expected = new Map<string, Expected>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** To be called before the request, since its watch event may come before its answer. */
  expectCreation(key: string): void {
    this.#of(key).creations++;
  }

  expectDeletion(key: string, uid: string): void {
    this.#of(key).deletions.add(uid);
  }

  /** The cache has shown a creation, or the request was refused. */
  creationEnded(key: string): void {
    const expected = this.#expected.get(key);
    if (expected === undefined || expected.creations === 0) return;
    expected.creations--;
    this.#forgetIfMet(key, expected);
  }

  /** The cache has shown the object as being deleted or gone, or the request was refused. */
  deletionEnded(key: string, uid: string): void {
    const expected = this.#expected.get(key);
    if (expected === undefined) return;
    expected.deletions.delete(uid);
    this.#forgetIfMet(key, expected);
  }

  /** Until when to wait for the cache; undefined when it has shown all that was asked for. */
  waitUntil(key: string): Instant | undefined {
    const expected = this.#expected.get(key);
    if (expected === undefined) return undefined;
    if (this.#clock.now() < expected.until) return expected.until;
    this.#expected.delete(key);
    return undefined;
  }

  forget(key: string): void {
    this.#expected.delete(key);
  }

  #of(key: string): Expected {
    const known = this.#expected.get(key);
    if (known !== undefined) return known;
    const expected = {
      creations: 0,
      deletions: new Set<string>(),
      until: later(this.#clock.now(), patienceSeconds),
    };
    this.#expected.set(key, expected);
    return expected;
  }

  #forgetIfMet(key: string, expected: Expected): void {
    if (expected.creations === 0 && expected.deletions.size === 0) this.#expected.delete(key);
  }
}
