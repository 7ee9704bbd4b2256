import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { resources } from "../../../api/resources.ts";
import { parseTime } from "../../../time/clock.ts";
import type { Job } from "../job/job.ts";
import { WorkloadsBed } from "../workloads.fixture.ts";
import type { CronJob } from "./cron-job.ts";

async function start(context: TestContext, spec: Partial<CronJob["spec"]> = {}) {
  const bed = await WorkloadsBed.start(context);
  await bed.create(resources.cronJobs, {
    apiVersion: "batch/v1",
    kind: "CronJob",
    metadata: { name: "tick" },
    spec: {
      schedule: "*/5 * * * *",
      jobTemplate: {
        spec: {
          template: { spec: { restartPolicy: "Never", containers: [{ name: "c", image: "task:1" }] } },
        },
      },
      ...spec,
    },
  });
  const jobs = () => bed.list<Job>(resources.jobs);
  const names = async () => (await jobs()).map(({ metadata }) => metadata.name);
  const endAll = async (exitCode = 0) => {
    for (const pod of await bed.pods())
      if (pod.status?.phase === "Pending") await bed.podEnds(pod.metadata.name, exitCode);
  };
  const status = async () => (await bed.get<CronJob>(resources.cronJobs, "tick")).status ?? {};
  return { bed, jobs, names, endAll, status };
}

const nameAt = (time: string): string => `tick-${(parseTime(time) ?? 0) / 60_000}`;

test("makes a Job at each time of the schedule, named after it", async (context) => {
  const it = await start(context);
  await it.bed.clock.advance(299);
  assert.deepEqual(await it.names(), []);
  await it.bed.clock.advance(1);
  assert.deepEqual(await it.names(), [nameAt("2026-01-01T00:05:00Z")]);
  const [job] = await it.jobs();
  assert.equal(
    job?.metadata.annotations?.["batch.kubernetes.io/cronjob-scheduled-timestamp"],
    "2026-01-01T00:05:00Z",
  );
  const { active, lastScheduleTime } = await it.status();
  assert.equal(lastScheduleTime, "2026-01-01T00:05:00Z");
  assert.deepEqual(
    active?.map(({ uid }) => uid),
    [job?.metadata.uid],
  );
  await it.bed.clock.advance(10);
  await it.endAll();
  assert.deepEqual(await it.status(), {
    lastScheduleTime: "2026-01-01T00:05:00Z",
    lastSuccessfulTime: "2026-01-01T00:05:10Z",
  });
  const [name] = await it.names();
  assert.deepEqual(await it.bed.eventsOf("CronJob"), [
    `Normal SuccessfulCreate Created job ${name}`,
    `Normal SawCompletedJob Saw completed job: ${name}, condition: Complete`,
  ]);
});

test("keeps as many of the Jobs that have ended as it is told to", async (context) => {
  const it = await start(context, { successfulJobsHistoryLimit: 2, failedJobsHistoryLimit: 0 });
  for (const exitCode of [0, 0, 0]) {
    await it.bed.clock.advance(300);
    await it.endAll(exitCode);
  }
  assert.deepEqual(await it.names(), [nameAt("2026-01-01T00:10:00Z"), nameAt("2026-01-01T00:15:00Z")]);
});

test("does not start a second Job while the first runs, when that is forbidden", async (context) => {
  const it = await start(context, { concurrencyPolicy: "Forbid" });
  await it.bed.clock.advance(600);
  assert.deepEqual(await it.names(), [nameAt("2026-01-01T00:05:00Z")]);
  assert.ok(
    (await it.bed.eventsOf("CronJob")).includes(
      "Normal JobAlreadyActive Not starting job because prior execution is running and concurrency policy is Forbid",
    ),
  );
});

test("replaces the Job that runs, when it is told to", async (context) => {
  const it = await start(context, { concurrencyPolicy: "Replace" });
  await it.bed.clock.advance(600);
  assert.deepEqual(await it.names(), [nameAt("2026-01-01T00:10:00Z")]);
  assert.equal((await it.status()).active?.length, 1);
});

test("does nothing while it is suspended, and then starts what is due once", async (context) => {
  const it = await start(context, { suspend: true });
  it.bed.transport.writes.length = 0;
  await it.bed.clock.advance(3600);
  assert.deepEqual(it.bed.transport.writes, []);
  await it.bed.patch(resources.cronJobs, "tick", { spec: { suspend: false } });
  assert.deepEqual(await it.names(), [nameAt("2026-01-01T01:00:00Z")]);
});

test("starts nothing that is later than its deadline", async (context) => {
  const it = await start(context, { suspend: true, startingDeadlineSeconds: 30 });
  await it.bed.clock.advance(340);
  await it.bed.patch(resources.cronJobs, "tick", { spec: { suspend: false } });
  assert.deepEqual(await it.names(), []);
});
