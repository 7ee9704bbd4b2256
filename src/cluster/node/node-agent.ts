import type { Pod } from "../../api/core.ts";
import { pathOf, resources } from "../../api/resources.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { ApiError } from "../../kubernetes/errors.ts";
import { WatchCache } from "../../kubernetes/watch-cache.ts";
import { backoffSeconds } from "../../time/backoff.ts";
import { type Cancel, type Clock, formatTime, type Instant, later } from "../../time/clock.ts";
import { pause } from "../../time/pause.ts";
import { PodLifecycle } from "./lifecycle/pod-lifecycle.ts";
import { type NodeFacts, nodeObject, nodeStatus } from "./node-object.ts";
import type { ContainerUsage, PodDriver, PodNetwork } from "./pod-driver.ts";
import { PodEvents } from "./pod-events.ts";
import { PodStatusWriter } from "./pod-status-writer.ts";
import { isForOtherScheduler, type NodeObject, type Obstacle, whyNotHere } from "./why-not-here.ts";

export interface NodeAgentOptions {
  readonly client: KubernetesClient;
  readonly clock: Clock;
  readonly driver: PodDriver;
  readonly node: Omit<NodeFacts, "runtime">;
  /** What people should know and no event can tell. */
  readonly onProblem?: (text: string) => void;
}

export type StopOptions =
  /** Leaves containers running for the next agent to adopt. */
  | { readonly pods: "keep" }
  | {
      /** Ends them; the pods' objects stay. */
      readonly pods: "stop";
      /** Between SIGTERM and SIGKILL, where a pod's own grace period is longer. */
      readonly mostGraceSeconds: number;
    };

interface OwnPod {
  readonly lifecycle: PodLifecycle;
  readonly writer: PodStatusWriter;
  finishing: boolean;
}

const heartbeatSeconds = 300;
const retrySeconds = 2;
const longestRetrySeconds = 30;
// For a pod whose object was taken away without waiting for its end.
const orphanGraceSeconds = 2;
// As Kubernetes has it.
const defaultGraceSeconds = 30;
const lastWritesSeconds = 2;
// From SIGKILL to the end, with the end of what a container has started.
const lateSeconds = 10;

/** The cluster's one node: scheduler and kubelet in one. Every pod that nobody has placed is its own. */
export class NodeAgent {
  readonly #options: NodeAgentOptions;
  readonly #onProblem: (text: string) => void;
  readonly #pods = new Map<string, OwnPod>();
  readonly #binding = new Map<string, Pod>();
  readonly #cache: WatchCache<Pod>;
  readonly #nodes: WatchCache<NodeObject>;
  /** By uid: why a pod is left unplaced, as it was told. */
  readonly #held = new Map<string, string>();
  readonly #events: PodEvents;
  readonly #stopping = new AbortController();
  readonly #readySince: Instant;
  #unsubscribe: Cancel = () => {};

  constructor(options: NodeAgentOptions) {
    const { client, clock, node } = options;
    this.#options = options;
    this.#onProblem = options.onProblem ?? (() => {});
    this.#readySince = clock.now();
    this.#cache = new WatchCache<Pod>({
      client,
      clock,
      resource: resources.pods,
      onProblem: this.#onProblem,
    });
    this.#nodes = new WatchCache<NodeObject>({
      client,
      clock,
      resource: resources.nodes,
      onProblem: this.#onProblem,
    });
    this.#events = new PodEvents({ client, clock, nodeName: node.name, onProblem: this.#onProblem });
  }

  /** Resolves when the node is registered and all pods of an earlier agent are taken over or ended. */
  async start(): Promise<void> {
    const registered = this.#keepRegistered();
    this.#cache.start();
    this.#nodes.start();
    await Promise.all([this.#cache.whenSynced(), this.#nodes.whenSynced()]);
    await this.#options.driver.removeAllBut(
      new Set(this.#cache.list().flatMap(({ metadata: { uid } }) => (uid === undefined ? [] : [uid]))),
    );
    const cancels = [
      this.#cache.subscribe(({ type, object }) => {
        if (type === "deleted") this.#lost(object);
        else this.#seen(object);
      }),
      this.#nodes.subscribe(() => this.#placeHeld()),
    ];
    this.#unsubscribe = () => {
      for (const cancel of cancels) cancel();
    };
    for (const pod of this.#cache.list()) this.#seen(pod);
    await registered;
  }

  /** A pod that is looked after here, as it is now. */
  podWith(uid: string): Pod | undefined {
    const lifecycle = this.#pods.get(uid)?.lifecycle;
    return lifecycle === undefined ? undefined : { ...lifecycle.pod, status: lifecycle.status() };
  }

  /** Where the ports of a pod are that is looked after here. */
  networkOf(uid: string): PodNetwork | undefined {
    return this.#pods.get(uid)?.lifecycle.network;
  }

  /** By uid: what the running containers of each pod have used, where that can be measured. */
  usage(): Readonly<Record<string, readonly ContainerUsage[]>> {
    const { driver } = this.#options;
    return Object.fromEntries(
      [...this.#pods].map(([uid, { lifecycle }]) => [uid, driver.usageOf?.(lifecycle.pod) ?? []]),
    );
  }

  async stop(options: StopOptions): Promise<void> {
    this.#stopping.abort();
    this.#unsubscribe();
    this.#cache.stop();
    this.#nodes.stop();
    const own = [...this.#pods.values()];
    if (options.pods === "stop") {
      const { mostGraceSeconds } = options;
      await Promise.all(own.map(({ lifecycle }) => this.#stopInTime(lifecycle, mostGraceSeconds)));
      await this.#lastWrites(own.map(({ writer }) => writer.flushed()));
    }
    for (const { lifecycle, writer } of own) {
      lifecycle.abandon();
      writer.close();
    }
    await this.#lastWrites([this.#events.stop()]);
    this.#options.driver.close();
  }

  /** Never rejects, and does not wait for ever: no pod's trouble may cost another one its time to end. */
  async #stopInTime(lifecycle: PodLifecycle, mostSeconds: number): Promise<void> {
    const { clock } = this.#options;
    const { terminationGracePeriodSeconds = defaultGraceSeconds } = lifecycle.pod.spec;
    const graceSeconds = Math.min(mostSeconds, terminationGracePeriodSeconds);
    const stopped = new AbortController();
    void lifecycle
      .stop(graceSeconds, false)
      .catch((error: unknown) => this.#broken(lifecycle.pod, error))
      .then(() => stopped.abort());
    const isLate = await pause(clock, later(clock.now(), graceSeconds + lateSeconds), stopped.signal);
    if (isLate) this.#broken(lifecycle.pod, "its containers have not ended in time");
  }

  /** Waits for writes, but not for long: the API server may be away. */
  async #lastWrites(writing: readonly Promise<void>[]): Promise<void> {
    const { clock } = this.#options;
    const written = new AbortController();
    void Promise.all(writing).then(() => written.abort());
    await pause(clock, later(clock.now(), lastWritesSeconds), written.signal);
  }

  /** Registers the node, and from then on renews its status now and then. Resolves when it is registered. */
  async #keepRegistered(failures = 0): Promise<void> {
    const { clock, node } = this.#options;
    const problem = await this.#register();
    if (this.#stopping.signal.aborted) return;
    if (problem !== undefined && failures === 0) {
      this.#onProblem(`node ${node.name} not registered: ${problem}; trying again`);
    }
    const failuresNow = problem === undefined ? 0 : failures + 1;
    const seconds =
      failuresNow === 0 ? heartbeatSeconds : backoffSeconds(failuresNow, retrySeconds, longestRetrySeconds);
    const again = pause(clock, later(clock.now(), seconds), this.#stopping.signal).then((reached) =>
      reached ? this.#keepRegistered(failuresNow) : undefined,
    );
    if (failuresNow > 0) await again;
  }

  /** Why it did not succeed, if so. */
  async #register(): Promise<string | undefined> {
    const { client, clock, driver, node } = this.#options;
    const facts: NodeFacts = { ...node, runtime: driver.runtime };
    const status = nodeStatus(facts, clock.now(), this.#readySince);
    const patch = { type: "merge", body: { status }, subresource: "status" } as const;
    try {
      try {
        await client.patch(resources.nodes, undefined, node.name, patch);
      } catch (error) {
        if (!(error instanceof ApiError) || error.kind !== "notFound") throw error;
        await client.create(resources.nodes, undefined, nodeObject(facts));
        await client.patch(resources.nodes, undefined, node.name, patch);
      }
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  #seen(pod: Pod): void {
    const uid = pod.metadata.uid ?? "";
    const own = this.#pods.get(uid);
    if (own !== undefined) {
      own.lifecycle.update(pod);
      if (pod.metadata.deletionTimestamp !== undefined) this.#end(own);
    } else if (pod.spec.nodeName === this.#options.node.name) {
      // One that is being bound just now is taken up when that has been told.
      if (!this.#binding.has(uid)) this.#adopt(pod);
    } else if (!pod.spec.nodeName && pod.metadata.deletionTimestamp === undefined) {
      if (isForOtherScheduler(pod)) return;
      const node = this.#nodes.get("", this.#options.node.name);
      const obstacle = whyNotHere(pod, node, this.#placed());
      if (obstacle !== undefined) void this.#hold(pod, obstacle);
      else {
        this.#held.delete(uid);
        void this.#bind(pod);
      }
    }
  }

  /** The pods that are here or about to be. */
  #placed(): readonly Pod[] {
    const here = [...this.#pods.values()].map(({ lifecycle }) => lifecycle.pod);
    return [...here.filter((pod) => !isFinished(pod)), ...this.#binding.values()];
  }

  /** Leaves the pod unplaced, and says why once. */
  async #hold(pod: Pod, { reason, message }: Obstacle): Promise<void> {
    const { client, clock } = this.#options;
    const { namespace, name, uid = "" } = pod.metadata;
    if (this.#held.get(uid) === message) return;
    this.#held.set(uid, message);
    if (reason === "Unschedulable") this.#events.recordUnscheduled(pod, message);
    const lastTransitionTime = formatTime(clock.now());
    const { generation: observedGeneration } = pod.metadata;
    const verdict = { status: "False", reason, message, observedGeneration };
    const condition = { type: "PodScheduled", ...verdict };
    const body = { metadata: { uid }, status: { conditions: [{ ...condition, lastTransitionTime }] } };
    await client
      .patch(resources.pods, namespace, name, { type: "strategic", body, subresource: "status" })
      .catch((error: unknown) => {
        if (!isGoneOrTaken(error))
          this.#onProblem(`pod ${namespace}/${name} waits for the node, which is not told: ${textOf(error)}`);
      });
  }

  #placeHeld(): void {
    if (this.#held.size === 0) return;
    for (const pod of this.#cache.list()) if (this.#held.has(pod.metadata.uid ?? "")) this.#seen(pod);
  }

  async #bind(pod: Pod): Promise<void> {
    const { client, clock, node } = this.#options;
    const { namespace, name, uid } = pod.metadata;
    if (uid === undefined || this.#binding.has(uid)) return;
    this.#binding.set(uid, pod);
    let isRefused = false;
    const binding = {
      apiVersion: "v1",
      kind: "Binding",
      metadata: { name, namespace, uid },
      target: { apiVersion: "v1", kind: "Node", name: node.name },
    };
    try {
      const path = pathOf(resources.pods, namespace, name, "binding");
      await client.raw({ method: "POST", path, body: binding });
      const message = `Successfully assigned ${namespace}/${name} to ${node.name}`;
      this.#events.recordScheduled(pod, message);
    } catch (error) {
      // Gone or bound by somebody else: the watch tells.
      if (!isGoneOrTaken(error)) {
        isRefused = true;
        this.#onProblem(`pod ${namespace}/${name} not assigned to ${node.name}: ${textOf(error)}`);
        await pause(clock, later(clock.now(), retrySeconds), this.#stopping.signal);
      }
    } finally {
      this.#binding.delete(uid);
    }
    if (this.#stopping.signal.aborted) return;
    const current = this.#cache.get(namespace ?? "", name);
    if (current !== undefined && (isRefused || current.spec.nodeName)) this.#seen(current);
  }

  #adopt(pod: Pod): void {
    const { client, clock, driver, node } = this.#options;
    const lifecycle = new PodLifecycle({
      pod,
      driver,
      clock,
      events: this.#events,
      hostIp: node.address,
      changed: () => writer.changed(),
    });
    const writer = new PodStatusWriter({
      client,
      clock,
      pod,
      read: () => ({ status: lifecycle.status(), network: lifecycle.network }),
      onProblem: this.#onProblem,
    });
    const own: OwnPod = { lifecycle, writer, finishing: false };
    this.#pods.set(pod.metadata.uid ?? "", own);
    // Once in a pod's life: nobody has looked after it yet.
    if (pod.status?.startTime === undefined)
      for (const { reason, message } of driver.remarksOn?.(pod) ?? [])
        this.#events.record(pod, "Warning", reason, message);
    lifecycle.run().catch((error: unknown) => this.#broken(pod, error));
    if (pod.metadata.deletionTimestamp !== undefined) this.#end(own);
  }

  /** The pod is to be deleted: its containers end, then its object. */
  #end(own: OwnPod): void {
    const { pod } = own.lifecycle;
    const graceSeconds = pod.metadata.deletionGracePeriodSeconds ?? orphanGraceSeconds;
    const stopped = own.lifecycle.stop(graceSeconds, true);
    if (own.finishing) return;
    own.finishing = true;
    stopped
      .catch((error: unknown) => this.#broken(pod, error))
      .then(() => this.#delete(own))
      .catch((error: unknown) => this.#broken(pod, error));
  }

  async #delete({ lifecycle, writer }: OwnPod): Promise<void> {
    const { client, clock } = this.#options;
    const { namespace, name, uid, finalizers = [] } = lifecycle.pod.metadata;
    // Whoever holds the object with a finalizer wants to see how the pod has ended.
    if (finalizers.length > 0) await writer.flushed();
    while (!this.#stopping.signal.aborted) {
      try {
        await client.delete(resources.pods, namespace, name, { uid, gracePeriodSeconds: 0 });
        return;
      } catch (error) {
        if (isGoneOrTaken(error)) return;
        this.#onProblem(`pod ${namespace}/${name} has ended but is not deleted: ${textOf(error)}`);
        await pause(clock, later(clock.now(), retrySeconds), this.#stopping.signal);
      }
    }
  }

  /** The pod's object is gone. */
  #lost(pod: Pod): void {
    const uid = pod.metadata.uid ?? "";
    this.#held.delete(uid);
    const own = this.#pods.get(uid);
    if (own === undefined) return;
    this.#pods.delete(uid);
    own.writer.close();
    this.#placeHeld();
    own.lifecycle
      .stop(orphanGraceSeconds, false)
      .catch((error: unknown) => this.#broken(pod, error))
      .then(() => this.#remove(pod, uid))
      .catch((error: unknown) => this.#broken(pod, error));
  }

  /** Tries until nothing of the pod is left. */
  async #remove(pod: Pod, uid: string, failures = 0): Promise<void> {
    const { clock, driver } = this.#options;
    const problem = await driver.remove(uid).then(
      () => undefined,
      (error: unknown) => textOf(error),
    );
    if (problem === undefined || this.#stopping.signal.aborted) return;
    const { namespace, name } = pod.metadata;
    if (failures === 0)
      this.#onProblem(`pod ${namespace}/${name} is gone but has left something: ${problem}`);
    const seconds = backoffSeconds(failures + 1, retrySeconds, longestRetrySeconds);
    if (await pause(clock, later(clock.now(), seconds), this.#stopping.signal))
      await this.#remove(pod, uid, failures + 1);
  }

  #broken(pod: Pod, error: unknown): void {
    const { namespace, name } = pod.metadata;
    const cause = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#onProblem(`pod ${namespace}/${name} is not looked after as it should be: ${cause}`);
  }
}

function isFinished({ status }: Pod): boolean {
  return status?.phase === "Succeeded" || status?.phase === "Failed";
}

/** Whether the object is not the one any more that was meant. */
function isGoneOrTaken(error: unknown): boolean {
  return error instanceof ApiError && (error.kind === "notFound" || error.kind === "conflict");
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
