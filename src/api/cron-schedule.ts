// Schedules of CronJobs: five fields of cron, its names for common ones (`@daily`), and `@every 1h30m`. Own code because the
// libraries read more than Kubernetes does (seconds, `L`, `7` for Sunday), and what is refused is to be refused in its words.
import { type Instant, instant, later } from "../time/clock.ts";

interface Field {
  readonly values: ReadonlySet<number>;
  /** Whether it says nothing: `*`. */
  readonly isOpen: boolean;
}

interface Bounds {
  readonly least: number;
  readonly most: number;
  readonly names?: readonly string[];
}

/** When something is to be done, again and again. */
export type CronSchedule =
  | { readonly everySeconds: number }
  | {
      readonly minute: Field;
      readonly hour: Field;
      readonly dayOfMonth: Field;
      readonly month: Field;
      readonly dayOfWeek: Field;
    };

const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const days = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

const bounds = {
  minute: { least: 0, most: 59 },
  hour: { least: 0, most: 23 },
  dayOfMonth: { least: 1, most: 31 },
  month: { least: 1, most: 12, names: ["", ...months] },
  dayOfWeek: { least: 0, most: 6, names: days },
} as const satisfies Record<string, Bounds>;

const named: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};

class BadSchedule extends Error {}

/** Throws for what `scheduleProblem` finds. */
export function parseSchedule(text: string): CronSchedule {
  if (text.startsWith("@every ")) return { everySeconds: secondsOf(text.slice("@every ".length)) };
  if (text.startsWith("@") && named[text] === undefined)
    throw new BadSchedule(`unrecognized descriptor: ${text}`);
  const fields = (named[text] ?? text).trim().split(/\s+/);
  if (fields.length !== 5)
    throw new BadSchedule(`expected exactly 5 fields, found ${fields.length}: [${fields.join(" ")}]`);
  const [minute = "", hour = "", dayOfMonth = "", month = "", dayOfWeek = ""] = fields;
  return {
    minute: parseField(minute, bounds.minute),
    hour: parseField(hour, bounds.hour),
    dayOfMonth: parseField(dayOfMonth, bounds.dayOfMonth),
    month: parseField(month, bounds.month),
    dayOfWeek: parseField(dayOfWeek, bounds.dayOfWeek),
  };
}

/** What is wrong with a schedule, in Kubernetes' words; undefined when it can be read. */
export function scheduleProblem(text: string): string | undefined {
  if (/TZ=/.test(text)) return "cannot use TZ or CRON_TZ in schedule, use timeZone field instead";
  try {
    parseSchedule(text);
    return undefined;
  } catch (error) {
    if (error instanceof BadSchedule) return error.message;
    throw error;
  }
}

export function timeZoneProblem(name: string): string | undefined {
  if (name === "") return "timeZone must be nil or non-empty string";
  if (name.toLowerCase() === "local")
    return "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones";
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return undefined;
  } catch {
    return `unknown time zone ${name}`;
  }
}

// A schedule that no day meets (30 February) is given up after so long.
const horizonSeconds = 5 * 366 * 24 * 3600;

/**
 * The first moment after `after` at which the schedule asks for something, by the clocks of `timeZone`; undefined when there is
 * none. What falls into an hour that a change of clocks leaves out does not happen; what falls into one that comes twice, twice.
 */
export function nextTime(schedule: CronSchedule, after: Instant, timeZone = "UTC"): Instant | undefined {
  if ("everySeconds" in schedule)
    return later(instant(Math.floor(after / 1000) * 1000), schedule.everySeconds);
  const clockOf = wallClock(timeZone);
  let at = instant((Math.floor(after / 60_000) + 1) * 60_000);
  const end = later(at, horizonSeconds);
  while (at < end) {
    const wall = clockOf(at);
    if (!schedule.month.values.has(wall.month) || !isDay(schedule, wall)) {
      // To the next day, but not past its beginning, however long this one is.
      const hours = Math.max(0, 22 - wall.hour);
      at = later(at, hours > 0 ? hours * 3600 : (60 - wall.minute) * 60);
    } else if (!schedule.hour.values.has(wall.hour)) at = later(at, (60 - wall.minute) * 60);
    else if (schedule.minute.values.has(wall.minute)) return at;
    else at = later(at, 60);
  }
  return undefined;
}

interface WallClock {
  readonly month: number;
  readonly day: number;
  readonly weekday: number;
  readonly hour: number;
  readonly minute: number;
}

function wallClock(timeZone: string): (at: Instant) => WallClock {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone,
    hourCycle: "h23",
    month: "numeric",
    day: "numeric",
    weekday: "short",
    hour: "numeric",
    minute: "numeric",
  });
  return (at) => {
    const parts = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]));
    return {
      month: Number(parts["month"]),
      day: Number(parts["day"]),
      weekday: days.indexOf((parts["weekday"] ?? "").toLowerCase()),
      hour: Number(parts["hour"]),
      minute: Number(parts["minute"]),
    };
  };
}

/** Cron's odd rule: where both kinds of day are named, one of them is enough. */
function isDay(
  schedule: { readonly dayOfMonth: Field; readonly dayOfWeek: Field },
  { day, weekday }: WallClock,
): boolean {
  const isDate = schedule.dayOfMonth.values.has(day);
  const isWeekday = schedule.dayOfWeek.values.has(weekday);
  return schedule.dayOfMonth.isOpen || schedule.dayOfWeek.isOpen ? isDate && isWeekday : isDate || isWeekday;
}

function parseField(text: string, field: Bounds): Field {
  const ranges = text
    .split(",")
    .filter((range) => range !== "")
    .map((range) => parseRange(range, field));
  return {
    values: new Set(ranges.flatMap(({ values }) => values)),
    isOpen: ranges.some(({ isOpen }) => isOpen),
  };
}

function parseRange(
  text: string,
  { least, most, names }: Bounds,
): { readonly values: readonly number[]; readonly isOpen: boolean } {
  const [range = "", stepText, ...moreSteps] = text.split("/");
  if (moreSteps.length > 0) throw new BadSchedule(`too many slashes: ${text}`);
  const [from = "", to, ...moreEnds] = range.split("-");
  if (moreEnds.length > 0) throw new BadSchedule(`too many hyphens: ${text}`);
  const isAll = from === "*" || from === "?";
  const step = stepText === undefined ? 1 : numberOf(stepText);
  const start = isAll ? least : numberOf(from, names);
  const openEnd = isAll || stepText !== undefined ? most : start;
  const end = to === undefined || isAll ? openEnd : numberOf(to, names);
  if (start < least) throw new BadSchedule(`beginning of range (${start}) below minimum (${least}): ${text}`);
  if (end > most) throw new BadSchedule(`end of range (${end}) above maximum (${most}): ${text}`);
  if (start > end)
    throw new BadSchedule(`beginning of range (${start}) beyond end of range (${end}): ${text}`);
  if (step === 0) throw new BadSchedule(`step of range should be a positive number: ${text}`);
  const values = Array.from({ length: Math.floor((end - start) / step) + 1 }, (_, n) => start + n * step);
  return { values, isOpen: isAll && step === 1 };
}

function numberOf(text: string, names: readonly string[] = []): number {
  const position = text === "" ? -1 : names.indexOf(text.toLowerCase());
  if (position >= 0) return position;
  if (!/^[+-]?[0-9]+$/.test(text))
    throw new BadSchedule(
      `failed to parse int from ${text}: strconv.Atoi: parsing "${text}": invalid syntax`,
    );
  const number = Number(text);
  if (number < 0) throw new BadSchedule(`negative number (${number}) not allowed: ${text}`);
  return number;
}

const unitSeconds: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1, ms: 0.001 };

function secondsOf(text: string): number {
  const parts = [...text.matchAll(/([0-9]+(?:\.[0-9]+)?)(h|ms|m|s)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join("") !== text)
    throw new BadSchedule(`failed to parse duration @every ${text}: time: invalid duration "${text}"`);
  const seconds = parts.reduce(
    (sum, [, number, unit = ""]) => sum + Number(number) * (unitSeconds[unit] ?? 0),
    0,
  );
  return Math.max(1, Math.floor(seconds));
}
