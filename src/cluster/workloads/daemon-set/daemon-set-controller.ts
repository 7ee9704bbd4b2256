import type { Pod } from "../../../api/core.ts";
import { keyOf } from "../../../api/metadata.ts";
import { resources } from "../../../api/resources.ts";
import { type Cancel, earliest, type Instant } from "../../../time/clock.ts";
import { suits } from "../../node/why-not-here.ts";
import { ControlLoop } from "../control-loop.ts";
import { allowedOf } from "../count-or-percent.ts";
import { ownerReferenceTo } from "../ownership.ts";
import { PodControl } from "../pod-control/pod-control.ts";
import { podOf } from "../pod-control/pod-of.ts";
import type { PodFailure } from "../pod-control/refusals.ts";
import { availableAt, isFinished, isReady } from "../pods.ts";
import { counted } from "../status-writer.ts";
import { TemplateRevisions } from "../template-revisions.ts";
import type { WorkloadController, WorkloadOptions } from "../workload-controller.ts";
import {
  type DaemonSet,
  type DaemonSetStatus,
  nodeNameOf,
  podFor,
  revisionLabel,
  templateFor,
} from "./daemon-set.ts";

/** What a DaemonSet has and wants on one node. */
interface Place {
  readonly node: string;
  /** Whether a pod is to be there, and whether one that is there may stay. */
  readonly isWanted: boolean;
  readonly mayStay: boolean;
  readonly pods: readonly Pod[];
}

/** Keeps one pod of each DaemonSet on every node that it is for. */
export class DaemonSetController implements WorkloadController {
  readonly #options: WorkloadOptions;
  readonly #loop: ControlLoop<DaemonSet>;
  readonly #pods: PodControl<DaemonSet>;
  readonly #revisions: TemplateRevisions;
  #unsubscribe: Cancel = () => {};

  constructor(options: WorkloadOptions) {
    this.#options = options;
    this.#loop = new ControlLoop(options, {
      resource: resources.daemonSets,
      cache: options.caches.daemonSets,
      component: "daemonset-controller",
      sync: (set) => this.#sync(set),
    });
    this.#revisions = new TemplateRevisions(options.client, resources.daemonSets, revisionLabel);
    this.#pods = new PodControl({ workloads: options, loop: this.#loop });
  }

  start(): void {
    this.#loop.start();
    this.#pods.start();
    this.#unsubscribe = this.#options.caches.nodes.subscribe(() => {
      for (const set of this.#loop.cache.list()) this.#loop.wake(keyOf(set));
    });
  }

  async stop(): Promise<void> {
    this.#unsubscribe();
    this.#pods.stop();
    await this.#loop.stop();
  }

  async #sync(set: DaemonSet): Promise<Instant | undefined> {
    if (set.metadata.deletionTimestamp !== undefined) return undefined;
    await this.#pods.claim(set);
    const revisions = await this.#revisions.of(set, undefined);
    const hash = revisions.update.name.slice(set.metadata.name.length + 1);
    const { retryAt } = await this.#pods.attempt(set, () => this.#fit(set, hash));
    const now = this.#loop.clock.now();
    const places = this.#places(set);
    await this.#loop.writeStatus(set, statusOf(set, places, hash, now));
    const used = this.#pods.of(set).map(({ metadata }) => metadata.labels?.[revisionLabel] ?? "");
    await this.#revisions.forgetOld(
      set,
      revisions,
      used.map((one) => `${set.metadata.name}-${one}`),
    );
    const changesAt = places
      .flatMap(({ pods }) => pods.flatMap((pod) => availableAt(pod, set.spec.minReadySeconds ?? 0) ?? []))
      .filter((at) => at > now);
    return earliest(retryAt, ...changesAt);
  }

  #places(set: DaemonSet): readonly Place[] {
    const wanted = podFor(set);
    const byNode = Map.groupBy(this.#pods.of(set), nodeNameOf);
    return this.#options.caches.nodes.list().map((node) => ({
      node: node.metadata.name,
      isWanted: suits(wanted, node, ["NoSchedule", "NoExecute"]),
      mayStay: suits(wanted, node, ["NoExecute"]),
      pods: byNode.get(node.metadata.name) ?? [],
    }));
  }

  async #fit(set: DaemonSet, hash: string): Promise<PodFailure | undefined> {
    const now = this.#loop.clock.now();
    const places = this.#places(set);
    const wanted = places.filter(({ isWanted }) => isWanted);
    const { maxUnavailable = 1, maxSurge = 0 } = set.spec.updateStrategy?.rollingUpdate ?? {};
    const isRolling = set.spec.updateStrategy?.type !== "OnDelete";
    let mayFail = allowedOf(maxUnavailable, wanted.length, "up");
    let maySurge = allowedOf(maxSurge, wanted.length, "up");
    for (const { pods } of wanted) {
      if (!pods.some((pod) => isAvailable(set, pod, now))) mayFail--;
      if (pods.length > 1) maySurge--;
    }
    for (const { node, isWanted, mayStay, pods } of places) {
      const staying = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
      const [old, current] = [false, true].map((is) =>
        staying.filter((pod) => (pod.metadata.labels?.[revisionLabel] === hash) === is),
      ) as [Pod[], Pod[]];
      const remove: Pod[] = [];
      let creates = false;
      if (!isWanted) remove.push(...(mayStay ? [] : staying));
      else if (pods.length === 0) creates = true;
      else {
        const failed = staying.filter(isFinished);
        for (const pod of failed) {
          const text = `Found failed daemon pod ${keyOf(pod)} on node ${node}, will try to kill it`;
          this.#loop.tell(set, "Warning", "FailedDaemonPod", text);
        }
        remove.push(...failed, ...current.slice(1));
        const [first] = old.filter((pod) => !isFinished(pod));
        if (isRolling && first !== undefined) {
          if (current.some((pod) => isAvailable(set, pod, now)) || !isAvailable(set, first, now))
            remove.push(first);
          else if (current.length === 0 && maySurge > 0) {
            maySurge--;
            creates = true;
          } else if (allowedOf(maxSurge, wanted.length, "up") === 0 && mayFail > 0) {
            mayFail--;
            remove.push(first);
          }
        }
      }
      for (const pod of remove) {
        const failure = await this.#pods.delete(set, pod);
        if (failure !== undefined) return failure;
      }
      if (!creates) continue;
      const reference = ownerReferenceTo(resources.daemonSets, set);
      const failure = await this.#pods.create(set, podOf(set, templateFor(set, node, hash), reference));
      if (failure !== undefined) return failure;
    }
    return undefined;
  }
}

function isAvailable({ spec }: DaemonSet, pod: Pod, now: Instant): boolean {
  const at = availableAt(pod, spec.minReadySeconds ?? 0);
  return isReady(pod) && at !== undefined && at <= now;
}

function statusOf(set: DaemonSet, places: readonly Place[], hash: string, now: Instant): DaemonSetStatus {
  const wanted = places.filter(({ isWanted }) => isWanted);
  const number = (has: (pod: Pod) => boolean) => wanted.filter(({ pods }) => pods.some(has)).length;
  const available = number((pod) => isAvailable(set, pod, now));
  const { generation } = set.metadata;
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    currentNumberScheduled: number(() => true),
    numberMisscheduled: places.filter(({ isWanted, pods }) => !isWanted && pods.length > 0).length,
    desiredNumberScheduled: wanted.length,
    numberReady: number(isReady),
    ...counted({
      updatedNumberScheduled: number(({ metadata }) => metadata.labels?.[revisionLabel] === hash),
      numberAvailable: available,
      numberUnavailable: wanted.length - available,
    }),
  };
}
