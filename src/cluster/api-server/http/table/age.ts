import { type Instant, parseTime } from "../../../../time/clock.ts";
import { humanDuration } from "../../../../time/human-duration.ts";

/** How long ago a time on the wire was, as kubectl shows ages; `<unknown>` without a time. */
export function ageOf(time: string | null | undefined, now: Instant): string {
  if (time === undefined || time === null || time === "") return "<unknown>";
  const then = parseTime(time);
  return then === undefined ? "<invalid>" : humanDuration((now - then) / 1000);
}
