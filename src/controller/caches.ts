import type { KubernetesObject, ReplicaSet } from "../api/core.ts";
import { controllerOf, keyOf } from "../api/metadata.ts";
import { instanceIdLabel, podTemplateHashLabel } from "../api/names.ts";
import { kindKeyOf, type Resource, resources } from "../api/resources.ts";
import type { AnalysisTemplate, Rollout } from "../api/rollout.ts";
import { routesOf } from "../api/strategy.ts";
import type { KubernetesClient } from "../kubernetes/client.ts";
import { WatchCache, type WatchCacheOptions } from "../kubernetes/watch-cache.ts";
import type { IdentifiedReplicaSet } from "../rollout/identified-replica-set.ts";
import type { UnknownKind } from "../rollout/snapshot.ts";
import { type Cancel, type Clock, later } from "../time/clock.ts";
import type { Objects } from "../traffic/objects.ts";
import type { ReadKind } from "../traffic/read-kind.ts";
import { readKinds, routerOf, setKinds } from "../traffic/routers.ts";
import { asksForAnalysis, templateKinds, trimTemplate } from "./analysis-templates.ts";
import { ownerlessKeys, selectorKeys } from "./orphan-index.ts";
import { trimReplicaSet, trimRollout } from "./trim.ts";

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

/** Without these nothing can be decided about the Rollout: its versions, and what its routes are set on. */
export function neededFor(rollout: Rollout): readonly Resource[] {
  const sets = routesOf(rollout).flatMap((route) => routerOf(route).sets);
  return [resources.replicaSets, ...sets.map(({ resource }) => resource)];
}

/** The kinds that decisions about this Rollout depend on, besides itself. */
function kindsFor(rollout: Rollout): readonly Resource[] {
  const templates = asksForAnalysis(rollout) ? templateKinds : [];
  return [...new Set([...neededFor(rollout), ...routedKinds(rollout), ...templates])];
}

/** `objectKeyOf` each object that its routes name, once. */
export function namesOf(rollout: Rollout): readonly string[] {
  return [...new Set(routesOf(rollout).flatMap((route) => routerOf(route).names(route)))];
}

/** The kinds that say who gets requests. */
function routedKinds(rollout: Rollout): readonly Resource[] {
  return routesOf(rollout)
    .flatMap((route) => routerOf(route).reads)
    .map(({ resource }) => resource);
}

interface Kind {
  readonly cache: Pick<
    WatchCache<KubernetesObject>,
    "start" | "stop" | "unknownBecause" | "isMissing" | "get" | "by" | "resource"
  >;
  isStarted: boolean;
  /** It has been read, or refused, or was not had in time. */
  isSettled: boolean;
  readonly settled: PromiseWithResolvers<void>;
  cancelPatience: Cancel;
}

/** A kind that routers look at, with all objects of it. */
export interface RoutedKind extends ReadKind {
  readonly cache: WatchCache<KubernetesObject>;
  /** Routes are set on it. By `setFor` are found those set for the Rollout with this key. */
  readonly isSet: boolean;
}

/** Everything that the controller knows of the cluster, found by what it is asked for, never by searching. */
export class Caches {
  readonly rollouts: WatchCache<Rollout>;
  readonly replicaSets: WatchCache<IdentifiedReplicaSet, ReplicaSet>;
  /** The kinds that routers look at. */
  readonly routed: readonly RoutedKind[];
  /** Of a namespace, and of the cluster; nobody has to have them. */
  readonly analysisTemplates: WatchCache<AnalysisTemplate>;
  readonly clusterAnalysisTemplates: WatchCache<AnalysisTemplate>;
  /** What decisions look at besides ReplicaSets. */
  readonly objects: Objects;
  readonly #clock: Clock;
  /** By `kindKeyOf`. Each is read from when something needs it for the first time. */
  readonly #kinds = new Map<string, Kind>();
  readonly #onKnowledge: () => void;
  /** The kinds that decisions about some Rollout depend on: those that are missed where the server does not have them. */
  readonly #asked = new Set<Resource>([resources.rollouts, resources.replicaSets]);
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
          const isMissed = !templateKinds.includes(resource) && this.#asked.has(resource);
          if (isMissed || !cache.isMissing) onProblem(resource, text, cause);
        },
        onKnowledge: () => this.#settle(resource),
      });
      const settled = Promise.withResolvers<void>();
      this.#kinds.set(kindKeyOf(resource), {
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
        names: namesOf,
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
    this.routed = readKinds.map((kind) => {
      const { resource, labelSelector, keep, about = () => [] } = kind;
      const set = setKinds.get(kindKeyOf(resource));
      const setFor = (object: KubernetesObject): readonly string[] => {
        const owner = set?.ownerOf(object);
        return owner === undefined ? [] : [keyOf(object, owner)];
      };
      const selected = labelSelector === undefined ? {} : { labelSelector };
      const indexes = { about, ...(set === undefined ? {} : { setFor }) };
      return {
        ...kind,
        isSet: set !== undefined,
        cache: open(resource, { ...selected, trim: keep, indexes }),
      };
    });
    this.analysisTemplates = open<AnalysisTemplate>(resources.analysisTemplates, { trim: trimTemplate });
    this.clusterAnalysisTemplates = open<AnalysisTemplate>(resources.clusterAnalysisTemplates, {
      trim: trimTemplate,
    });
    this.objects = {
      get: <T extends KubernetesObject>(resource: Resource, namespace: string, name: string) =>
        this.#served(resource)?.get(namespace, name) as T | undefined,
      about: <T extends KubernetesObject>(resource: Resource, key: string) =>
        (this.#served(resource)?.by("about", key) ?? []) as readonly T[],
    };
  }

  /** What is held of an object of this kind. */
  held(resource: Resource, { metadata }: KubernetesObject): KubernetesObject | undefined {
    return this.#kinds.get(kindKeyOf(resource))?.cache.get(metadata.namespace ?? "", metadata.name);
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
    const { rollouts, replicaSets } = resources;
    // What routes were set on may have to be given back though no Rollout names it any more.
    const set = this.routed.filter(({ isSet }) => isSet).map(({ resource }) => resource);
    for (const resource of [rollouts, replicaSets, ...set]) this.#start(resource);
    await this.rollouts.whenSynced();
    // Templates concern those alone that ask for an analysis.
    const wanted = new Set([replicaSets, ...this.rollouts.list().flatMap(routedKinds)]);
    await Promise.all([...wanted].map((resource) => this.#startFor(resource).settled.promise));
  }

  /** Whether everything that a decision about this Rollout depends on has been read as far as can be. Reads it from now on. */
  isReadFor(rollout: Rollout): boolean {
    return kindsFor(rollout)
      .map((resource) => this.#startFor(resource))
      .every(({ isSettled }) => isSettled);
  }

  /**
   * Why kinds that a decision about this Rollout depends on are not known, if any. Nothing can be said of objects of such
   * a kind, not even that there are none. A kind of templates that is not served has none.
   */
  unknownFor(rollout: Rollout): readonly UnknownKind[] {
    return kindsFor(rollout).flatMap((resource) => {
      const { isMissing, unknownBecause: because } = this.#startFor(resource).cache;
      const isEmpty = isMissing && templateKinds.includes(resource);
      return because === undefined || isEmpty ? [] : [{ plural: resource.plural, because }];
    });
  }

  /** The cache of a kind that is served: one that is not has no objects, whatever it had. */
  #served(resource: Resource): Kind["cache"] | undefined {
    const cache = this.#kinds.get(kindKeyOf(resource))?.cache;
    return cache?.isMissing === true ? undefined : cache;
  }

  /** For the sake of some Rollout. */
  #startFor(resource: Resource): Kind {
    this.#asked.add(resource);
    return this.#start(resource);
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

  #kind(resource: Resource): Kind {
    const kind = this.#kinds.get(kindKeyOf(resource));
    if (kind === undefined) throw new Error(`no cache holds ${kindKeyOf(resource)}`);
    return kind;
  }
}

/** The uid of the controller that owns an object. */
export function controllersOf(object: KubernetesObject): readonly string[] {
  const owner = controllerOf(object);
  return owner === undefined ? [] : [owner.uid];
}
