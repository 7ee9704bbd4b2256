const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;
const year = 365 * day;

interface Form {
  /** Used for durations below so many seconds. */
  readonly below: number;
  readonly unit: number;
  readonly letter: string;
  /** The smaller unit shown beside it, when it is not zero. */
  readonly rest?: { readonly unit: number; readonly letter: string };
}

const forms: readonly Form[] = [
  { below: 2 * minute, unit: 1, letter: "s" },
  { below: 10 * minute, unit: minute, letter: "m", rest: { unit: 1, letter: "s" } },
  { below: 3 * hour, unit: minute, letter: "m" },
  { below: 8 * hour, unit: hour, letter: "h", rest: { unit: minute, letter: "m" } },
  { below: 2 * day, unit: hour, letter: "h" },
  { below: 8 * day, unit: day, letter: "d", rest: { unit: hour, letter: "h" } },
  { below: 2 * year, unit: day, letter: "d" },
  { below: 8 * year, unit: year, letter: "y", rest: { unit: day, letter: "d" } },
  { below: Number.POSITIVE_INFINITY, unit: year, letter: "y" },
];

/** A duration of `seconds` as Kubernetes' tables show ages: at most two units, `14s`, `6m11s`, `5d21h`. */
export function humanDuration(seconds: number): string {
  if (seconds <= -2) return "<invalid>";
  const whole = Math.max(0, Math.trunc(seconds));
  const form = forms.find(({ below }) => whole < below);
  if (form === undefined) return "<unknown>";
  const main = `${Math.floor(whole / form.unit)}${form.letter}`;
  if (form.rest === undefined) return main;
  const rest = Math.floor((whole % form.unit) / form.rest.unit);
  return rest === 0 ? main : `${main}${rest}${form.rest.letter}`;
}
