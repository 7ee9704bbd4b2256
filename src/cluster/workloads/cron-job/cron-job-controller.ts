import { controllerOf, keyOf } from "../../../api/metadata.ts";
import { resources } from "../../../api/resources.ts";
import { ApiError, unlessGone } from "../../../kubernetes/errors.ts";
import { type Cancel, formatTime, type Instant, later } from "../../../time/clock.ts";
import { byController } from "../caches.ts";
import { ControlLoop } from "../control-loop.ts";
import { conditionOf, endedAt, type Job } from "../job/job.ts";
import { ownerReferenceTo } from "../ownership.ts";
import type { WorkloadController, WorkloadOptions } from "../workload-controller.ts";
import { type CronJob, type CronJobStatus, type JobReference, scheduledAnnotation } from "./cron-job.ts";
import { dueTimeOf } from "./due-time.ts";

/** Makes a Job whenever a CronJob's schedule asks for one, and clears away those that have ended. */
export class CronJobController implements WorkloadController {
  readonly #options: WorkloadOptions;
  readonly #loop: ControlLoop<CronJob>;
  #unsubscribe: Cancel = () => {};

  constructor(options: WorkloadOptions) {
    this.#options = options;
    this.#loop = new ControlLoop(options, {
      resource: resources.cronJobs,
      cache: options.caches.cronJobs,
      component: "cronjob-controller",
      guardsStatus: true,
      sync: (cronJob) => this.#sync(cronJob),
    });
  }

  start(): void {
    this.#loop.start();
    this.#unsubscribe = this.#options.caches.jobs.subscribe(({ object }) => {
      const owner = controllerOf(object);
      if (owner?.kind === "CronJob") this.#loop.wake(keyOf(object, owner.name));
    });
  }

  async stop(): Promise<void> {
    this.#unsubscribe();
    await this.#loop.stop();
  }

  async #sync(cronJob: CronJob): Promise<Instant | undefined> {
    const { deletionTimestamp, uid = "" } = cronJob.metadata;
    if (deletionTimestamp !== undefined) return undefined;
    const jobs = this.#options.caches.jobs.by(byController, uid);
    const seen = this.#seen(cronJob, jobs);
    if (cronJob.spec.suspend === true) {
      await this.#loop.writeStatus(cronJob, seen);
      await this.#clearAway(cronJob, jobs);
      return undefined;
    }
    const now = this.#loop.clock.now();
    const { due, tooMany, next } = dueTimeOf(cronJob, now);
    if (tooMany)
      this.#loop.tell(
        cronJob,
        "Warning",
        "TooManyMissedTimes",
        "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew",
      );
    const status = due === undefined ? seen : await this.#start(cronJob, seen, due);
    await this.#loop.writeStatus(cronJob, status);
    await this.#clearAway(cronJob, jobs);
    return next;
  }

  /** The status with what has become of the Jobs since; tells of those that have ended or are new to it. */
  #seen(cronJob: CronJob, jobs: readonly Job[]): CronJobStatus {
    const before = cronJob.status ?? {};
    const known = new Set((before.active ?? []).map(({ uid }) => uid));
    let lastSuccessfulTime = before.lastSuccessfulTime;
    for (const job of jobs) {
      const hasEnded = endedAt(job) !== undefined;
      if (!known.has(job.metadata.uid ?? "")) {
        if (!hasEnded && !this.#isOwnName(cronJob, job))
          this.#loop.tell(
            cronJob,
            "Warning",
            "UnexpectedJob",
            `Saw a job that the controller did not create or forgot: ${job.metadata.name}`,
          );
      } else if (hasEnded) {
        const condition = conditionOf(job.status, "Complete") === undefined ? "Failed" : "Complete";
        const message = `Saw completed job: ${job.metadata.name}, condition: ${condition}`;
        this.#loop.tell(cronJob, "Normal", "SawCompletedJob", message);
      }
      const completed = job.status?.completionTime;
      if (completed !== undefined && completed > (lastSuccessfulTime ?? "")) lastSuccessfulTime = completed;
    }
    const running = new Map(
      jobs.filter((job) => endedAt(job) === undefined).map((job) => [job.metadata.uid, job]),
    );
    const active = [
      ...(before.active ?? []).filter(({ uid }) => running.has(uid)),
      ...[...running.values()]
        .filter(({ metadata }) => !known.has(metadata.uid ?? "") && this.#isOwnName(cronJob, { metadata }))
        .map(referenceTo),
    ];
    return statusOf(active, before.lastScheduleTime, lastSuccessfulTime);
  }

  #isOwnName({ metadata }: CronJob, job: Pick<Job, "metadata">): boolean {
    const minutes = job.metadata.name.slice(metadata.name.length);
    return job.metadata.name.startsWith(metadata.name) && /^-[0-9]+$/.test(minutes);
  }

  async #start(cronJob: CronJob, status: CronJobStatus, due: Instant): Promise<CronJobStatus> {
    const { concurrencyPolicy, startingDeadlineSeconds: deadline } = cronJob.spec;
    const { active = [] } = status;
    if (deadline !== undefined && later(due, deadline) < this.#loop.clock.now()) {
      const text = `Missed scheduled time to start a job: ${formatTime(due)}`;
      this.#loop.tell(cronJob, "Warning", "MissSchedule", text);
      return status;
    }
    if (concurrencyPolicy === "Forbid" && active.length > 0) {
      const text = "Not starting job because prior execution is running and concurrency policy is Forbid";
      this.#loop.tell(cronJob, "Normal", "JobAlreadyActive", text);
      return status;
    }
    const isReplaced = concurrencyPolicy === "Replace";
    if (isReplaced) for (const reference of active) await this.#delete(cronJob, reference);
    const job = await this.#create(cronJob, due);
    const others = isReplaced ? [] : active.filter(({ uid }) => uid !== job.metadata.uid);
    return statusOf([...others, referenceTo(job)], formatTime(due), status.lastSuccessfulTime);
  }

  async #create(cronJob: CronJob, due: Instant): Promise<Job> {
    const { client } = this.#options;
    const { namespace, name: owner } = cronJob.metadata;
    const { metadata = {}, spec } = cronJob.spec.jobTemplate;
    // The same for the same time, so that a pass that is done again makes no second Job.
    const name = `${owner}-${Math.floor(due / 60_000)}`;
    const wanted = {
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: {
        name,
        namespace,
        ...(metadata.labels === undefined ? {} : { labels: metadata.labels }),
        annotations: { ...metadata.annotations, [scheduledAnnotation]: formatTime(due) },
        ownerReferences: [ownerReferenceTo(resources.cronJobs, cronJob)],
      },
      spec,
    };
    try {
      const job = await client.create<Job>(resources.jobs, namespace, wanted);
      this.#loop.tell(cronJob, "Normal", "SuccessfulCreate", `Created job ${name}`);
      return job;
    } catch (error) {
      if (error instanceof ApiError && error.kind === "alreadyExists") {
        const present = await client.get<Job>(resources.jobs, namespace, name);
        if (controllerOf(present)?.uid === cronJob.metadata.uid) return present;
      }
      const message = error instanceof Error ? error.message : String(error);
      this.#loop.tell(cronJob, "Warning", "FailedCreate", `Error creating job: ${message}`);
      throw error;
    }
  }

  async #delete(cronJob: CronJob, { namespace, name, uid }: Omit<JobReference, "apiVersion" | "kind">) {
    await this.#options.client
      .delete(resources.jobs, namespace, name, { uid, propagationPolicy: "Background" })
      .catch(unlessGone);
    this.#loop.tell(cronJob, "Normal", "SuccessfulDelete", `Deleted job ${name}`);
  }

  /** Deletes the oldest of the Jobs that have ended, beyond those that are to be kept. */
  async #clearAway(cronJob: CronJob, jobs: readonly Job[]): Promise<void> {
    const { successfulJobsHistoryLimit = 3, failedJobsHistoryLimit = 1 } = cronJob.spec;
    const ended = (type: string) =>
      jobs
        .filter(
          (job) =>
            conditionOf(job.status, type) !== undefined && job.metadata.deletionTimestamp === undefined,
        )
        .toSorted((a, b) => (a.status?.startTime ?? "").localeCompare(b.status?.startTime ?? ""));
    const surplus = [
      ...ended("Complete").toReversed().slice(successfulJobsHistoryLimit),
      ...ended("Failed").toReversed().slice(failedJobsHistoryLimit),
    ];
    for (const job of surplus) await this.#delete(cronJob, referenceTo(job));
  }
}

function referenceTo({ metadata }: Job): JobReference {
  const { namespace = "", name, uid = "", resourceVersion } = metadata;
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    namespace,
    name,
    uid,
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  };
}

function statusOf(
  active: readonly JobReference[],
  lastScheduleTime: string | undefined,
  lastSuccessfulTime: string | undefined,
): CronJobStatus {
  return {
    ...(active.length === 0 ? {} : { active }),
    ...(lastScheduleTime === undefined ? {} : { lastScheduleTime }),
    ...(lastSuccessfulTime === undefined ? {} : { lastSuccessfulTime }),
  };
}
