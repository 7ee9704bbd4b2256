import type { EndpointSlice, KubernetesObject, Pod, ReplicaSet, Service } from "../api/core.ts";
import { controllerOf, keyOf } from "../api/metadata.ts";
import {
  instanceIdLabel,
  managedByAnnotation,
  podTemplateHashLabel,
  serviceNameLabel,
} from "../api/names.ts";
import { type Resource, resources } from "../api/resources.ts";
import type { Rollout } from "../api/rollout.ts";
import type { KubernetesClient } from "../kubernetes/client.ts";
import { WatchCache, type WatchCacheOptions } from "../kubernetes/watch-cache.ts";
import type { IdentifiedReplicaSet } from "../rollout/identified-replica-set.ts";
import type { Clock } from "../time/clock.ts";
import type { Observed } from "../traffic/router.ts";
import { routers } from "../traffic/routers.ts";
import { TemplateCaches } from "./template-caches.ts";
import { trimEndpointSlice, trimPod, trimReplicaSet, trimRollout, trimService } from "./trim.ts";

export interface CachesOptions {
  readonly client: KubernetesClient;
  readonly clock: Clock;
  /** All namespaces when absent. */
  readonly namespace: string | undefined;
  readonly instanceId: string | undefined;
  readonly onProblem: (resource: Resource, text: string, cause?: Error) => void;
  /** Called when something has become known of the templates that analyses name. */
  readonly onTemplates: () => void;
}

/** Everything that the controller knows of the cluster, found by what it is asked for, never by searching. */
export class Caches {
  readonly rollouts: WatchCache<Rollout>;
  readonly replicaSets: WatchCache<IdentifiedReplicaSet, ReplicaSet>;
  readonly services: WatchCache<Service>;
  readonly endpointSlices: WatchCache<EndpointSlice>;
  readonly pods: WatchCache<Pod>;
  readonly observed: Observed;
  readonly templates: TemplateCaches;

  constructor({ client, clock, namespace, instanceId, onProblem, onTemplates }: CachesOptions) {
    this.templates = new TemplateCaches({ client, clock, namespace, onProblem }, onTemplates);
    const open = <T extends KubernetesObject, Wire extends KubernetesObject = T>(
      resource: Resource,
      how: Pick<WatchCacheOptions<T, Wire>, "labelSelector" | "trim" | "indexes">,
    ): WatchCache<T, Wire> =>
      new WatchCache<T, Wire>({
        client,
        clock,
        namespace,
        resource,
        ...how,
        onProblem: (text, cause) => onProblem(resource, text, cause),
      });
    this.rollouts = open<Rollout>(resources.rollouts, {
      labelSelector: instanceId === undefined ? `!${instanceIdLabel}` : `${instanceIdLabel}=${instanceId}`,
      trim: trimRollout,
      indexes: {
        uid: ({ metadata }) => (metadata.uid === undefined ? [] : [metadata.uid]),
        service: (rollout) => servicesOf(rollout).map((service) => keyOf(rollout, service)),
      },
    });
    this.replicaSets = open<IdentifiedReplicaSet, ReplicaSet>(resources.replicaSets, {
      labelSelector: podTemplateHashLabel,
      trim: trimReplicaSet,
      indexes: {
        controller: controllersOf,
        ownerless: (replicaSet) =>
          controllerOf(replicaSet) === undefined ? [replicaSet.metadata.namespace ?? ""] : [],
      },
    });
    this.services = open<Service>(resources.services, {
      trim: trimService,
      indexes: {
        managedBy: (service) => {
          const owner = service.metadata.annotations?.[managedByAnnotation];
          return owner === undefined ? [] : [keyOf(service, owner)];
        },
      },
    });
    this.endpointSlices = open<EndpointSlice>(resources.endpointSlices, {
      labelSelector: serviceNameLabel,
      trim: trimEndpointSlice,
      indexes: { service: (slice) => [keyOf(slice, serviceNameOf(slice))] },
    });
    this.pods = open<Pod>(resources.pods, { labelSelector: podTemplateHashLabel, trim: trimPod });
    this.observed = {
      service: (namespace, name) => this.services.get(namespace, name),
      endpointSlices: (namespace, service) => this.endpointSlices.by("service", `${namespace}/${service}`),
      pod: (namespace, name) => this.pods.get(namespace, name),
    };
  }

  /** What is held of an object that has this kind, namespace and name. */
  held({ kind, metadata }: KubernetesObject): KubernetesObject | undefined {
    const cache = [this.rollouts, this.replicaSets, this.services].find(
      ({ resource }) => resource.kind === kind,
    );
    return cache?.get(metadata.namespace ?? "", metadata.name);
  }

  start(): void {
    for (const cache of this.#all()) cache.start();
  }

  stop(): void {
    for (const cache of this.#all()) cache.stop();
    this.templates.stop();
  }

  async whenSynced(): Promise<void> {
    await Promise.all(this.#all().map((cache) => cache.whenSynced()));
  }

  /** What it always needs, and the kinds that some router reads. */
  #all(): readonly { start(): void; stop(): void; whenSynced(): Promise<void> }[] {
    const readable = {
      [resources.services.plural]: this.services,
      [resources.endpointSlices.plural]: this.endpointSlices,
      [resources.pods.plural]: this.pods,
    };
    const read = Object.values(routers).flatMap((router) =>
      router.reads.map((resource) => {
        const cache = readable[resource.plural];
        if (cache === undefined)
          throw new Error(`router ${router.kind} reads ${resource.plural}, which no cache holds`);
        return cache;
      }),
    );
    return [...new Set([this.rollouts, this.replicaSets, this.services, ...read])];
  }
}

export function serviceNameOf(slice: EndpointSlice): string {
  return slice.metadata.labels?.[serviceNameLabel] ?? "";
}

/** Names of the Services that the Rollout routes through. */
export function servicesOf(rollout: Rollout): readonly string[] {
  const { activeService, previewService } = rollout.spec?.strategy?.blueGreen ?? {};
  return [...new Set([activeService ?? "", previewService ?? ""])].filter((name) => name !== "");
}

/** The uid of the controller that owns an object. */
export function controllersOf(object: KubernetesObject): readonly string[] {
  const owner = controllerOf(object);
  return owner === undefined ? [] : [owner.uid];
}
