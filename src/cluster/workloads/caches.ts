import type { EndpointSlice, KubernetesObject, Pod, ReplicaSet, Service } from "../../api/core.ts";
import { controllerOf, keyOf } from "../../api/metadata.ts";
import { serviceNameLabel } from "../../api/names.ts";
import { resources } from "../../api/resources.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { WatchCache } from "../../kubernetes/watch-cache.ts";
import type { Clock } from "../../time/clock.ts";

/** Index of pods by the uid of their controller. */
export const podsByController = "controller";
/** Index of pods that have no controller, by namespace. */
export const podsWithoutController = "withoutController";
/** Index of EndpointSlices by `namespace/service`. */
export const slicesByService = "service";

/** What the built-in controllers look at, watched once for all of them. */
export class Caches {
  readonly pods: WatchCache<Pod>;
  readonly replicaSets: WatchCache<ReplicaSet>;
  readonly services: WatchCache<Service>;
  readonly endpointSlices: WatchCache<EndpointSlice>;
  readonly namespaces: WatchCache<KubernetesObject>;

  constructor(client: KubernetesClient, clock: Clock, onProblem: (problem: string) => void) {
    const common = { client, clock, onProblem };
    this.pods = new WatchCache<Pod>({
      ...common,
      resource: resources.pods,
      indexes: {
        [podsByController]: (pod) => [controllerOf(pod)?.uid].filter((uid) => uid !== undefined),
        [podsWithoutController]: (pod) =>
          controllerOf(pod) === undefined ? [pod.metadata.namespace ?? ""] : [],
      },
    });
    this.replicaSets = new WatchCache<ReplicaSet>({ ...common, resource: resources.replicaSets });
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
    return [this.pods, this.replicaSets, this.services, this.endpointSlices, this.namespaces];
  }
}
