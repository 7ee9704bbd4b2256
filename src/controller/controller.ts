import type { KubernetesObject } from "../api/core.ts";
import { equalJson } from "../api/equal-json.ts";
import { controllerOf, keyOf } from "../api/metadata.ts";
import { objectKeyOf, type Resource, resources } from "../api/resources.ts";
import type { Rollout } from "../api/rollout.ts";
import type { KubernetesClient } from "../kubernetes/client.ts";
import { ApiError } from "../kubernetes/errors.ts";
import { EventRecorder, type EventSink } from "../kubernetes/event-recorder.ts";
import { type PassResult, Queue } from "../kubernetes/queue.ts";
import { measured, type Telemetry } from "../kubernetes/telemetry.ts";
import type { Change } from "../kubernetes/watch-cache.ts";
import type { IdentifiedReplicaSet } from "../rollout/identified-replica-set.ts";
import { plan } from "../rollout/plan.ts";
import type { Cancel, Clock } from "../time/clock.ts";
import { asksForAnalysis } from "./analysis-templates.ts";
import { Caches, controllersOf, namesOf, type RoutedKind } from "./caches.ts";
import { adoptersOf } from "./orphans.ts";
import { OwnWrites } from "./own-writes.ts";
import { Reconciler } from "./reconciler.ts";
import { type Planner, rolloutKind } from "./rollouts.ts";
import { RouteRelease } from "./route-release.ts";
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
  /** Told of every request, pass and queue. */
  readonly telemetry?: Telemetry;
  /** Told of everything that is recorded as an Event, besides the cluster. */
  readonly listeners?: readonly EventSink[];
}

/** Brings every Rollout of a cluster, or of a namespace, to where its planner wants it. */
export class Controller {
  readonly #log: (text: string) => void;
  readonly #caches: Caches;
  readonly #ownWrites: OwnWrites;
  readonly #recorder: EventRecorder;
  readonly #rollouts: Queue;
  /** What routes are set on, by `objectKeyOf`. */
  readonly #sets: Queue;
  #subscriptions: readonly Cancel[] = [];
  #isStopped = false;

  constructor({
    client: plainClient,
    clock,
    namespace,
    instanceId,
    log,
    plan: planner = plan,
    telemetry = {},
    listeners = [],
  }: ControllerOptions) {
    this.#log = log;
    const client = plainClient.through((transport) => measured(transport, clock, telemetry));
    const onProblem = (resource: Resource, text: string, cause?: Error): void =>
      this.#tellProblem(resource, text, cause);
    const onKnowledge = (): void => this.#addAll();
    const caches = new Caches({ client, clock, namespace, instanceId, onProblem, onKnowledge });
    const ownWrites = new OwnWrites(clock);
    const writer = new Writer(client, ownWrites, (resource, object) => caches.held(resource, object));
    const recorder = new EventRecorder({ writer, clock, source, onProblem: log });
    const events: EventSink = {
      record(about, news) {
        recorder.record(about, news);
        for (const listener of listeners) {
          try {
            listener.record(about, news);
          } catch (error) {
            // Who only listens must not keep a Rollout from going on.
            log(`a listener failed at ${news.reason} of ${keyOf(about)}: ${String(error)}`);
          }
        }
      },
    };
    const kind = rolloutKind({ client, clock, caches, ownWrites, plan: planner });
    const reconciler = new Reconciler(kind, { client, clock, ownWrites, writer, events, log });
    const release = new RouteRelease({ client, caches, writer, instanceId, log });
    this.#caches = caches;
    this.#ownWrites = ownWrites;
    this.#recorder = recorder;
    const queue = (name: string, pass: (key: string) => Promise<PassResult>): Queue =>
      new Queue({ clock, ...pace, pass, telemetry: { name, to: telemetry } });
    this.#rollouts = queue("rollouts", (key) => reconciler.pass(key));
    this.#sets = queue("routes", (key) => release.pass(key));
  }

  /** Begins to watch; fulfilled when everything is known that can be. Nothing is changed before `lead`. */
  watch(): Promise<void> {
    return this.#caches.begin();
  }

  /** Brings every Rollout to where it should be, from now until `stop`. What is watched must be known. */
  lead(): void {
    if (this.#isStopped) return;
    this.#subscriptions = this.#subscribe();
    this.#addAll();
    for (const { resource, cache, isSet } of this.#caches.routed)
      for (const object of isSet ? cache.list() : []) this.#sets.add(keyIn(resource, object));
    this.#rollouts.start();
    this.#sets.start();
    const count = this.#caches.rollouts.list().length;
    this.#log(`watching ${count} ${count === 1 ? "Rollout" : "Rollouts"}`);
  }

  /** Watches, and leads as soon as everything is known. */
  async start(): Promise<void> {
    await this.watch();
    this.lead();
  }

  /** Begins nothing more; fulfilled when passes under way have ended and their events are written. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const cancel of this.#subscriptions) cancel();
    this.#caches.stop();
    await Promise.all([this.#rollouts.stop(), this.#sets.stop()]);
    await this.#recorder.stop();
  }

  #addAll(): void {
    for (const rollout of this.#caches.rollouts.list()) this.#rollouts.add(keyOf(rollout));
  }

  #subscribe(): readonly Cancel[] {
    const { rollouts, replicaSets, routed, analysisTemplates, clusterAnalysisTemplates } = this.#caches;
    return [
      rollouts.subscribe((change) => {
        this.#ownWrites.observed(change);
        this.#rolloutChanged(change);
      }),
      replicaSets.subscribe((change) => {
        this.#ownWrites.observed(change);
        this.#replicaSetChanged(change);
      }),
      ...routed.map((kind) =>
        kind.cache.subscribe((change) => {
          this.#ownWrites.observed(change);
          this.#routedChanged(kind, change);
        }),
      ),
      ...[analysisTemplates, clusterAnalysisTemplates].map((cache) =>
        cache.subscribe(() => this.#templatesChanged()),
      ),
    ];
  }

  #rolloutChanged({ object, previous }: Change<Rollout>): void {
    this.#rollouts.add(keyOf(object));
    // Others that name the same objects may have got or lost a rival.
    const before = previous === undefined ? [] : namesOf(previous);
    for (const key of new Set([...namesOf(object), ...before]))
      this.#addAllOf(this.#caches.rollouts.by("names", key));
    for (const { resource, cache, isSet } of this.#caches.routed)
      for (const set of isSet ? cache.by("setFor", keyOf(object)) : []) this.#sets.add(keyIn(resource, set));
  }

  #addAllOf(rollouts: readonly Rollout[]): void {
    for (const rollout of rollouts) this.#rollouts.add(keyOf(rollout));
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

  // Pods and others change often in ways that no route depends on.
  #routedChanged(kind: RoutedKind, { object, previous, type }: Change<KubernetesObject>): void {
    if (type === "updated" && equalJson(withoutVersion(object), previous && withoutVersion(previous))) return;
    const key = keyIn(kind.resource, object);
    for (const named of [key, ...(kind.about?.(object) ?? [])])
      this.#addAllOf(this.#caches.rollouts.by("names", named));
    const owner = controllerOf(object);
    const replicaSet = owner && this.#caches.replicaSets.get(object.metadata.namespace ?? "", owner.name);
    if (replicaSet !== undefined) this.#ownerChanged(replicaSet);
    if (kind.isSet) this.#sets.add(key);
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

function keyIn(resource: Resource, { metadata }: KubernetesObject): string {
  return objectKeyOf(resource, metadata.namespace ?? "", metadata.name);
}

function withoutVersion({
  metadata: { resourceVersion: _, ...metadata },
  ...rest
}: KubernetesObject): object {
  return { ...rest, metadata };
}
