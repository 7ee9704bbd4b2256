import { type CronSchedule, nextTime, parseSchedule } from "../../../api/cron-schedule.ts";
import { type Instant, instant, later, parseTime } from "../../../time/clock.ts";
import type { CronJob } from "./cron-job.ts";

export interface DueTime {
  /** The last time that has come and for which nothing was started; undefined when there is none. */
  readonly due: Instant | undefined;
  /** Whether so many were missed that something is wrong. */
  readonly tooMany: boolean;
  /** When the next one comes. */
  readonly next: Instant | undefined;
}

const suspicious = 100;

export function dueTimeOf({ metadata, spec, status }: CronJob, now: Instant): DueTime {
  const schedule = parseSchedule(spec.schedule);
  const created = parseTime(metadata.creationTimestamp ?? "") ?? now;
  const from = parseTime(status?.lastScheduleTime ?? "") ?? created;
  const { startingDeadlineSeconds: deadline, timeZone } = spec;
  // What is too late is not looked for.
  const since = deadline === undefined ? from : instant(Math.max(from, later(now, -deadline)));
  const next = nextTime(schedule, now, timeZone);
  let missed = 0;
  let at = nextTime(schedule, since, timeZone);
  while (at !== undefined && at <= now && missed <= suspicious) {
    missed += 1;
    at = nextTime(schedule, at, timeZone);
  }
  const due = missed === 0 ? undefined : lastTime(schedule, since, now, timeZone);
  return { due, tooMany: missed > suspicious, next };
}

/** The last time after `since` up to `now`, looked for in longer and longer spans before now. */
function lastTime(
  schedule: CronSchedule,
  since: Instant,
  now: Instant,
  timeZone: string | undefined,
): Instant | undefined {
  // From one origin only: what happens every so many seconds counts from there.
  const isSteady = "everySeconds" in schedule;
  for (let span = 60; ; span *= 2) {
    const from = isSteady ? since : instant(Math.max(since, later(now, -span)));
    let last: Instant | undefined;
    for (
      let at = nextTime(schedule, from, timeZone);
      at !== undefined && at <= now;
      at = nextTime(schedule, at, timeZone)
    )
      last = at;
    if (last !== undefined || from === since) return last;
  }
}
