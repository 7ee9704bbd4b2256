import type { KubernetesObject, Pod } from "../../../api/core.ts";
import { controllerOf, keyOf, namespaceAndName } from "../../../api/metadata.ts";
import { resources } from "../../../api/resources.ts";
import { unlessGone } from "../../../kubernetes/errors.ts";
import type { Queue } from "../../../kubernetes/queue.ts";
import { type Cancel, earliest, type Instant, later } from "../../../time/clock.ts";
import { workQueue } from "../../work-queue.ts";
import { ControlLoop } from "../control-loop.ts";
import { ownerReferenceTo } from "../ownership.ts";
import { inDeletionOrder } from "../pod-control/deletion-order.ts";
import { PodControl } from "../pod-control/pod-control.ts";
import type { PodFailure } from "../pod-control/refusals.ts";
import { isActive } from "../pods.ts";
import type { WorkloadController, WorkloadOptions } from "../workload-controller.ts";
import { conditionOf, endedAt, isIndexed, isManagedElsewhere, type Job, trackingFinalizer } from "./job.ts";
import { jobPod, type PodPlan } from "./job-pod.ts";
import { jobStatus, wasSuspended } from "./job-status.ts";
import { type Missing, missingPods } from "./missing-pods.ts";
import { tallyOf } from "./tally.ts";
import { deadlineOf, verdictOf } from "./verdict.ts";

/**
 * Runs each Job's pods to their end and counts how they ended. A pod is held by a finalizer until its end is written down in the
 * status, so that none is lost and none counts twice, whoever deletes it and whenever this stops.
 */
export class JobController implements WorkloadController {
  readonly #options: WorkloadOptions;
  readonly #loop: ControlLoop<Job>;
  readonly #pods: PodControl<Job>;
  /** Pods of Jobs that are gone, which nobody else would let go. */
  readonly #abandoned: Queue;
  /** Uids of pods that were let go and that the cache still shows held. */
  readonly #released = new Set<string>();
  #unsubscribe: Cancel = () => {};

  constructor(options: WorkloadOptions) {
    this.#options = options;
    this.#loop = new ControlLoop(options, {
      resource: resources.jobs,
      cache: options.caches.jobs,
      component: "job-controller",
      guardsStatus: true,
      sync: (job) => this.#sync(job),
    });
    this.#pods = new PodControl({ workloads: options, loop: this.#loop, finalizer: trackingFinalizer });
    this.#abandoned = workQueue({
      clock: options.clock,
      work: (key) => this.#letGo(key),
      onProblem: (problem) => options.onProblem(`Pod ${problem}`),
    });
  }

  start(): void {
    const { pods, jobs } = this.#options.caches;
    this.#loop.start();
    this.#pods.start();
    const unsubscribePods = pods.subscribe(({ type, object }) => {
      if (type === "deleted" || !isHeld(object)) this.#released.delete(object.metadata.uid ?? "");
      else this.#addIfAbandoned(object);
    });
    const unsubscribeJobs = jobs.subscribe(({ type, object }) => {
      if (type === "deleted") for (const pod of this.#pods.of(object)) this.#addIfAbandoned(pod);
    });
    this.#unsubscribe = () => {
      unsubscribePods();
      unsubscribeJobs();
    };
    for (const pod of pods.list()) this.#addIfAbandoned(pod);
  }

  async stop(): Promise<void> {
    this.#unsubscribe();
    this.#pods.stop();
    await this.#abandoned.stop();
    await this.#loop.stop();
  }

  #addIfAbandoned(pod: Pod): void {
    if (isHeld(pod) && this.#isAbandoned(pod)) this.#abandoned.add(keyOf(pod));
  }

  #isAbandoned(pod: Pod): boolean {
    const owner = controllerOf(pod);
    if (owner === undefined) return false;
    const job = this.#loop.cache.get(pod.metadata.namespace ?? "", owner.name);
    return job?.metadata.uid !== owner.uid || job.metadata.deletionTimestamp !== undefined;
  }

  async #letGo(key: string): Promise<undefined> {
    const pod = this.#options.caches.pods.get(...namespaceAndName(key));
    if (pod !== undefined && isHeld(pod) && this.#isAbandoned(pod)) await this.#release(pod);
  }

  async #sync(job: Job): Promise<Instant | undefined> {
    if (isManagedElsewhere(job) || job.metadata.deletionTimestamp !== undefined) return undefined;
    const end = endedAt(job);
    if (end !== undefined) return await this.#afterEnd(job, end);
    await this.#pods.claim(job);
    const { clock } = this.#loop;
    const pods = this.#pods.of(job);
    const tally = tallyOf(job, pods, ({ metadata }) => this.#released.has(metadata.uid ?? ""));
    const verdict = verdictOf(job, tally, clock.now());
    const isToStop = verdict !== undefined || job.spec.suspend === true;
    const missing = isToStop ? undefined : missingPods(job, pods, tally, clock.now());
    const surplus = isToStop ? tally.active : surplusOf(job, tally.active, missing);
    const { retryAt } = await this.#pods.attempt(job, () => this.#fit(job, surplus, missing?.plans ?? []));
    const after = this.#pods.of(job);
    const written = { job, tally, verdict, now: clock.now() };
    const counts = () => ({
      active: after.filter((pod) => isActive(pod) && !surplus.includes(pod)).length,
      terminating: after.filter(isTerminating).length + surplus.filter((pod) => !isTerminating(pod)).length,
    });
    let current = job;
    if (tally.release.length > 0) {
      const first = jobStatus({ ...written, ...counts(), isSettled: false });
      current = (await this.#loop.writeStatus(job, first)) ?? job;
      for (const pod of tally.release) await this.#release(pod);
    }
    const status = jobStatus({ ...written, ...counts(), isSettled: true });
    const settled = await this.#loop.writeStatus(current, status);
    this.#tell(job, settled ?? current);
    return earliest(retryAt, missing?.retryAt, deadlineOf({ ...job, status }));
  }

  /** Gives up pods first: what is too much must not keep what is missing out. */
  async #fit(
    job: Job,
    surplus: readonly Pod[],
    missing: readonly PodPlan[],
  ): Promise<PodFailure | undefined> {
    for (const pod of surplus) {
      const failure = await this.#pods.delete(job, pod);
      if (failure !== undefined) return failure;
    }
    for (const plan of missing) {
      const pod = jobPod(job, ownerReferenceTo(resources.jobs, job), plan);
      const failure = await this.#pods.create(job, pod);
      if (failure !== undefined) return failure;
    }
    return undefined;
  }

  async #release({ metadata }: Pod): Promise<void> {
    const { namespace, name, uid = "", resourceVersion, finalizers = [] } = metadata;
    const others = finalizers.filter((finalizer) => finalizer !== trackingFinalizer);
    const body = { metadata: { uid, resourceVersion, finalizers: others } };
    this.#released.add(uid);
    try {
      await this.#options.client.patch(resources.pods, namespace, name, { type: "merge", body });
    } catch (error) {
      this.#released.delete(uid);
      unlessGone(error);
    }
  }

  #tell(before: Job, after: Job): void {
    const isSuspended = ({ status }: Job) => conditionOf(status, "Suspended") !== undefined;
    if (!isSuspended(before) && isSuspended(after))
      this.#loop.tell(before, "Normal", "Suspended", "Job suspended");
    if (wasSuspended(before)) this.#loop.tell(before, "Normal", "Resumed", "Job resumed");
    const failed = conditionOf(after.status, "Failed");
    if (failed !== undefined) this.#loop.tell(before, "Warning", failed.reason ?? "", failed.message ?? "");
    if (conditionOf(after.status, "Complete") !== undefined)
      this.#loop.tell(before, "Normal", "Completed", "Job completed");
  }

  /** Deletes a Job that is not to be kept, when its time has come. */
  async #afterEnd(job: Job, end: Instant): Promise<Instant | undefined> {
    for (const pod of this.#pods.of(job)) if (isHeld(pod)) await this.#release(pod);
    const { ttlSecondsAfterFinished: ttl } = job.spec;
    if (ttl === undefined) return undefined;
    const at = later(end, ttl);
    if (this.#loop.clock.now() < at) return at;
    const { namespace, name, uid } = job.metadata;
    await this.#options.client
      .delete(resources.jobs, namespace, name, { uid, propagationPolicy: "Foreground" })
      .catch(unlessGone);
    return undefined;
  }
}

function isHeld({ metadata }: KubernetesObject): boolean {
  return metadata.finalizers?.includes(trackingFinalizer) === true;
}

function isTerminating(pod: Pod): boolean {
  return (
    pod.metadata.deletionTimestamp !== undefined &&
    pod.status?.phase !== "Succeeded" &&
    pod.status?.phase !== "Failed"
  );
}

/** Active pods beyond what the Job may have, and those of an indexed Job whose index has another or is done. */
function surplusOf(job: Job, active: readonly Pod[], missing: Missing | undefined): readonly Pod[] {
  if (missing === undefined) return [];
  const useless = isIndexed(job) ? active.filter((pod) => !missing.isUseful(pod)) : [];
  const useful = inDeletionOrder(active.filter((pod) => !useless.includes(pod)));
  return [...useless, ...useful.slice(0, Math.max(0, useful.length - missing.wanted))];
}
