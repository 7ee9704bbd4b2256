import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Pod } from "../../../api/core.ts";
import { resources } from "../../../api/resources.ts";
import { isActive } from "../pods.ts";
import { WorkloadsBed } from "../workloads.fixture.ts";
import { type Job, type JobStatus, trackingFinalizer } from "./job.ts";

type Spec = Partial<Omit<Job["spec"], "template" | "selector">>;

class JobBed {
  readonly bed: WorkloadsBed;

  private constructor(bed: WorkloadsBed) {
    this.bed = bed;
  }

  static async start(context: TestContext, spec: Spec = {}, restartPolicy = "Never"): Promise<JobBed> {
    const bed = await WorkloadsBed.start(context);
    await bed.create(resources.jobs, {
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: { name: "task" },
      spec: { ...spec, template: { spec: { restartPolicy, containers: [{ name: "c", image: "task:1" }] } } },
    });
    return new JobBed(bed);
  }

  async status(): Promise<JobStatus> {
    return (await this.bed.get<Job>(resources.jobs, "task")).status ?? {};
  }

  async conditions(): Promise<readonly string[]> {
    return ((await this.status()).conditions ?? []).map(
      ({ type, status, reason, message }) => `${type} ${status} ${reason}: ${message}`,
    );
  }

  async active(): Promise<readonly Pod[]> {
    return (await this.bed.pods()).filter(isActive);
  }

  /** Ends the first active pod, or that of an index. */
  async end(exitCode = 0, index?: number): Promise<void> {
    const pods = await this.active();
    const pod =
      index === undefined ? pods[0] : pods.find(({ metadata }) => metadata.name.startsWith(`task-${index}-`));
    assert.ok(pod !== undefined, "no active pod");
    await this.bed.podEnds(pod.metadata.name, exitCode);
  }

  /** Without the letters that make names differ. */
  async events(): Promise<readonly string[]> {
    return (await this.bed.eventsOf("Job")).map((text) =>
      text.replace(/(task(?:-[0-9]+)?)-[a-z0-9]{5}\b/, "$1-?"),
    );
  }
}

const reached = "Reached expected number of succeeded pods";

// The statuses and events of a kube-controller-manager v1.34.4, for the same Jobs.
test("runs a pod to its end, counts it, and lets it go", async (context) => {
  const it = await JobBed.start(context);
  const [pod] = await it.active();
  assert.deepEqual(pod?.metadata.finalizers, [trackingFinalizer]);
  const { startTime: _start, ...running } = await it.status();
  assert.deepEqual(running, { active: 1, ready: 0, terminating: 0, uncountedTerminatedPods: {} });
  it.bed.transport.writes.length = 0;
  await it.end();
  const { startTime, completionTime, conditions: _conditions, ...counts } = await it.status();
  assert.ok(startTime !== undefined && completionTime !== undefined);
  assert.deepEqual(counts, { ready: 0, succeeded: 1, terminating: 0, uncountedTerminatedPods: {} });
  assert.deepEqual(await it.conditions(), [
    `SuccessCriteriaMet True CompletionsReached: ${reached}`,
    `Complete True CompletionsReached: ${reached}`,
  ]);
  assert.deepEqual(await it.events(), [
    "Normal SuccessfulCreate Created pod: task-?",
    "Normal Completed Job completed",
  ]);
  assert.deepEqual((await it.bed.pods())[0]?.metadata.finalizers, undefined);
  assert.deepEqual(it.bed.transport.writes, [
    "PATCH jobs/status",
    "PATCH pods",
    "PATCH jobs/status",
    "POST events",
  ]);
  await it.bed.clock.advance(3600);
  assert.equal(it.bed.transport.writes.length, 4);
});

test("keeps as many pods running as it may, until as many have succeeded as it must", async (context) => {
  const it = await JobBed.start(context, { completions: 3, parallelism: 2 });
  assert.equal((await it.active()).length, 2);
  await it.end();
  assert.equal((await it.active()).length, 2);
  await it.end();
  assert.equal((await it.active()).length, 1);
  await it.end();
  assert.equal((await it.status()).succeeded, 3);
  assert.ok((await it.status()).completionTime !== undefined);
});

test("tries again after longer and longer waits, and gives up at its limit", async (context) => {
  const it = await JobBed.start(context, { backoffLimit: 2 });
  for (const wait of [10, 20]) {
    await it.end(3);
    await it.bed.clock.advance(wait - 1);
    assert.equal((await it.active()).length, 0);
    await it.bed.clock.advance(1);
    assert.equal((await it.active()).length, 1);
  }
  await it.end(3);
  const text = "Job has reached the specified backoff limit";
  assert.deepEqual(await it.conditions(), [
    `FailureTarget True BackoffLimitExceeded: ${text}`,
    `Failed True BackoffLimitExceeded: ${text}`,
  ]);
  assert.equal((await it.status()).failed, 3);
  assert.equal((await it.events()).at(-1), `Warning BackoffLimitExceeded ${text}`);
});

test("counts the restarts of containers where pods restart theirs", async (context) => {
  const it = await JobBed.start(context, { backoffLimit: 1 }, "OnFailure");
  const [pod] = await it.active();
  const containerStatuses = [{ name: "c", image: "task:1", imageID: "", ready: false, restartCount: 1 }];
  const status = { phase: "Running", containerStatuses };
  await it.bed.patch(resources.pods, pod?.metadata.name ?? "", { status }, "status");
  await it.bed.clock.advance(1);
  assert.match((await it.conditions()).join(), /Failed True BackoffLimitExceeded/);
  assert.deepEqual(await it.bed.pods(), []);
});

test("ends at its deadline, and takes its pods with it", async (context) => {
  const it = await JobBed.start(context, { activeDeadlineSeconds: 30 });
  await it.bed.clock.advance(29);
  assert.equal((await it.active()).length, 1);
  await it.bed.clock.advance(2);
  assert.match(
    (await it.conditions()).join(),
    /Failed True DeadlineExceeded: Job was active longer than specified deadline/,
  );
  assert.deepEqual(await it.bed.pods(), []);
  assert.deepEqual((await it.events()).slice(1), [
    "Normal SuccessfulDelete Deleted pod: task-?",
    "Warning DeadlineExceeded Job was active longer than specified deadline",
  ]);
});

test("gives each completion of an indexed Job its number", async (context) => {
  const it = await JobBed.start(context, { completions: 3, parallelism: 2, completionMode: "Indexed" });
  const [pod] = await it.active();
  assert.match(pod?.metadata.name ?? "", /^task-0-/);
  assert.equal(pod?.metadata.annotations?.["batch.kubernetes.io/job-completion-index"], "0");
  assert.equal(pod?.metadata.labels?.["batch.kubernetes.io/job-completion-index"], "0");
  assert.equal((pod?.spec as { hostname?: string } | undefined)?.hostname, "task-0");
  assert.equal(pod?.spec.containers[0]?.env?.[0]?.name, "JOB_COMPLETION_INDEX");
  await it.end(0, 1);
  assert.equal((await it.status()).completedIndexes, "1");
  await it.end(1, 0);
  await it.bed.clock.advance(30);
  await it.end(0, 2);
  await it.bed.clock.advance(30);
  await it.end(0, 0);
  assert.equal((await it.status()).completedIndexes, "0-2");
  assert.equal((await it.status()).failed, 1);
  assert.match((await it.conditions()).join(), /Complete True/);
});

test("gives up an index that has failed too often, and the Job when nothing else is left", async (context) => {
  const spec = { completions: 2, parallelism: 2, completionMode: "Indexed", backoffLimitPerIndex: 1 };
  const it = await JobBed.start(context, spec);
  await it.end(0, 0);
  await it.end(1, 1);
  await it.bed.clock.advance(30);
  const [again] = await it.active();
  assert.equal(again?.metadata.annotations?.["batch.kubernetes.io/job-index-failure-count"], "1");
  await it.end(1, 1);
  assert.match((await it.conditions()).join(), /Failed True FailedIndexes: Job has failed indexes/);
  assert.equal((await it.status()).failedIndexes, "1");
});

test("obeys its policy about failures", async (context) => {
  const rules = [
    { action: "Ignore", onExitCodes: { operator: "In", values: [7] } },
    { action: "FailJob", onExitCodes: { operator: "In", values: [42] } },
  ] as const;
  const it = await JobBed.start(context, { backoffLimit: 0, podFailurePolicy: { rules } });
  await it.end(7);
  assert.equal((await it.status()).failed, undefined);
  await it.bed.clock.advance(30);
  const [pod] = await it.active();
  await it.end(42);
  const text = `Container c for pod default/${pod?.metadata.name} failed with exit code 42 matching FailJob rule at index 1`;
  assert.deepEqual(await it.conditions(), [
    `FailureTarget True PodFailurePolicy: ${text}`,
    `Failed True PodFailurePolicy: ${text}`,
  ]);
});

test("succeeds early by its policy about success", async (context) => {
  const successPolicy = { rules: [{ succeededIndexes: "0-1", succeededCount: 1 }] };
  const it = await JobBed.start(context, {
    completions: 3,
    parallelism: 3,
    completionMode: "Indexed",
    successPolicy,
  });
  await it.end(0, 1);
  await it.bed.clock.advance(1);
  assert.match((await it.conditions()).join(), /Complete True SuccessPolicy: Matched rules at index 0/);
  assert.deepEqual(await it.active(), []);
});

test("stops and goes on as it is told", async (context) => {
  const it = await JobBed.start(context, { suspend: true });
  assert.deepEqual(await it.conditions(), ["Suspended True JobSuspended: Job suspended"]);
  assert.equal((await it.status()).startTime, undefined);
  await it.bed.patch(resources.jobs, "task", { spec: { suspend: false } });
  assert.deepEqual(await it.conditions(), ["Suspended False JobResumed: Job resumed"]);
  assert.equal((await it.active()).length, 1);
  await it.bed.patch(resources.jobs, "task", { spec: { suspend: true } });
  assert.deepEqual(await it.bed.pods(), []);
  await it.bed.patch(resources.jobs, "task", { spec: { suspend: false } });
  await it.end();
  assert.match((await it.conditions()).join(), /Complete True/);
});

test("deletes itself with its pods some time after it has ended", async (context) => {
  const it = await JobBed.start(context, { ttlSecondsAfterFinished: 60 });
  await it.end();
  await it.bed.clock.advance(59);
  assert.equal((await it.bed.list(resources.jobs)).length, 1);
  await it.bed.clock.advance(1);
  assert.deepEqual([await it.bed.list(resources.jobs), await it.bed.pods()], [[], []]);
});

test("lets its pods go when it is deleted", async (context) => {
  const it = await JobBed.start(context, { parallelism: 2, completions: 2 });
  await it.bed.delete(resources.jobs, "task", "Background");
  await it.bed.clock.advance(1);
  assert.deepEqual(await it.bed.pods(), []);
});

test("counts no pod twice when it is interrupted between writing it down and letting it go", async (context) => {
  const it = await JobBed.start(context, { completions: 2 });
  let refusals = 3;
  it.bed.transport.refuse = ({ method, path }) =>
    method === "PATCH" && path.includes("/pods/") && refusals-- > 0
      ? { code: 500, body: { kind: "Status", code: 500, message: "later" } }
      : undefined;
  await it.end();
  const { uncountedTerminatedPods, succeeded } = await it.status();
  assert.equal(uncountedTerminatedPods?.succeeded?.length, 1);
  assert.equal(succeeded, undefined);
  await it.bed.clock.advance(60);
  assert.equal((await it.status()).succeeded, 1);
  it.bed.transport.holdEvents("pods");
  await it.end();
  it.bed.transport.releaseEvents();
  await it.bed.clock.advance(60);
  assert.equal((await it.status()).succeeded, 2);
});
