import { formatTime, type Instant } from "../../time/clock.ts";
import { humanDuration } from "../../time/human-duration.ts";
import type { Moment, Words } from "../../view/words.ts";

/** The sentence as it reads at `now`. */
export function printWords(words: Words, now: Instant): string {
  return words.map((word) => (typeof word === "string" ? word : printMoment(word, now))).join("");
}

/** How long ago `at` was: `5m`; `<unknown>` when nobody knows. */
export function ageText(at: Instant | undefined, now: Instant): string {
  return at === undefined ? "<unknown>" : between(at, now);
}

/** How long it is until `at`: `25s`; `passed` when that was. */
export function timeLeft(at: Instant, now: Instant): string {
  return at < now ? "passed" : between(now, at);
}

function printMoment({ at, as }: Moment, now: Instant): string {
  const text = formatTime(at);
  switch (as) {
    case "since":
      return ` since ${text} (${between(at, now)})`;
    case "then":
      return ` at ${text} (${between(at, now)} ago)`;
    case "due":
      return at > now ? ` at ${text} (in ${between(now, at)})` : ` at ${text}`;
    case "retirement":
      return at > now ? ` at ${text} (in ${between(now, at)})` : " as soon as it is not needed any more";
  }
}

function between(from: Instant, to: Instant): string {
  return humanDuration((to - from) / 1000);
}
