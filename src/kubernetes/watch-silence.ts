import { type Cancel, type Clock, type Instant, later } from "../time/clock.ts";

/** Kubernetes' API servers, and Teal's own, send a watch a bookmark a minute: two are missed, and the second may be late. */
const shortestSeconds = 130;
/** A server that never sends bookmarks is not bothered more often than this. */
const longestSeconds = 300;

/**
 * Suspects a watch on which nothing comes any more, not even a bookmark: on its way something may drop all bytes without a
 * word. Each suspicion makes the next one come later, until a bookmark shows that the server sends them.
 */
export class WatchSilence {
  readonly #clock: Clock;
  #patienceSeconds = shortestSeconds;
  #heardAt: Instant;
  #look: () => void = () => {};
  #cancel: Cancel = () => {};

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#heardAt = clock.now();
  }

  /** Listens to a watch that has just been opened; calls `suspect` at most once. */
  begin(suspect: () => void): void {
    this.#look = () => {
      this.#cancel();
      const end = later(this.#heardAt, this.#patienceSeconds);
      if (this.#clock.now() < end) {
        this.#cancel = this.#clock.at(end, this.#look);
        return;
      }
      this.#patienceSeconds = Math.min(2 * this.#patienceSeconds, longestSeconds);
      suspect();
    };
    this.#heardAt = this.#clock.now();
    this.#look();
  }

  /** Something has come. */
  heard(isBookmark: boolean): void {
    this.#heardAt = this.#clock.now();
    if (!isBookmark || this.#patienceSeconds === shortestSeconds) return;
    this.#patienceSeconds = shortestSeconds;
    this.#look();
  }

  /** The watch is over. */
  end(): void {
    this.#cancel();
    this.#look = () => {};
  }
}
