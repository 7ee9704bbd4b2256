import type { EndpointSlice, KubernetesObject, Pod, ReplicaSet, Service } from "../api/core.ts";
import { controllerOf, keyOf } from "../api/metadata.ts";
import { instanceIdLabel, podTemplateHashLabel, serviceNameLabel } from "../api/names.ts";
import { type Resource, resources } from "../api/resources.ts";
import type { AnalysisTemplate, Rollout } from "../api/rollout.ts";
import { keyOfRoute, routesOf } from "../api/strategy.ts";
import type { KubernetesClient } from "../kubernetes/client.ts";
import { WatchCache, type WatchCacheOptions } from "../kubernetes/watch-cache.ts";
import type { IdentifiedReplicaSet } from "../rollout/identified-replica-set.ts";
import type { UnknownKind } from "../rollout/snapshot.ts";
import { type Cancel, type Clock, later } from "../time/clock.ts";
import type { Objects } from "../traffic/objects.ts";
import { routerOf, routers } from "../traffic/routers.ts";
import { asksForAnalysis, templateKinds, trimTemplate } from "./analysis-templates.ts";
import { ownerlessKeys, selectorKeys } from "./orphan-index.ts";
import { trimEndpointSlice, trimPod, trimReplicaSet, trimRollout, trimService } from "./trim.ts";

export interface CachesOptions {
  readonly client: KubernetesClient;
  readonly clock: Clock;
  /** All namespaces when absent. */
  readonly namespace: string | undefined;
  readonly instanceId: string | undefined;
  readonly onProblem: (resource: Resource, text: string, cause?: Error) => void;
  /** Called when a kind has become known or unknown. */
  readonly onKnowledge: () => void;
}

/** How long a kind that cannot be read is waited for before those who do not need it are served. */
const patienceSeconds = 30;

/** Without these nothing can be decided about any Rollout. */
export const needed: readonly Resource[] = [resources.replicaSets, resources.services];

/** The kinds that decisions about this Rollout depend on, besides itself. */
function kindsFor(rollout: Rollout): readonly Resource[] {
  const templates = asksForAnalysis(rollout) ? templateKinds : [];
  return [...new Set([...needed, ...routedKinds(rollout), ...templates])];
}

/** The kinds that say who gets requests. */
function routedKinds(rollout: Rollout): readonly Resource[] {
  return routesOf(rollout).flatMap((route) => routerOf(route).reads);
}

interface Kind {
  readonly cache: Pick<
    WatchCache<KubernetesObject>,
    "start" | "stop" | "unknownBecause" | "isMissing" | "get"
  >;
  isStarted: boolean;
  /** It has been read, or refused, or was not had in time. */
  isSettled: boolean;
  readonly settled: PromiseWithResolvers<void>;
  cancelPatience: Cancel;
}

/** Everything that the controller knows of the cluster, found by what it is asked for, never by searching. */
export class Caches {
  readonly rollouts: WatchCache<Rollout>;
  readonly replicaSets: WatchCache<IdentifiedReplicaSet, ReplicaSet>;
  readonly services: WatchCache<Service>;
  readonly endpointSlices: WatchCache<EndpointSlice>;
  readonly pods: WatchCache<Pod>;
  /** Of a namespace, and of the cluster; nobody has to have them. */
  readonly analysisTemplates: WatchCache<AnalysisTemplate>;
  readonly clusterAnalysisTemplates: WatchCache<AnalysisTemplate>;
  /** What decisions look at besides ReplicaSets. */
  readonly objects: Objects;
  readonly #clock: Clock;
  /** By plural. Each is read from when something needs it for the first time. */
  readonly #kinds = new Map<string, Kind>();
  readonly #onKnowledge: () => void;
  #isStopped = false;

  constructor({ client, clock, namespace, instanceId, onProblem, onKnowledge }: CachesOptions) {
    const open = <T extends KubernetesObject, Wire extends KubernetesObject = T>(
      resource: Resource,
      how: Pick<WatchCacheOptions<T, Wire>, "labelSelector" | "trim" | "indexes">,
    ): WatchCache<T, Wire> => {
      const cache = new WatchCache<T, Wire>({
        client,
        clock,
        namespace,
        resource,
        ...how,
        onProblem: (text, cause) => {
          if (!(templateKinds.includes(resource) && cache.isMissing)) onProblem(resource, text, cause);
        },
        onKnowledge: () => this.#settle(resource),
      });
      const settled = Promise.withResolvers<void>();
      this.#kinds.set(resource.plural, {
        cache,
        isStarted: false,
        isSettled: false,
        settled,
        cancelPatience: () => {},
      });
      return cache;
    };
    this.#clock = clock;
    this.#onKnowledge = onKnowledge;
    this.rollouts = open<Rollout>(resources.rollouts, {
      labelSelector: instanceId === undefined ? `!${instanceIdLabel}` : `${instanceIdLabel}=${instanceId}`,
      trim: trimRollout,
      indexes: {
        uid: ({ metadata }) => (metadata.uid === undefined ? [] : [metadata.uid]),
        route: (rollout) => routesOf(rollout).map(keyOfRoute),
        selector: selectorKeys,
      },
    });
    this.replicaSets = open<IdentifiedReplicaSet, ReplicaSet>(resources.replicaSets, {
      labelSelector: podTemplateHashLabel,
      trim: trimReplicaSet,
      indexes: {
        controller: controllersOf,
        ownerless: ownerlessKeys,
      },
    });
    this.services = open<Service>(resources.services, {
      trim: trimService,
      indexes: {
        managedBy: (service) => {
          const owner = routers.service.sets.ownerOf(service);
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
    this.analysisTemplates = open<AnalysisTemplate>(resources.analysisTemplates, { trim: trimTemplate });
    this.clusterAnalysisTemplates = open<AnalysisTemplate>(resources.clusterAnalysisTemplates, {
      trim: trimTemplate,
    });
    this.objects = {
      get: <T extends KubernetesObject>({ plural }: Resource, namespace: string, name: string) =>
        this.#held(plural)?.get(namespace, name) as T | undefined,
      slicesOf: (namespace, service) => this.endpointSlices.by("service", `${namespace}/${service}`),
    };
  }

  /** What is held of an object that has this kind, namespace and name. */
  held({ kind, metadata }: KubernetesObject): KubernetesObject | undefined {
    const cache = [this.rollouts, this.replicaSets, this.services].find(
      ({ resource }) => resource.kind === kind,
    );
    return cache?.get(metadata.namespace ?? "", metadata.name);
  }

  stop(): void {
    this.#isStopped = true;
    for (const { cache, cancelPatience } of this.#kinds.values()) {
      cancelPatience();
      cache.stop();
    }
  }

  /** Fulfilled when the Rollouts are known, and what is needed to decide about them has been read as far as can be. */
  async begin(): Promise<void> {
    const { rollouts } = resources;
    for (const resource of [rollouts, ...needed]) this.#start(resource);
    await this.rollouts.whenSynced();
    // Templates concern those alone that ask for an analysis.
    const wanted = [...needed, ...new Set(this.rollouts.list().flatMap(routedKinds))];
    await Promise.all(wanted.map((resource) => this.#start(resource).settled.promise));
  }

  /** Whether everything that a decision about this Rollout depends on has been read as far as can be. Reads it from now on. */
  isReadFor(rollout: Rollout): boolean {
    return kindsFor(rollout)
      .map((resource) => this.#start(resource))
      .every(({ isSettled }) => isSettled);
  }

  /**
   * Why kinds that a decision about this Rollout depends on are not known, if any. Nothing can be said of objects of such
   * a kind, not even that there are none. A kind of templates that is not served has none.
   */
  unknownFor(rollout: Rollout): readonly UnknownKind[] {
    return kindsFor(rollout).flatMap((resource) => {
      const { isMissing, unknownBecause: because } = this.#start(resource).cache;
      const isEmpty = isMissing && templateKinds.includes(resource);
      return because === undefined || isEmpty ? [] : [{ plural: resource.plural, because }];
    });
  }

  /** The cache of a kind that is served: one that is not has no objects, whatever it had. */
  #held(plural: string): Kind["cache"] | undefined {
    const cache = this.#kinds.get(plural)?.cache;
    return cache?.isMissing === true ? undefined : cache;
  }

  #start(resource: Resource): Kind {
    const kind = this.#kind(resource);
    if (kind.isStarted || this.#isStopped) return kind;
    kind.isStarted = true;
    kind.cancelPatience = this.#clock.at(later(this.#clock.now(), patienceSeconds), () =>
      this.#settle(resource),
    );
    kind.cache.start();
    return kind;
  }

  #settle(resource: Resource): void {
    const kind = this.#kind(resource);
    kind.cancelPatience();
    kind.isSettled = true;
    kind.settled.resolve();
    this.#onKnowledge();
  }

  #kind({ plural }: Resource): Kind {
    const kind = this.#kinds.get(plural);
    if (kind === undefined) throw new Error(`no cache holds ${plural}`);
    return kind;
  }
}

export function serviceNameOf(slice: EndpointSlice): string {
  return slice.metadata.labels?.[serviceNameLabel] ?? "";
}

/** The uid of the controller that owns an object. */
export function controllersOf(object: KubernetesObject): readonly string[] {
  const owner = controllerOf(object);
  return owner === undefined ? [] : [owner.uid];
}
