import assert from "node:assert/strict";
import { test } from "node:test";
import { formatTime, instant } from "../time/clock.ts";
import { nextTime, parseSchedule, scheduleProblem, timeZoneProblem } from "./cron-schedule.ts";

const next = (schedule: string, after: string, timeZone?: string): string | undefined => {
  const at = nextTime(parseSchedule(schedule), instant(Date.parse(after)), timeZone);
  return at === undefined ? undefined : formatTime(at);
};

const cases: readonly (readonly [string, after: string, expected: string | undefined, timeZone?: string])[] =
  [
    ["* * * * *", "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"],
    ["*/15 * * * *", "2026-01-01T00:15:30Z", "2026-01-01T00:30:00Z"],
    ["5/20 * * * *", "2026-01-01T00:26:00Z", "2026-01-01T00:45:00Z"],
    ["0 9-17/4 * * MON-FRI", "2026-01-02T17:00:00Z", "2026-01-05T09:00:00Z"],
    ["30 4 1,15 * 5", "2026-01-03T00:00:00Z", "2026-01-09T04:30:00Z"],
    ["0 0 */2 * 1", "2026-01-05T00:00:00Z", "2026-01-07T00:00:00Z"],
    ["0 0 13 * ?", "2026-01-05T00:00:00Z", "2026-01-13T00:00:00Z"],
    ["0 0 29 2 *", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z"],
    ["0 0 30 feb *", "2026-01-01T00:00:00Z", undefined],
    ["@monthly", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"],
    ["@weekly", "2026-01-01T00:00:00Z", "2026-01-04T00:00:00Z"],
    ["@every 1h30m", "2026-01-01T00:00:00Z", "2026-01-01T01:30:00Z"],
    ["0 7 * * *", "2026-01-01T00:00:00Z", "2026-01-01T06:00:00Z", "Europe/Berlin"],
    ["0 7 * * *", "2026-07-01T00:00:00Z", "2026-07-01T05:00:00Z", "Europe/Berlin"],
    ["30 5 * * *", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "Asia/Kolkata"],
    // Left out on 29 March, when the clocks go from 2 to 3.
    ["30 2 * * *", "2026-03-28T02:00:00Z", "2026-03-30T00:30:00Z", "Europe/Berlin"],
    // Twice on 25 October.
    ["30 2 * * *", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "Europe/Berlin"],
  ];

for (const [schedule, after, expected, timeZone] of cases) {
  test(`${schedule} after ${after} ${timeZone ?? ""} is ${expected}`, () => {
    assert.equal(next(schedule, after, timeZone), expected);
  });
}

const problems: readonly (readonly [string, string])[] = [
  ["* * * *", "expected exactly 5 fields, found 4: [* * * *]"],
  ["60 * * * *", "end of range (60) above maximum (59): 60"],
  ["* * 0 * *", "beginning of range (0) below minimum (1): 0"],
  ["* * * * 7", "end of range (7) above maximum (6): 7"],
  ["5-3 * * * *", "beginning of range (5) beyond end of range (3): 5-3"],
  ["*/0 * * * *", "step of range should be a positive number: */0"],
  ["1-2-3 * * * *", "too many hyphens: 1-2-3"],
  ["1/2/3 * * * *", "too many slashes: 1/2/3"],
  ["x * * * *", 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'],
  ["@never", "unrecognized descriptor: @never"],
  ["TZ=UTC * * * * *", "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"],
];

for (const [schedule, problem] of problems) {
  test(`refuses ${schedule}`, () => assert.equal(scheduleProblem(schedule), problem));
}

test("knows time zones by their names", () => {
  assert.equal(timeZoneProblem("Europe/Berlin"), undefined);
  assert.equal(timeZoneProblem("Europe/Nowhere"), "unknown time zone Europe/Nowhere");
});
