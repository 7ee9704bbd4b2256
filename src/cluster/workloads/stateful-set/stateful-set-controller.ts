import type { Pod } from "../../../api/core.ts";
import { resources } from "../../../api/resources.ts";
import { ApiError } from "../../../kubernetes/errors.ts";
import { earliest, type Instant } from "../../../time/clock.ts";
import { ControlLoop } from "../control-loop.ts";
import { ownerReferenceTo } from "../ownership.ts";
import { PodControl } from "../pod-control/pod-control.ts";
import type { PodFailure } from "../pod-control/refusals.ts";
import { isReady } from "../pods.ts";
import { counted } from "../status-writer.ts";
import { type Revisions, TemplateRevisions } from "../template-revisions.ts";
import type { WorkloadController, WorkloadOptions } from "../workload-controller.ts";
import { claimsOf, isBehindPartition, podWith, revisionLabel } from "./identity.ts";
import { availableLater, isAvailable, nextSteps, type Steps } from "./next-step.ts";
import { ordinalOf, type StatefulSet, type StatefulSetStatus } from "./stateful-set.ts";

/** Keeps the numbered pods of each StatefulSet, in order. Event texts are Kubernetes' own. */
export class StatefulSetController implements WorkloadController {
  readonly #options: WorkloadOptions;
  readonly #loop: ControlLoop<StatefulSet>;
  readonly #pods: PodControl<StatefulSet>;
  readonly #revisions: TemplateRevisions;

  constructor(options: WorkloadOptions) {
    this.#options = options;
    this.#loop = new ControlLoop(options, {
      resource: resources.statefulSets,
      cache: options.caches.statefulSets,
      component: "statefulset-controller",
      sync: (set) => this.#sync(set),
    });
    this.#revisions = new TemplateRevisions(
      options.client,
      resources.statefulSets,
      "controller.kubernetes.io/hash",
    );
    this.#pods = new PodControl({
      workloads: options,
      loop: this.#loop,
      claims: ({ metadata }, set) => ordinalOf(set, metadata.name) !== undefined,
      texts: {
        created: (set, pod) => `create Pod ${pod} in StatefulSet ${set.metadata.name} successful`,
        deleted: (set, pod) => `delete Pod ${pod} in StatefulSet ${set.metadata.name} successful`,
        notCreated: (set, pod, why) =>
          `create Pod ${pod} in StatefulSet ${set.metadata.name} failed error: ${why}`,
        notDeleted: (set, pod, why) =>
          `delete Pod ${pod} in StatefulSet ${set.metadata.name} failed error: ${why}`,
      },
    });
  }

  start(): void {
    this.#loop.start();
    this.#pods.start();
  }

  async stop(): Promise<void> {
    this.#pods.stop();
    await this.#loop.stop();
  }

  async #sync(set: StatefulSet): Promise<Instant | undefined> {
    if (set.metadata.deletionTimestamp !== undefined) return undefined;
    await this.#pods.claim(set);
    const now = this.#loop.clock.now();
    const revisions = await this.#revisions.of(set, set.status?.currentRevision);
    const { retryAt } = await this.#pods.attempt(set, () =>
      this.#take(set, nextSteps(set, this.#pods.of(set), revisions.update.name, now), revisions),
    );
    const pods = this.#pods.of(set);
    const status = statusOf(set, pods, revisions, now);
    await this.#loop.writeStatus(set, status);
    await this.#revisions.forgetOld(set, revisions, [
      ...pods.map(({ metadata }) => metadata.labels?.[revisionLabel] ?? ""),
      status.currentRevision ?? "",
    ]);
    return earliest(retryAt, availableLater(set, pods, now));
  }

  async #take(set: StatefulSet, steps: Steps, revisions: Revisions): Promise<PodFailure | undefined> {
    for (const pod of steps.remove) {
      const failure = await this.#pods.delete(set, pod);
      if (failure !== undefined) return failure;
    }
    for (const ordinal of steps.create) {
      await this.#claimVolumes(set, ordinal);
      const revision = isBehindPartition(set, ordinal) ? revisions.current : revisions.update;
      const reference = ownerReferenceTo(resources.statefulSets, set);
      const failure = await this.#pods.create(set, podWith(set, ordinal, revision, reference));
      if (failure !== undefined) return failure;
    }
    return undefined;
  }

  async #claimVolumes(set: StatefulSet, ordinal: number): Promise<void> {
    for (const { name, object } of claimsOf(set, ordinal)) {
      const pod = `${set.metadata.name}-${ordinal}`;
      try {
        await this.#options.client.create(resources.persistentVolumeClaims, set.metadata.namespace, object);
      } catch (error) {
        if (error instanceof ApiError && error.kind === "alreadyExists") continue;
        throw error;
      }
      const text = `create Claim ${name} Pod ${pod} in StatefulSet ${set.metadata.name} success`;
      this.#loop.tell(set, "Normal", "SuccessfulCreate", text);
    }
  }
}

function statusOf(
  set: StatefulSet,
  pods: readonly Pod[],
  { current, update }: Revisions,
  now: Instant,
): StatefulSetStatus {
  const ready = pods.filter(isReady);
  const of = (revision: string) =>
    pods.filter(
      ({ metadata }) =>
        metadata.deletionTimestamp === undefined && metadata.labels?.[revisionLabel] === revision,
    ).length;
  const updated = of(update.name);
  const wanted = set.spec.replicas ?? 1;
  const isRolling = set.spec.updateStrategy?.type !== "OnDelete";
  const isComplete = isRolling && updated === wanted && pods.length === wanted && ready.length === wanted;
  const currentRevision = isComplete ? update.name : current.name;
  const { generation } = set.metadata;
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    replicas: pods.length,
    availableReplicas: pods.filter((pod) => isAvailable(set, pod, now)).length,
    ...counted({
      readyReplicas: ready.length,
      currentReplicas: of(currentRevision),
      updatedReplicas: updated,
    }),
    currentRevision,
    updateRevision: update.name,
    collisionCount: 0,
  };
}
