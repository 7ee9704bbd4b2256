import type { EndpointSlice, KubernetesObject, Pod, ReplicaSet, Service } from "../../api/core.ts";
import { controllerOf, keyOf } from "../../api/metadata.ts";
import { serviceNameLabel } from "../../api/names.ts";
import { resources } from "../../api/resources.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { WatchCache } from "../../kubernetes/watch-cache.ts";
import type { Clock } from "../../time/clock.ts";
import type { NodeObject } from "../node/why-not-here.ts";
import type { HorizontalPodAutoscaler } from "./autoscaler/horizontal-pod-autoscaler.ts";
import type { CronJob } from "./cron-job/cron-job.ts";
import type { DaemonSet } from "./daemon-set/daemon-set.ts";
import type { Deployment } from "./deployment/deployment.ts";
import type { PodDisruptionBudget } from "./disruption/pod-disruption-budget.ts";
import type { Endpoints } from "./endpoint-slice/endpoints.ts";
import type { Job } from "./job/job.ts";
import type { StatefulSet } from "./stateful-set/stateful-set.ts";

/** Index of pods and ReplicaSets by the uid of their controller. */
export const byController = "controller";
/** Index of those that have no controller, by namespace. */
export const withoutController = "withoutController";
/** Index of EndpointSlices by `namespace/service`. */
export const slicesByService = "service";

const ownership = {
  [byController]: (object: KubernetesObject) =>
    [controllerOf(object)?.uid].filter((uid) => uid !== undefined),
  [withoutController]: (object: KubernetesObject) =>
    controllerOf(object) === undefined ? [object.metadata.namespace ?? ""] : [],
};

/** What the built-in controllers look at, watched once for all of them. */
export class Caches {
  readonly pods: WatchCache<Pod>;
  readonly replicaSets: WatchCache<ReplicaSet>;
  readonly deployments: WatchCache<Deployment>;
  readonly statefulSets: WatchCache<StatefulSet>;
  readonly daemonSets: WatchCache<DaemonSet>;
  readonly nodes: WatchCache<NodeObject>;
  readonly jobs: WatchCache<Job>;
  readonly cronJobs: WatchCache<CronJob>;
  readonly podDisruptionBudgets: WatchCache<PodDisruptionBudget>;
  readonly horizontalPodAutoscalers: WatchCache<HorizontalPodAutoscaler>;
  readonly endpoints: WatchCache<Endpoints>;
  readonly services: WatchCache<Service>;
  readonly endpointSlices: WatchCache<EndpointSlice>;
  readonly namespaces: WatchCache<KubernetesObject>;

  constructor(client: KubernetesClient, clock: Clock, onProblem: (problem: string) => void) {
    const common = { client, clock, onProblem };
    this.pods = new WatchCache<Pod>({
      ...common,
      resource: resources.pods,
      indexes: ownership,
    });
    this.replicaSets = new WatchCache<ReplicaSet>({
      ...common,
      resource: resources.replicaSets,
      indexes: ownership,
    });
    this.deployments = new WatchCache<Deployment>({ ...common, resource: resources.deployments });
    this.statefulSets = new WatchCache<StatefulSet>({ ...common, resource: resources.statefulSets });
    this.daemonSets = new WatchCache<DaemonSet>({ ...common, resource: resources.daemonSets });
    this.nodes = new WatchCache<NodeObject>({ ...common, resource: resources.nodes });
    this.jobs = new WatchCache<Job>({ ...common, resource: resources.jobs, indexes: ownership });
    this.cronJobs = new WatchCache<CronJob>({ ...common, resource: resources.cronJobs });
    this.podDisruptionBudgets = new WatchCache<PodDisruptionBudget>({
      ...common,
      resource: resources.podDisruptionBudgets,
    });
    this.horizontalPodAutoscalers = new WatchCache<HorizontalPodAutoscaler>({
      ...common,
      resource: resources.horizontalPodAutoscalers,
    });
    this.endpoints = new WatchCache<Endpoints>({ ...common, resource: resources.endpoints });
    this.services = new WatchCache<Service>({ ...common, resource: resources.services });
    this.endpointSlices = new WatchCache<EndpointSlice>({
      ...common,
      resource: resources.endpointSlices,
      indexes: {
        [slicesByService]: (slice) => [keyOf(slice, slice.metadata.labels?.[serviceNameLabel] ?? "")],
      },
    });
    this.namespaces = new WatchCache<KubernetesObject>({ ...common, resource: resources.namespaces });
  }

  start(): void {
    for (const cache of this.#all()) cache.start();
  }

  async whenSynced(): Promise<void> {
    await Promise.all(this.#all().map((cache) => cache.whenSynced()));
  }

  stop(): void {
    for (const cache of this.#all()) cache.stop();
  }

  #all() {
    return [
      this.pods,
      this.replicaSets,
      this.deployments,
      this.statefulSets,
      this.daemonSets,
      this.nodes,
      this.jobs,
      this.cronJobs,
      this.podDisruptionBudgets,
      this.horizontalPodAutoscalers,
      this.endpoints,
      this.services,
      this.endpointSlices,
      this.namespaces,
    ];
  }
}
