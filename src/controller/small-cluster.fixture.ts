import type { KubernetesObject, ReplicaSet, Service, Status } from "../api/core.ts";
import { podTemplateHashLabel } from "../api/names.ts";
import { apiVersionOf, pathOf, type Resource, resources } from "../api/resources.ts";
import type { Rollout, RolloutStatus } from "../api/rollout.ts";
import { KubernetesClient } from "../kubernetes/client.ts";
import type { Requested } from "../kubernetes/telemetry.ts";
import type { ApiRequest, ApiResponse, Transport, WatchEvent, WatchSink } from "../kubernetes/transport.ts";
import type { Plan } from "../rollout/pass.ts";
import type { Snapshot } from "../rollout/snapshot.ts";
import { ManualClock } from "../time/manual-clock.ts";
import { Controller, type ControllerOptions } from "./controller.ts";

interface Watcher {
  readonly resource: Resource;
  readonly sink: WatchSink;
  readonly waiting: WatchEvent[];
}

const kinds = [
  resources.rollouts,
  resources.replicaSets,
  resources.services,
  resources.endpointSlices,
  resources.pods,
  resources.events,
];

/**
 * As much of an API server as the controller's tests need: versions, preconditions, merge patches, watches that can be held
 * back, and answers that a test puts in their place. It knows no selectors but the presence of labels.
 */
class SmallCluster implements Transport {
  readonly requests: string[] = [];
  /** Answers instead of the cluster when it returns something. */
  intercept: (request: ApiRequest) => ApiResponse | undefined = () => undefined;
  readonly #objects = new Map<string, KubernetesObject>();
  readonly #watchers = new Set<Watcher>();
  readonly #held = new Set<Resource>();
  #version = 100;

  async request(request: ApiRequest): Promise<ApiResponse> {
    if (request.method !== "GET") this.requests.push(`${request.method} ${request.path}`);
    await Promise.resolve();
    return this.intercept(request) ?? this.#answer(request);
  }

  watch(request: ApiRequest, sink: WatchSink): () => void {
    const resource = kinds.find((kind) => request.path === pathOf(kind));
    if (resource === undefined) throw new Error(`no watch of ${request.path}`);
    const watcher = { resource, sink, waiting: [] };
    this.#watchers.add(watcher);
    void Promise.resolve().then(() => this.#watchers.has(watcher) && sink.opened?.());
    return () => this.#watchers.delete(watcher);
  }

  /** Watches of this kind tell nothing until `release`. */
  hold(resource: Resource): void {
    this.#held.add(resource);
  }

  release(resource: Resource): void {
    this.#held.delete(resource);
    for (const watcher of this.#watchers) {
      if (watcher.resource === resource)
        for (const event of watcher.waiting.splice(0)) watcher.sink.event(event);
    }
  }

  /** Ends the watches of this kind because their history is lost. */
  expire(resource: Resource): void {
    const { body } = refusal(410, "Expired");
    for (const watcher of this.#watchers) {
      if (watcher.resource === resource) watcher.sink.event({ type: "ERROR", object: body as Status });
    }
  }

  /** Creates or changes an object as somebody else. */
  put<T extends KubernetesObject>(resource: Resource, object: T): T {
    const { namespace = "shop", name, uid = `uid-${name}` } = object.metadata;
    const path = pathOf(resource, namespace, name);
    const isNew = !this.#objects.has(path);
    const metadata = { ...object.metadata, namespace, uid, resourceVersion: String(++this.#version) };
    const stored = { ...object, apiVersion: apiVersionOf(resource), kind: resource.kind, metadata };
    this.#objects.set(path, stored);
    this.#tell(resource, { type: isNew ? "ADDED" : "MODIFIED", object: stored });
    return stored;
  }

  remove(resource: Resource, name: string): void {
    const path = pathOf(resource, "shop", name);
    const object = this.#objects.get(path);
    if (object === undefined) return;
    this.#objects.delete(path);
    const metadata = { ...object.metadata, resourceVersion: String(++this.#version) };
    this.#tell(resource, { type: "DELETED", object: { ...object, metadata } });
  }

  find<T extends KubernetesObject>(resource: Resource, name: string): T | undefined {
    return this.#objects.get(pathOf(resource, "shop", name)) as T | undefined;
  }

  all<T extends KubernetesObject>(resource: Resource): readonly T[] {
    return [...this.#objects.values()].filter(({ kind }) => kind === resource.kind) as T[];
  }

  /** `reason (count): message` of every Event, in order of creation. */
  events(): readonly string[] {
    type Event = KubernetesObject & { reason: string; message: string; count: number };
    return this.all<Event>(resources.events).map(
      ({ reason, message, count }) => `${reason} (${count}): ${message}`,
    );
  }

  #tell(resource: Resource, event: WatchEvent): void {
    for (const watcher of this.#watchers) {
      if (watcher.resource !== resource) continue;
      if (this.#held.has(resource)) watcher.waiting.push(event);
      else watcher.sink.event(event);
    }
  }

  #answer({ method, path, query, body }: ApiRequest): ApiResponse {
    const resource = kinds.find((kind) => path.split("/").includes(kind.plural));
    if (resource === undefined) return { code: 404, body: "404 page not found" };
    if (method === "GET" && path === pathOf(resource))
      return this.#list(resource, query?.["labelSelector"] ?? "");
    if (method === "POST") return this.#create(resource, body as KubernetesObject);
    const isStatus = path.endsWith("/status");
    const object = this.#objects.get(isStatus ? path.slice(0, -"/status".length) : path);
    if (object === undefined) return refusal(404, "NotFound");
    if (method === "GET") return { code: 200, body: object };
    const patch = body as KubernetesObject & { preconditions?: KubernetesObject["metadata"] };
    const seen = method === "DELETE" ? patch.preconditions : patch.metadata;
    const { uid, resourceVersion, name } = object.metadata;
    if ((seen?.uid ?? uid) !== uid || (seen?.resourceVersion ?? resourceVersion) !== resourceVersion) {
      return refusal(409, "Conflict");
    }
    if (method === "DELETE") {
      this.remove(resource, name);
      return { code: 200, body: {} };
    }
    return { code: 200, body: this.put(resource, merge(object, patch) as KubernetesObject) };
  }

  #list(resource: Resource, selector: string): ApiResponse {
    const isWanted = ({ metadata }: KubernetesObject): boolean => {
      const [key = "", value] = selector.replace("!", "").split("=");
      const found = metadata.labels?.[key];
      if (selector === "") return true;
      return selector.startsWith("!")
        ? found === undefined
        : found !== undefined && found === (value ?? found);
    };
    const items = this.all(resource).filter(isWanted);
    return { code: 200, body: { metadata: { resourceVersion: String(this.#version) }, items } };
  }

  #create(resource: Resource, object: KubernetesObject): ApiResponse {
    const { namespace, name } = object.metadata;
    if (this.#objects.has(pathOf(resource, namespace ?? "shop", name))) return refusal(409, "AlreadyExists");
    return { code: 201, body: this.put(resource, object) };
  }
}

export function refusal(code: number, reason: string, message = reason): ApiResponse {
  return {
    code,
    body: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", code, reason, message },
  };
}

function merge(target: unknown, patch: unknown): unknown {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch;
  const result: Record<string, unknown> = { ...(typeof target === "object" ? target : {}) };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merge(result[key], value);
  }
  return result;
}

export function rollout(
  name: string,
  more: { labels?: Record<string, string>; preview?: string; status?: RolloutStatus } = {},
): Rollout {
  const { labels, preview, status } = more;
  const blueGreen = {
    activeService: `${name}-active`,
    ...(preview === undefined ? {} : { previewService: preview }),
  };
  return {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Rollout",
    metadata: { name, namespace: "shop", ...(labels === undefined ? {} : { labels }) },
    spec: { replicas: 2, strategy: { blueGreen } },
    ...(status === undefined ? {} : { status }),
  };
}

export function service(name: string, annotations: Record<string, string> = {}, hash?: string): Service {
  const selector = { app: "web", ...(hash === undefined ? {} : { [podTemplateHashLabel]: hash }) };
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "shop", annotations },
    spec: { selector },
  };
}

export function replicaSet(name: string, owner: Rollout, ownerUid = owner.metadata.uid ?? ""): ReplicaSet {
  const { apiVersion, kind, metadata } = owner;
  const hash = name.slice(owner.metadata.name.length + 1);
  return {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      name,
      namespace: "shop",
      labels: { [podTemplateHashLabel]: hash },
      ownerReferences: [{ apiVersion, kind, name: metadata.name, uid: ownerUid, controller: true }],
    },
    spec: { replicas: 0, selector: {}, template: { spec: { containers: [] } } },
  };
}

export interface Scene {
  readonly cluster: SmallCluster;
  readonly clock: ManualClock;
  readonly controller: Controller;
  readonly log: string[];
  /** What the planner was asked about, in order. */
  readonly seen: Snapshot[];
  readonly requested: Requested[];
}

/** A controller with the given planner; the one that is given by default leaves everything as it is. */
export function scene(
  decide: (snapshot: Snapshot) => Partial<Plan> = () => ({}),
  options: Partial<ControllerOptions> = {},
): Scene {
  const cluster = new SmallCluster();
  const clock = new ManualClock();
  const log: string[] = [];
  const seen: Snapshot[] = [];
  const requested: Requested[] = [];
  const controller = new Controller({
    client: new KubernetesClient(cluster),
    clock,
    log: (text) => log.push(text),
    telemetry: { requested: (request) => requested.push(request) },
    plan: (snapshot) => {
      seen.push(snapshot);
      return {
        actions: [],
        refused: [],
        status: snapshot.rollout.status ?? {},
        events: [],
        ...decide(snapshot),
      };
    },
    ...options,
  });
  return { cluster, clock, controller, log, seen, requested };
}

export async function started({ controller, clock }: Scene): Promise<void> {
  void controller.start();
  await clock.settle();
}

const verbs = { GET: undefined, POST: "create", PUT: "update", PATCH: "patch", DELETE: "delete" } as const;

/** How many requests have been sent to change something: `patch rollouts/status`. */
export function writesOf({ requested }: Scene): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { method, what } of requested) {
    const verb = verbs[method];
    if (verb !== undefined) counts[`${verb} ${what}`] = (counts[`${verb} ${what}`] ?? 0) + 1;
  }
  return counts;
}
