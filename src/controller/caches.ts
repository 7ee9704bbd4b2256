import type { EndpointSlice, KubernetesObject, Pod, ReplicaSet, Service } from "../api/core.ts";
import { controllerOf, keyOf } from "../api/metadata.ts";
import {
  instanceIdLabel,
  managedByAnnotation,
  podTemplateHashLabel,
  serviceNameLabel,
} from "../api/names.ts";
import { type Resource, resources } from "../api/resources.ts";
import type { AnalysisTemplate, Rollout } from "../api/rollout.ts";
import type { KubernetesClient } from "../kubernetes/client.ts";
import { WatchCache, type WatchCacheOptions } from "../kubernetes/watch-cache.ts";
import type { IdentifiedReplicaSet } from "../rollout/identified-replica-set.ts";
import type { AnalysisTemplates } from "../rollout/plan-types.ts";
import { type Cancel, type Clock, later } from "../time/clock.ts";
import type { Observed } from "../traffic/router.ts";
import { routers } from "../traffic/routers.ts";
import { ownerlessKeys, selectorKeys } from "./orphan-index.ts";
import { analysisTemplates, asksForAnalysis, templateKinds, trimTemplate } from "./template-caches.ts";
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

/** The kinds that say what is there and who gets requests. */
const routed: readonly Resource[] = [...new Set([...needed, ...routers.service.reads])];

/** The kinds that decisions about this Rollout depend on, besides itself. */
function kindsFor(rollout: Rollout): readonly Resource[] {
  return asksForAnalysis(rollout) ? [...routed, ...templateKinds] : routed;
}

interface Kind {
  readonly cache: Pick<WatchCache<KubernetesObject>, "start" | "stop" | "unknownBecause">;
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
  readonly observed: Observed;
  readonly templates: AnalysisTemplates;
  /** Of a namespace, and of the cluster; nobody has to have them. */
  readonly analysisTemplates: WatchCache<AnalysisTemplate>;
  readonly clusterAnalysisTemplates: WatchCache<AnalysisTemplate>;
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
        service: (rollout) => servicesOf(rollout).map((service) => keyOf(rollout, service)),
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
    this.analysisTemplates = open<AnalysisTemplate>(resources.analysisTemplates, { trim: trimTemplate });
    this.clusterAnalysisTemplates = open<AnalysisTemplate>(resources.clusterAnalysisTemplates, {
      trim: trimTemplate,
    });
    this.templates = analysisTemplates(this.analysisTemplates, this.clusterAnalysisTemplates);
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
    const wanted = this.rollouts.list().length > 0 ? routed : needed;
    await Promise.all(wanted.map((resource) => this.#start(resource).settled.promise));
  }

  /** Whether everything that a decision about this Rollout depends on has been read as far as can be. Reads it from now on. */
  isReadFor(rollout: Rollout): boolean {
    return kindsFor(rollout)
      .map((resource) => this.#start(resource))
      .every(({ isSettled }) => isSettled);
  }

  /**
   * Why kinds that a decision about any Rollout depends on are not known, by plural. Nothing can be said of objects of such
   * a kind, not even that there are none. What is known of templates is for `templates` to say.
   */
  unknown(): ReadonlyMap<string, string> {
    const reasons = routed.map(
      (resource) => [resource.plural, this.#start(resource).cache.unknownBecause] as const,
    );
    return new Map(reasons.flatMap(([plural, reason]) => (reason === undefined ? [] : [[plural, reason]])));
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
