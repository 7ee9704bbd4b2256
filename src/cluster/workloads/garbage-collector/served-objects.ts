import type { KubernetesObject } from "../../../api/core.ts";
import { type Resource, resources } from "../../../api/resources.ts";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import { type Change, WatchCache } from "../../../kubernetes/watch-cache.ts";
import type { Cancel, Clock } from "../../../time/clock.ts";

/** What an API server says about one resource that it serves. */
export interface ServedResource extends Resource {
  readonly verbs: readonly string[];
}

/** An object of any kind, of which only the metadata is kept. */
export interface ServedObject {
  readonly resource: ServedResource;
  readonly object: KubernetesObject;
}

export interface ServedChange extends Change<KubernetesObject> {
  readonly resource: ServedResource;
}

interface Watched {
  readonly resource: ServedResource;
  readonly cache: WatchCache<KubernetesObject>;
  readonly unsubscribe: Cancel;
}

const byOwner = "owner";

/** The metadata of every object of every kind that the API server serves, while CustomResourceDefinitions come and go. */
export class ServedObjects {
  readonly #client: KubernetesClient;
  readonly #clock: Clock;
  readonly #onProblem: (problem: string) => void;
  readonly #served: () => readonly ServedResource[];
  readonly #watched = new Map<string, Watched>();
  readonly #listeners = new Set<(change: ServedChange) => void>();
  readonly #definitions: WatchCache<KubernetesObject>;

  constructor(options: {
    readonly client: KubernetesClient;
    readonly clock: Clock;
    readonly served: () => readonly ServedResource[];
    readonly onProblem: (problem: string) => void;
  }) {
    this.#client = options.client;
    this.#clock = options.clock;
    this.#served = options.served;
    this.#onProblem = options.onProblem;
    this.#definitions = this.#cacheOf(resources.customResourceDefinitions);
    this.#definitions.subscribe(() => this.#follow());
  }

  start(): void {
    this.#definitions.start();
    this.#follow();
  }

  async whenSynced(): Promise<void> {
    await Promise.all([
      this.#definitions.whenSynced(),
      ...[...this.#watched.values()].map(({ cache }) => cache.whenSynced()),
    ]);
  }

  stop(): void {
    this.#definitions.stop();
    for (const watched of this.#watched.values()) end(watched);
    this.#watched.clear();
  }

  subscribe(listener: (change: ServedChange) => void): Cancel {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  list(): readonly ServedObject[] {
    return [...this.#watched.values()].flatMap(({ resource, cache }) =>
      cache.list().map((object) => ({ resource, object })),
    );
  }

  /** Every object that names `uid` among its owners. */
  dependentsOf(uid: string): readonly ServedObject[] {
    return [...this.#watched.values()].flatMap(({ resource, cache }) =>
      cache.by(byOwner, uid).map((object) => ({ resource, object })),
    );
  }

  get(resource: Resource, namespace: string, name: string): KubernetesObject | undefined {
    return this.#watched.get(nameOfKind(resource))?.cache.get(namespace, name);
  }

  /** The resource of a kind, whichever of its versions is named; undefined when it is not served (any more). */
  resourceOf(apiVersion: string, kind: string): ServedResource | undefined {
    const group = apiVersion.includes("/") ? apiVersion.split("/")[0] : "";
    return this.#served().find((resource) => resource.group === group && resource.kind === kind);
  }

  /** Every namespaced resource whose objects can be listed and deleted. */
  namespacedResources(): readonly ServedResource[] {
    return onePerKind(
      this.#served().filter((resource) => resource.namespaced && can(resource, "list", "delete")),
    );
  }

  #follow(): void {
    const wanted = new Map(
      onePerKind(this.#served().filter((resource) => can(resource, "list", "watch", "delete")))
        .filter((resource) => resource.kind !== "Event")
        .map((resource) => [nameOfKind(resource), resource]),
    );
    for (const [key, watched] of this.#watched) {
      if (wanted.get(key)?.version === watched.resource.version) continue;
      this.#watched.delete(key);
      end(watched);
      if (this.#isUndefined(key)) this.#tellDeleted(watched);
    }
    for (const [key, resource] of wanted) {
      if (this.#watched.has(key)) continue;
      const cache = this.#cacheOf(resource);
      const unsubscribe = cache.subscribe((change) => {
        for (const listener of this.#listeners) listener({ ...change, resource });
      });
      this.#watched.set(key, { resource, cache, unsubscribe });
      cache.start();
    }
  }

  // A definition goes only after its objects; but its end may be known before theirs has been told.
  #isUndefined(name: string): boolean {
    const definition = this.#definitions.get("", name);
    return definition === undefined || definition.metadata.deletionTimestamp !== undefined;
  }

  #tellDeleted({ resource, cache }: Watched): void {
    for (const object of cache.list())
      for (const listener of this.#listeners) listener({ type: "deleted", object, resource });
  }

  #cacheOf(resource: Resource): WatchCache<KubernetesObject> {
    return new WatchCache<KubernetesObject>({
      client: this.#client,
      clock: this.#clock,
      onProblem: this.#onProblem,
      resource,
      trim: ({ apiVersion, kind, metadata }) => ({ apiVersion, kind, metadata }),
      indexes: { [byOwner]: ({ metadata }) => (metadata.ownerReferences ?? []).map((owner) => owner.uid) },
    });
  }
}

/** The same for all versions; that of a custom resource is the name of its definition. */
function nameOfKind(resource: Resource): string {
  return `${resource.plural}.${resource.group}`;
}

function can(resource: ServedResource, ...verbs: readonly string[]): boolean {
  return verbs.every((verb) => resource.verbs.includes(verb));
}

// All versions of a kind show the same objects.
function onePerKind(served: readonly ServedResource[]): readonly ServedResource[] {
  return [...Map.groupBy(served, (resource) => `${resource.group}/${resource.plural}`).values()].flatMap(
    (versions) => versions.slice(0, 1),
  );
}

function end({ cache, unsubscribe }: Watched): void {
  unsubscribe();
  cache.stop();
}
