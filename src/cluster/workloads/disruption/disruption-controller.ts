import type { Pod } from "../../../api/core.ts";
import { selects } from "../../../api/label-selector.ts";
import { controllerOf, keyOf } from "../../../api/metadata.ts";
import { resources } from "../../../api/resources.ts";
import type { Cancel, Instant } from "../../../time/clock.ts";
import { ControlLoop } from "../control-loop.ts";
import type { WorkloadController, WorkloadOptions } from "../workload-controller.ts";
import { budgetStatus } from "./budget-status.ts";
import type { PodDisruptionBudget } from "./pod-disruption-budget.ts";

/** Says in each PodDisruptionBudget how many of its pods may be evicted now. */
export class DisruptionController implements WorkloadController {
  readonly #options: WorkloadOptions;
  readonly #loop: ControlLoop<PodDisruptionBudget>;
  #unsubscribe: Cancel = () => {};

  constructor(options: WorkloadOptions) {
    this.#options = options;
    this.#loop = new ControlLoop(options, {
      resource: resources.podDisruptionBudgets,
      cache: options.caches.podDisruptionBudgets,
      component: "controllermanager",
      // An eviction counts down in the same status.
      guardsStatus: true,
      sync: (budget) => this.#sync(budget),
    });
  }

  start(): void {
    this.#loop.start();
    this.#unsubscribe = this.#options.caches.pods.subscribe(({ object, previous }) => {
      const versions = previous === undefined ? [object] : [previous, object];
      for (const budget of this.#loop.cache.list(object.metadata.namespace))
        if (versions.some((pod) => takes(budget, pod))) this.#loop.wake(keyOf(budget));
    });
  }

  async stop(): Promise<void> {
    this.#unsubscribe();
    await this.#loop.stop();
  }

  async #sync(budget: PodDisruptionBudget): Promise<Instant | undefined> {
    if (budget.metadata.deletionTimestamp !== undefined) return undefined;
    const pods = this.#options.caches.pods
      .list(budget.metadata.namespace)
      .filter((pod) => takes(budget, pod));
    const now = this.#loop.clock.now();
    const { status, changesAt } = budgetStatus(budget, pods, this.#expected(pods), now);
    await this.#loop.writeStatus(budget, status);
    return changesAt;
  }

  /** How many the owners of these pods want in all; a pod of nobody, or of somebody unknown, counts for itself. */
  #expected(pods: readonly Pod[]): number {
    const { replicaSets, deployments, statefulSets } = this.#options.caches;
    const wanted = new Map<string, number>();
    for (const pod of pods) {
      const namespace = pod.metadata.namespace ?? "";
      const owner = controllerOf(pod);
      const replicaSet = owner?.kind === "ReplicaSet" ? replicaSets.get(namespace, owner.name) : undefined;
      const above = replicaSet === undefined ? undefined : controllerOf(replicaSet);
      const deployment = above?.kind === "Deployment" ? deployments.get(namespace, above.name) : undefined;
      const set = owner?.kind === "StatefulSet" ? statefulSets.get(namespace, owner.name) : undefined;
      const sized = deployment ?? replicaSet ?? set;
      wanted.set(sized?.metadata.uid ?? pod.metadata.uid ?? "", sized?.spec.replicas ?? 1);
    }
    return [...wanted.values()].reduce((sum, replicas) => sum + replicas, 0);
  }
}

function takes({ spec }: PodDisruptionBudget, { metadata }: Pod): boolean {
  return spec.selector !== undefined && selects(spec.selector, metadata.labels);
}
