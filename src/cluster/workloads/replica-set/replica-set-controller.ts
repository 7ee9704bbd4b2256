import type { ReplicaSet } from "../../../api/core.ts";
import { resources } from "../../../api/resources.ts";
import { earliest, type Instant } from "../../../time/clock.ts";
import { ControlLoop } from "../control-loop.ts";
import { ownerReferenceTo } from "../ownership.ts";
import { inDeletionOrder } from "../pod-control/deletion-order.ts";
import { PodControl } from "../pod-control/pod-control.ts";
import { podOf } from "../pod-control/pod-of.ts";
import type { PodFailure } from "../pod-control/refusals.ts";
import { isActive } from "../pods.ts";
import type { WorkloadController, WorkloadOptions } from "../workload-controller.ts";
import { replicaSetStatus } from "./replica-set-status.ts";

/** Keeps as many pods as each ReplicaSet asks for. */
export class ReplicaSetController implements WorkloadController {
  readonly #loop: ControlLoop<ReplicaSet>;
  readonly #pods: PodControl<ReplicaSet>;

  constructor(options: WorkloadOptions) {
    this.#loop = new ControlLoop(options, {
      resource: resources.replicaSets,
      cache: options.caches.replicaSets,
      component: "replicaset-controller",
      sync: (replicaSet) => this.#sync(replicaSet),
    });
    this.#pods = new PodControl({ workloads: options, loop: this.#loop, claims: isActive });
  }

  start(): void {
    this.#loop.start();
    this.#pods.start();
  }

  async stop(): Promise<void> {
    this.#pods.stop();
    await this.#loop.stop();
  }

  async #sync(replicaSet: ReplicaSet): Promise<Instant | undefined> {
    const isGoing = replicaSet.metadata.deletionTimestamp !== undefined;
    if (!isGoing) await this.#pods.claim(replicaSet);
    const { failure, retryAt } = await this.#pods.attempt(replicaSet, async () =>
      isGoing ? undefined : await this.#fitNumber(replicaSet),
    );
    const pods = this.#pods.of(replicaSet).filter(isActive);
    const { status, changesAt } = replicaSetStatus(replicaSet, pods, failure, this.#loop.clock.now());
    await this.#loop.writeStatus(replicaSet, status);
    return earliest(retryAt, changesAt);
  }

  async #fitNumber(replicaSet: ReplicaSet): Promise<PodFailure | undefined> {
    const pods = this.#pods.of(replicaSet).filter(isActive);
    const surplus = pods.length - (replicaSet.spec.replicas ?? 1);
    for (const pod of inDeletionOrder(pods).slice(0, Math.max(0, surplus))) {
      const failure = await this.#pods.delete(replicaSet, pod);
      if (failure !== undefined) return failure;
    }
    for (let missing = -surplus; missing > 0; missing--) {
      const reference = ownerReferenceTo(resources.replicaSets, replicaSet);
      const pod = podOf(replicaSet, replicaSet.spec.template, reference);
      const failure = await this.#pods.create(replicaSet, pod);
      if (failure !== undefined) return failure;
    }
    return undefined;
  }
}
