import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { KubernetesObject, Pod, ReplicaSet } from "../../api/core.ts";
import { type Resource, resources } from "../../api/resources.ts";
import { KubernetesClient } from "../../kubernetes/client.ts";
import type {
  ApiRequest,
  ApiResponse,
  Transport,
  WatchEvent,
  WatchSink,
} from "../../kubernetes/transport.ts";
import { type Cancel, formatTime } from "../../time/clock.ts";
import { ManualClock } from "../../time/manual-clock.ts";
import { addressesOf } from "../addresses.ts";
import { ApiServer } from "../api-server/api-server.ts";
import { Store } from "../store/store.ts";
import { startWorkloads, type WorkloadsOptions } from "./workloads.ts";

const addresses = addressesOf(194);

/** The built-in controllers' way to the API server, with everything that they write counted, and faults on demand. */
class WatchedTransport implements Transport {
  readonly inner: ApiServer;
  /** `PATCH replicasets/status`, in order. */
  readonly writes: string[] = [];
  refuse: ((request: ApiRequest) => ApiResponse | undefined) | undefined;
  #holding: string | undefined;
  #held: (() => void)[] = [];

  constructor(inner: ApiServer) {
    this.inner = inner;
  }

  resources() {
    return this.inner.resources();
  }

  async request(request: ApiRequest): Promise<ApiResponse> {
    if (request.method === "GET") return await this.inner.request(request);
    const [, kind, subresource] =
      /(?:\/namespaces\/[^/]+)?\/([a-z]+)(?:\/[^/]+)?(\/[a-z]+)?$/.exec(request.path) ?? [];
    this.writes.push(`${request.method} ${kind}${subresource ?? ""}`);
    return this.refuse?.(request) ?? (await this.inner.request(request));
  }

  watch(request: ApiRequest, sink: WatchSink): Cancel {
    const event = (now: WatchEvent): void => {
      if (this.#holding !== undefined && request.path.endsWith(`/${this.#holding}`))
        this.#held.push(() => sink.event(now));
      else sink.event(now);
    };
    return this.inner.watch(request, {
      opened: () => sink.opened?.(),
      event,
      ended: (error) => sink.ended(error),
    });
  }

  /** From now on no watch event of this resource arrives. */
  holdEvents(plural: string): void {
    this.#holding = plural;
  }

  releaseEvents(): void {
    this.#holding = undefined;
    for (const tell of this.#held.splice(0)) tell();
  }
}

interface RecordedEvent extends KubernetesObject {
  readonly involvedObject: { readonly kind: string; readonly name: string };
  readonly type: string;
  readonly reason: string;
  readonly message: string;
}

/** An API server with the built-in controllers, for one test. Pods do only what the test says. */
export class WorkloadsBed {
  readonly clock = new ManualClock();
  readonly client: KubernetesClient;
  readonly transport: WatchedTransport;
  readonly problems: string[] = [];

  private constructor() {
    const apiServer = new ApiServer({ store: new Store(), clock: this.clock, addresses });
    this.client = new KubernetesClient(apiServer, "test");
    this.transport = new WatchedTransport(apiServer);
  }

  /** With all built-in controllers, unless told otherwise. */
  static async start(
    context: TestContext,
    options: Partial<
      Pick<WorkloadsOptions, "controllers" | "certificateAuthority" | "loadBalancers" | "usage">
    > = {},
  ): Promise<WorkloadsBed> {
    const bed = new WorkloadsBed();
    const starting = startWorkloads({
      apiServer: bed.transport,
      clock: bed.clock,
      ...options,
      onProblem: (problem) => bed.problems.push(problem),
    });
    await bed.clock.settle();
    const workloads = await starting;
    await bed.clock.settle();
    context.after(async () => {
      await workloads.stop();
      assert.equal(bed.clock.pending, 0, "timers left behind");
    });
    bed.transport.writes.length = 0;
    return bed;
  }

  async create<T extends KubernetesObject>(resource: Resource, object: object): Promise<T> {
    const created = await this.client.create<T>(resource, "default", object);
    await this.clock.settle();
    return created;
  }

  async patch(resource: Resource, name: string, body: object, subresource?: string): Promise<void> {
    const how = subresource === undefined ? {} : { subresource };
    await this.client.patch(resource, "default", name, { type: "merge", body, ...how });
    await this.clock.settle();
  }

  async delete(
    resource: Resource,
    name: string,
    propagationPolicy?: "Background" | "Foreground" | "Orphan",
  ): Promise<void> {
    await this.client.delete(resource, "default", name, { propagationPolicy });
    await this.clock.settle();
  }

  async list<T extends KubernetesObject>(resource: Resource): Promise<readonly T[]> {
    return (await this.client.list<T>(resource, { namespace: "default" })).items;
  }

  async get<T extends KubernetesObject>(resource: Resource, name: string): Promise<T> {
    return await this.client.get<T>(resource, "default", name);
  }

  createReplicaSet(replicas: number, spec: Partial<ReplicaSet["spec"]> = {}): Promise<ReplicaSet> {
    return this.create<ReplicaSet>(resources.replicaSets, {
      apiVersion: "apps/v1",
      kind: "ReplicaSet",
      metadata: { name: "web-5f4c" },
      spec: {
        replicas,
        selector: { matchLabels: { app: "web" } },
        template: {
          metadata: { labels: { app: "web" }, annotations: { note: "kept" } },
          spec: { containers: [{ name: "app", image: "web:1", ports: [{ containerPort: 5000 }] }] },
        },
        ...spec,
      },
    });
  }

  pods(): Promise<readonly Pod[]> {
    return this.list<Pod>(resources.pods);
  }

  /** Lets pods become ready one after the other, in the order of their creation, until nothing changes any more. */
  async letPodsRun(isHealthy: (pod: Pod) => boolean = () => true): Promise<void> {
    for (;;) {
      const waiting = (await this.pods()).find(
        (pod) =>
          pod.status?.phase !== "Running" && pod.metadata.deletionTimestamp === undefined && isHealthy(pod),
      );
      if (waiting === undefined) return;
      await this.podRuns(waiting.metadata.name, "127.9.0.2");
    }
  }

  /** What was told of one object, in order: `Normal SuccessfulCreate Created pod: …`, with the number of times beyond one. */
  async eventsOf(kind: string, name?: string): Promise<readonly string[]> {
    const events = await this.list<RecordedEvent>(resources.events);
    return events
      .filter(
        (event) =>
          event.involvedObject.kind === kind &&
          (name ?? event.involvedObject.name) === event.involvedObject.name,
      )
      .toSorted((a, b) => (a.metadata.name.slice(-16) < b.metadata.name.slice(-16) ? -1 : 1))
      .map(({ type, reason, message }) => `${type} ${reason} ${message}`);
  }

  /** As a node reports a pod whose only container has ended for good. */
  async podEnds(name: string, exitCode = 0, extra: object = {}): Promise<void> {
    const finishedAt = formatTime(this.clock.now());
    const [pod] = (await this.pods()).filter(({ metadata }) => metadata.name === name);
    const container = pod?.spec.containers[0];
    const state = { terminated: { exitCode, finishedAt, reason: exitCode === 0 ? "Completed" : "Error" } };
    const containerStatus = {
      name: container?.name,
      image: container?.image,
      imageID: "",
      ready: false,
      restartCount: 0,
      state,
    };
    const status = {
      phase: exitCode === 0 ? "Succeeded" : "Failed",
      containerStatuses: [containerStatus],
      ...extra,
    };
    await this.patch(resources.pods, name, { status }, "status");
  }

  /** As a node reports it. */
  async podRuns(name: string, ip: string, ready = true): Promise<void> {
    const Ready = {
      type: "Ready",
      status: ready ? "True" : "False",
      lastTransitionTime: formatTime(this.clock.now()),
    };
    const status = { phase: "Running", podIP: ip, podIPs: [{ ip }], conditions: [Ready] };
    await this.patch(resources.pods, name, { status }, "status");
  }
}
