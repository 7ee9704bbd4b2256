import { isDeepStrictEqual } from "node:util";
import type { Pod, ReplicaSet } from "../../../api/core.ts";
import { selects } from "../../../api/label-selector.ts";
import { controllerOf, keyOf, namespaceAndName } from "../../../api/metadata.ts";
import { resources } from "../../../api/resources.ts";
import { ApiError, unlessGone } from "../../../kubernetes/errors.ts";
import { EventRecorder, eventWriter } from "../../../kubernetes/event-recorder.ts";
import type { Queue } from "../../../kubernetes/queue.ts";
import type { Change } from "../../../kubernetes/watch-cache.ts";
import { type Cancel, earliest, type Instant } from "../../../time/clock.ts";
import { workQueue } from "../../work-queue.ts";
import { type Caches, podsByController, podsWithoutController } from "../caches.ts";
import { Expectations } from "../expectations.ts";
import { isActive } from "../pods.ts";
import type { WorkloadController, WorkloadOptions } from "../workload-controller.ts";
import { inDeletionOrder } from "./deletion-order.ts";
import { podOf } from "./pod-of.ts";
import { Refusals, withoutMadeUpName } from "./refusals.ts";
import {
  type ReplicaFailure,
  type ReplicaSetStatus,
  replicaSetStatus,
  statusPatch,
} from "./replica-set-status.ts";

/** Keeps as many pods as each ReplicaSet asks for. */
export class ReplicaSetController implements WorkloadController {
  readonly #options: WorkloadOptions;
  readonly #caches: Caches;
  readonly #events: EventRecorder;
  readonly #expectations: Expectations;
  readonly #refusals: Refusals;
  /** The status that was last found right for each ReplicaSet, by uid. */
  readonly #written = new Map<string, ReplicaSetStatus>();
  readonly #queue: Queue;
  #subscriptions: readonly Cancel[] = [];

  constructor(options: WorkloadOptions) {
    this.#options = options;
    this.#caches = options.caches;
    this.#events = new EventRecorder({
      ...options,
      writer: eventWriter(options.client),
      source: { component: "replicaset-controller" },
    });
    this.#expectations = new Expectations(options.clock);
    this.#refusals = new Refusals(options.clock);
    this.#queue = workQueue({
      clock: options.clock,
      work: (key) => this.#sync(key),
      onProblem: (problem) => options.onProblem(`ReplicaSet ${problem}`),
    });
  }

  start(): void {
    this.#subscriptions = [
      this.#caches.replicaSets.subscribe(({ type, object, previous }) => {
        if (type === "deleted") {
          this.#expectations.forget(object.metadata.uid ?? "");
          this.#refusals.forget(object.metadata.uid ?? "");
          this.#written.delete(object.metadata.uid ?? "");
        }
        if (previous === undefined || !this.#isOwnWrite(object, previous)) this.#queue.add(keyOf(object));
      }),
      this.#caches.pods.subscribe((change) => this.#podChanged(change)),
    ];
    for (const replicaSet of this.#caches.replicaSets.list()) this.#queue.add(keyOf(replicaSet));
  }

  async stop(): Promise<void> {
    for (const cancel of this.#subscriptions) cancel();
    await this.#queue.stop();
    await this.#events.stop();
  }

  /** Whether this controller's own status is all that has changed. */
  #isOwnWrite({ metadata, spec, status }: ReplicaSet, previous: ReplicaSet): boolean {
    const written = this.#written.get(metadata.uid ?? "");
    if (written === undefined || statusPatch(status, written) !== undefined) return false;
    const { resourceVersion: _now, ...now } = metadata;
    const { resourceVersion: _before, ...before } = previous.metadata;
    return isDeepStrictEqual([now, spec], [before, previous.spec]);
  }

  #podChanged({ type, object: pod, previous }: Change<Pod>): void {
    for (const version of previous === undefined ? [pod] : [previous, pod]) {
      const owner = controllerOf(version);
      if (owner?.kind === "ReplicaSet") this.#queue.add(`${version.metadata.namespace}/${owner.name}`);
    }
    const owner = controllerOf(pod);
    if (owner !== undefined) {
      if (type === "added") this.#expectations.creationEnded(owner.uid);
      if (type === "deleted" || pod.metadata.deletionTimestamp !== undefined)
        this.#expectations.deletionEnded(owner.uid, pod.metadata.uid ?? "");
    } else if (type !== "deleted") {
      for (const replicaSet of this.#caches.replicaSets.list(pod.metadata.namespace))
        if (selects(replicaSet.spec.selector, pod.metadata.labels)) this.#queue.add(keyOf(replicaSet));
    }
  }

  async #sync(key: string): Promise<Instant | undefined> {
    const replicaSet = this.#caches.replicaSets.get(...namespaceAndName(key));
    if (replicaSet === undefined) return undefined;
    const { uid = "", deletionTimestamp } = replicaSet.metadata;
    if (deletionTimestamp === undefined) await this.#claimPods(replicaSet);
    const pods = this.#activePods(uid);
    const behindUntil = this.#expectations.waitUntil(uid);
    const refused = this.#refusals.of(replicaSet);
    let failure = refused?.failure;
    let retryAt = refused?.until;
    if (deletionTimestamp === undefined && behindUntil === undefined && refused === undefined) {
      failure = await this.#fitNumber(replicaSet, pods);
      retryAt = this.#refusedUntil(replicaSet, failure);
    }
    const recheckAt = await this.#writeStatus(replicaSet, this.#activePods(uid), failure);
    return earliest(behindUntil, retryAt, recheckAt);
  }

  #refusedUntil(replicaSet: ReplicaSet, failure: ReplicaFailure | undefined): Instant | undefined {
    if (failure === undefined) {
      this.#refusals.forget(replicaSet.metadata.uid ?? "");
      return undefined;
    }
    const { until, isNew } = this.#refusals.add(replicaSet, failure);
    if (isNew) this.#options.onProblem(`ReplicaSet ${keyOf(replicaSet)}: ${failure.message}`);
    return until;
  }

  /** Gives up pods that the selector no longer takes and takes those that it does and that nobody has. */
  async #claimPods(replicaSet: ReplicaSet): Promise<void> {
    const { pods } = this.#caches;
    const { uid = "", namespace = "" } = replicaSet.metadata;
    const taken = (pod: Pod) => selects(replicaSet.spec.selector, pod.metadata.labels);
    for (const pod of pods.by(podsByController, uid)) {
      if (isActive(pod) && !taken(pod))
        await this.#setOwners(pod, pod.metadata.ownerReferences?.filter((owner) => owner.uid !== uid) ?? []);
    }
    const orphans = pods.by(podsWithoutController, namespace).filter((pod) => isActive(pod) && taken(pod));
    if (orphans.length === 0 || !(await this.#isStillThere(replicaSet))) return;
    for (const pod of orphans)
      await this.#setOwners(pod, [...(pod.metadata.ownerReferences ?? []), ownerReferenceTo(replicaSet)]);
  }

  // The cache may show a ReplicaSet that is already being deleted; a pod adopted now would be deleted with it.
  async #isStillThere(replicaSet: ReplicaSet): Promise<boolean> {
    const { namespace, name, uid } = replicaSet.metadata;
    const current = await this.#options.client
      .get<ReplicaSet>(resources.replicaSets, namespace, name)
      .catch(unlessGone);
    return current?.metadata.uid === uid && current?.metadata.deletionTimestamp === undefined;
  }

  async #setOwners(pod: Pod, ownerReferences: readonly object[]): Promise<void> {
    const { namespace, name, uid, resourceVersion } = pod.metadata;
    const body = { metadata: { uid, resourceVersion, ownerReferences } };
    await this.#options.client
      .patch(resources.pods, namespace, name, { type: "merge", body })
      .catch(unlessGone);
  }

  #activePods(uid: string): readonly Pod[] {
    return this.#caches.pods.by(podsByController, uid).filter(isActive);
  }

  async #fitNumber(replicaSet: ReplicaSet, pods: readonly Pod[]): Promise<ReplicaFailure | undefined> {
    const surplus = pods.length - (replicaSet.spec.replicas ?? 1);
    for (const pod of inDeletionOrder(pods).slice(0, Math.max(0, surplus))) {
      const failure = await this.#deletePod(replicaSet, pod);
      if (failure !== undefined) return failure;
    }
    for (let missing = -surplus; missing > 0; missing--) {
      const failure = await this.#createPod(replicaSet);
      if (failure !== undefined) return failure;
    }
    return undefined;
  }

  async #createPod(replicaSet: ReplicaSet): Promise<ReplicaFailure | undefined> {
    const { uid = "", namespace } = replicaSet.metadata;
    this.#expectations.expectCreation(uid);
    let pod: Pod;
    try {
      const wanted = podOf(replicaSet, ownerReferenceTo(replicaSet));
      pod = await this.#options.client.create<Pod>(resources.pods, namespace, wanted);
    } catch (error) {
      this.#expectations.creationEnded(uid);
      if (!(error instanceof ApiError)) throw error;
      const message = withoutMadeUpName(error.message, replicaSet);
      this.#tell(replicaSet, "Warning", "FailedCreate", `Error creating: ${message}`);
      return { reason: "FailedCreate", message };
    }
    this.#tell(replicaSet, "Normal", "SuccessfulCreate", `Created pod: ${pod.metadata.name}`);
    return undefined;
  }

  async #deletePod(replicaSet: ReplicaSet, pod: Pod): Promise<ReplicaFailure | undefined> {
    const { uid = "", namespace } = replicaSet.metadata;
    const { name, uid: podUid = "" } = pod.metadata;
    this.#expectations.expectDeletion(uid, podUid);
    try {
      await this.#options.client.delete(resources.pods, namespace, name, { uid: podUid });
    } catch (error) {
      this.#expectations.deletionEnded(uid, podUid);
      if (!(error instanceof ApiError)) throw error;
      if (error.kind === "notFound" || error.kind === "conflict") return undefined;
      this.#tell(replicaSet, "Warning", "FailedDelete", `Error deleting: ${error.message}`);
      return { reason: "FailedDelete", message: error.message };
    }
    this.#tell(replicaSet, "Normal", "SuccessfulDelete", `Deleted pod: ${name}`);
    return undefined;
  }

  #tell(replicaSet: ReplicaSet, type: "Normal" | "Warning", reason: string, message: string): void {
    this.#events.record(replicaSet, { type, reason, message });
  }

  async #writeStatus(
    replicaSet: ReplicaSet,
    pods: readonly Pod[],
    failure: ReplicaFailure | undefined,
  ): Promise<Instant | undefined> {
    const { status, changesAt } = replicaSetStatus(replicaSet, pods, failure, this.#options.clock.now());
    // Known before it is written, because the watch may tell of the write before its answer comes.
    this.#written.set(replicaSet.metadata.uid ?? "", status);
    const patch = statusPatch(replicaSet.status, status);
    if (patch !== undefined) {
      const { namespace, name, uid } = replicaSet.metadata;
      const body = { metadata: { uid }, status: patch };
      await this.#options.client
        .patch(resources.replicaSets, namespace, name, { type: "merge", body, subresource: "status" })
        .catch(unlessGone);
    }
    return changesAt;
  }
}

function ownerReferenceTo(replicaSet: ReplicaSet) {
  return {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    name: replicaSet.metadata.name,
    uid: replicaSet.metadata.uid ?? "",
    controller: true,
    blockOwnerDeletion: true,
  };
}
