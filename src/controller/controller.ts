import type { KubernetesObject, Pod } from "../api/core.ts";
import { controllerOf, keyOf } from "../api/metadata.ts";
import { type Resource, resources } from "../api/resources.ts";
import type { Rollout } from "../api/rollout.ts";
import type { KubernetesClient } from "../kubernetes/client.ts";
import { ApiError } from "../kubernetes/errors.ts";
import { EventRecorder } from "../kubernetes/event-recorder.ts";
import { isSame } from "../kubernetes/merge-patch.ts";
import { Queue } from "../kubernetes/queue.ts";
import type { Change } from "../kubernetes/watch-cache.ts";
import type { IdentifiedReplicaSet } from "../rollout/identified-replica-set.ts";
import { plan } from "../rollout/plan.ts";
import type { Cancel, Clock } from "../time/clock.ts";
import { Caches, controllersOf, serviceNameOf, servicesOf } from "./caches.ts";
import { adoptersOf } from "./orphans.ts";
import { OwnWrites } from "./own-writes.ts";
import { type Planner, Reconciler } from "./reconciler.ts";
import { ServiceRelease } from "./service-release.ts";
import { asksForAnalysis } from "./template-caches.ts";
import { Writer } from "./writer.ts";

const source = { component: "rollouts-controller" };
const pace = { concurrency: 10, firstRetrySeconds: 0.1, longestRetrySeconds: 60 };

export interface ControllerOptions {
  readonly client: KubernetesClient;
  readonly clock: Clock;
  /** All namespaces when absent. */
  readonly namespace?: string | undefined;
  /** Only Rollouts labelled with this id are handled; when absent, only those without the label. */
  readonly instanceId?: string | undefined;
  /** Told in one line what was done, and what is wrong. */
  readonly log: (text: string) => void;
  readonly plan?: Planner;
}

/** Brings every Rollout of a cluster, or of a namespace, to where its planner wants it. */
export class Controller {
  readonly #log: (text: string) => void;
  readonly #caches: Caches;
  readonly #ownWrites: OwnWrites;
  readonly #writer: Writer;
  readonly #events: EventRecorder;
  readonly #rollouts: Queue;
  readonly #services: Queue;
  readonly #begun = Promise.withResolvers<void>();
  #subscriptions: readonly Cancel[] = [];
  #isStopped = false;

  constructor({ client, clock, namespace, instanceId, log, plan: planner = plan }: ControllerOptions) {
    this.#log = log;
    const onProblem = (resource: Resource, text: string, cause?: Error): void =>
      this.#tellProblem(resource, text, cause);
    const onKnowledge = (): void => this.#addAll();
    const caches = new Caches({ client, clock, namespace, instanceId, onProblem, onKnowledge });
    const ownWrites = new OwnWrites(clock);
    const writer = new Writer(client, ownWrites, (object) => caches.held(object));
    const events = new EventRecorder({ writer, clock, source, onProblem: log });
    const reconciler = new Reconciler({
      client,
      clock,
      caches,
      ownWrites,
      writer,
      events,
      plan: planner,
      log,
    });
    const release = new ServiceRelease({ client, caches, writer, instanceId, log });
    this.#caches = caches;
    this.#ownWrites = ownWrites;
    this.#writer = writer;
    this.#events = events;
    this.#rollouts = new Queue({ clock, ...pace, pass: (key) => reconciler.pass(key) });
    this.#services = new Queue({ clock, ...pace, pass: (key) => release.pass(key) });
  }

  /** Starts watching; the first pass begins when everything is known that can be. A controller is started once. */
  start(): void {
    void this.#begin();
  }

  /** Fulfilled when the controller knows the cluster and has begun to work. */
  whenSynced(): Promise<void> {
    return this.#begun.promise;
  }

  /** Begins nothing more; fulfilled when passes under way have ended and their events are written. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const cancel of this.#subscriptions) cancel();
    this.#caches.stop();
    await Promise.all([this.#rollouts.stop(), this.#services.stop()]);
    await this.#events.stop();
  }

  /** How many requests have been sent to change something, by verb and resource: `patch rollouts/status`. */
  writes(): ReadonlyMap<string, number> {
    return this.#writer.counts();
  }

  async #begin(): Promise<void> {
    await this.#caches.begin();
    if (this.#isStopped) return;
    this.#subscriptions = this.#subscribe();
    this.#addAll();
    for (const service of this.#caches.services.list()) this.#services.add(keyOf(service));
    this.#rollouts.start();
    this.#services.start();
    const count = this.#caches.rollouts.list().length;
    this.#log(`watching ${count} ${count === 1 ? "Rollout" : "Rollouts"}`);
    this.#begun.resolve();
  }

  #addAll(): void {
    for (const rollout of this.#caches.rollouts.list()) this.#rollouts.add(keyOf(rollout));
  }

  #subscribe(): readonly Cancel[] {
    const {
      rollouts,
      replicaSets,
      services,
      endpointSlices,
      pods,
      analysisTemplates,
      clusterAnalysisTemplates,
    } = this.#caches;
    return [
      rollouts.subscribe((change) => {
        this.#ownWrites.observed(change);
        this.#rolloutChanged(change);
      }),
      replicaSets.subscribe((change) => {
        this.#ownWrites.observed(change);
        this.#replicaSetChanged(change);
      }),
      services.subscribe((change) => {
        this.#ownWrites.observed(change);
        this.#routeChanged(keyOf(change.object));
        this.#services.add(keyOf(change.object));
      }),
      endpointSlices.subscribe(({ object }) => this.#routeChanged(keyOf(object, serviceNameOf(object)))),
      pods.subscribe((change) => this.#podChanged(change)),
      ...[analysisTemplates, clusterAnalysisTemplates].map((cache) =>
        cache.subscribe(() => this.#templatesChanged()),
      ),
    ];
  }

  #rolloutChanged({ object, previous }: Change<Rollout>): void {
    this.#rollouts.add(keyOf(object));
    // Others that name the same Services may have got or lost a rival.
    const before = previous === undefined ? [] : servicesOf(previous);
    for (const service of new Set([...servicesOf(object), ...before]))
      this.#routeChanged(keyOf(object, service));
    for (const service of this.#caches.services.by("managedBy", keyOf(object)))
      this.#services.add(keyOf(service));
  }

  #routeChanged(service: string): void {
    for (const rollout of this.#caches.rollouts.by("service", service)) this.#rollouts.add(keyOf(rollout));
  }

  // One that has lost its owner looks for another.
  #replicaSetChanged({ object, previous }: Change<IdentifiedReplicaSet>): void {
    if (previous !== undefined) this.#ownerChanged(previous);
    this.#ownerChanged(object);
    const [adopter, ...others] = adoptersOf(object, this.#caches);
    if (adopter === undefined) return;
    this.#rollouts.add(keyOf(adopter));
    if (others.length === 0) return;
    const names = others.map(({ metadata }) => metadata.name).join(", ");
    this.#log(
      `ReplicaSet ${keyOf(object)} has no owner: of the Rollouts that select it, ${adopter.metadata.name} adopts it and not ${names}`,
    );
  }

  #ownerChanged(replicaSet: KubernetesObject): void {
    for (const uid of controllersOf(replicaSet)) {
      for (const rollout of this.#caches.rollouts.by("uid", uid)) this.#rollouts.add(keyOf(rollout));
    }
  }

  #templatesChanged(): void {
    for (const rollout of this.#caches.rollouts.list())
      if (asksForAnalysis(rollout)) this.#rollouts.add(keyOf(rollout));
  }

  // Pods change often in ways that no route depends on.
  #podChanged({ object, previous, type }: Change<Pod>): void {
    if (type === "updated" && isSame(routedBy(object), previous && routedBy(previous))) return;
    const owner = controllerOf(object);
    if (owner === undefined) return;
    const replicaSet = this.#caches.replicaSets.get(object.metadata.namespace ?? "", owner.name);
    if (replicaSet !== undefined) this.#ownerChanged(replicaSet);
  }

  #tellProblem(resource: Resource, text: string, cause?: Error): void {
    const isMissing = cause instanceof ApiError && cause.kind === "notFound";
    if (resource === resources.rollouts && isMissing) {
      this.#log(
        "the cluster has no Rollouts: their CustomResourceDefinition is not installed; install it with `kubectl apply -f deploy/crds/`",
      );
    } else {
      this.#log(text);
    }
  }
}

/** What of a pod can matter to a route. */
function routedBy({ metadata, status }: Pod): object {
  return { labels: metadata.labels, isLeaving: metadata.deletionTimestamp !== undefined, status };
}
