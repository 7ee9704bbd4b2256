import type { Instant } from "../time/clock.ts";

/** A moment in a sentence. How it is written depends on when it is read, so that is left to those who write it. */
export interface Moment {
  readonly at: Instant;
  /**
   * `since`: something has lasted from then on. `then`: something has happened. `due`: something happens then. `retirement`:
   * something goes then, or later if it is still needed.
   */
  readonly as: "since" | "then" | "due" | "retirement";
}

/** A sentence, or a part of one. */
export type Words = readonly (string | Moment)[];

/** The parts that are not empty, one after another. */
export function sentence(parts: readonly Words[]): Words {
  const said = parts.filter((words) => words.some((word) => word !== ""));
  return said.flatMap((words, index) => (index === 0 ? words : ["; ", ...words]));
}

/** ` since …`; nothing where the moment is not known. */
export function since(at: Instant | undefined): Words {
  return at === undefined ? [] : [{ at, as: "since" }];
}
