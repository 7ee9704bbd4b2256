import type { KubernetesObject } from "../api/core.ts";
import { apiVersionOf, type Resource } from "../api/resources.ts";
import { backoffSeconds } from "../time/backoff.ts";
import { type Cancel, type Clock, later } from "../time/clock.ts";
import type { KubernetesClient, ObjectList } from "./client.ts";
import { ApiError } from "./errors.ts";
import { IndexedObjects, type IndexFunction } from "./indexed-objects.ts";
import { isLater } from "./resource-version.ts";
import type { WatchEvent } from "./transport.ts";

/** Small enough that a page in all its forms, packed, as text and as objects, does not count. */
export const pageSize = 200;
const watchTimeoutSeconds = 420;
const firstRetrySeconds = 0.2;
/** A kind that is not there, or that may not be read, is seldom there a moment later. */
const firstRefusedRetrySeconds = 1;
const longestRetrySeconds = 30;
/** A watch that held this long counts as working, even if nothing happened in that time. */
const steadySeconds = 2;
/** How many deletions are remembered so that late events do not bring objects back. */
const rememberedDeletions = 1000;

export interface Change<T> {
  readonly type: "added" | "updated" | "deleted";
  /** As it is now; for a deletion as it was last. */
  readonly object: T;
  /** What an update replaced. */
  readonly previous?: T;
}

export interface WatchCacheOptions<T, Wire = T> {
  readonly client: KubernetesClient;
  readonly clock: Clock;
  readonly resource: Resource;
  /** All namespaces when absent. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  /** Makes of each object, as it comes from the server, what is needed; `metadata.managedFields` is dropped in any case. */
  readonly trim?: (object: Wire) => T;
  readonly indexes?: Readonly<Record<string, IndexFunction<T>>>;
  /** Told once per distinct problem, with its cause, and once (without a cause) when it is over. */
  readonly onProblem?: (text: string, cause?: Error) => void;
}

/**
 * The objects of one kind as the API server last told: listed once, then kept up to date by a watch. Content is never dropped
 * while the server is away; when history is lost everything is listed anew and only real differences are told.
 */
export class WatchCache<T extends KubernetesObject, Wire extends KubernetesObject = T> {
  readonly #options: WatchCacheOptions<T, Wire>;
  readonly #apiVersion: string;
  readonly #objects: IndexedObjects<T>;
  readonly #subscribers = new Set<(change: Change<T>) => void>();
  readonly #deletedAt = new Map<string, string>();
  readonly #problems = new Set<string>();
  readonly #firstSync = Promise.withResolvers<void>();
  #session: Session | undefined;
  #synced = false;
  /** Where the watch goes on; undefined when everything has to be listed first. */
  #version: string | undefined;
  #failures = 0;
  #pageSize: number | undefined = pageSize;

  constructor(options: WatchCacheOptions<T, Wire>) {
    this.#options = options;
    this.#apiVersion = apiVersionOf(options.resource);
    this.#objects = new IndexedObjects(options.indexes);
  }

  start(): void {
    if (this.#session !== undefined) return;
    this.#session = { stopped: false, cancelWatch: () => {}, cancelRetry: () => {} };
    this.#proceed(this.#session);
  }

  /** Ends all traffic; what is cached stays readable. */
  stop(): void {
    const session = this.#session;
    if (session === undefined) return;
    this.#session = undefined;
    session.stopped = true;
    session.cancelWatch();
    session.cancelRetry();
  }

  get resource(): Resource {
    return this.#options.resource;
  }

  /** Whether everything has been listed once. */
  get synced(): boolean {
    return this.#synced;
  }

  /** Fulfilled once everything has been listed; stays open as long as the server cannot be read. */
  whenSynced(): Promise<void> {
    return this.#firstSync.promise;
  }

  get(namespace: string, name: string): T | undefined {
    return this.#objects.get(namespace, name);
  }

  list(namespace?: string): readonly T[] {
    return this.#objects.list(namespace);
  }

  by(index: string, key: string): readonly T[] {
    return this.#objects.by(index, key);
  }

  /** Calls `subscriber` for every change from now on, at once and in order, after the cache itself has taken it in. */
  subscribe(subscriber: (change: Change<T>) => void): Cancel {
    this.#subscribers.add(subscriber);
    return () => this.#subscribers.delete(subscriber);
  }

  #proceed(session: Session): void {
    if (this.#version === undefined) void this.#listAnew(session);
    else this.#watchFrom(this.#version, session);
  }

  async #listAnew(session: Session): Promise<void> {
    const listed = await this.#list().catch((error: unknown) => asError(error));
    if (session.stopped) return;
    if (listed instanceof Error) {
      // Pages that expire while they are read are better read in one piece.
      if (listed instanceof ApiError && listed.kind === "expired") this.#pageSize = undefined;
      this.#retry(session, listed);
      return;
    }
    this.#pageSize = pageSize;
    this.#replace(listed.objects);
    this.#version = listed.version;
    if (!this.#synced) {
      this.#synced = true;
      this.#firstSync.resolve();
    }
    if (!session.stopped) this.#watchFrom(listed.version, session);
  }

  async #list(): Promise<{ objects: ReadonlyMap<string, T>; version: string }> {
    const objects = new Map<string, T>();
    let next: string | undefined;
    for (;;) {
      const { resourceVersion, continue: more } = await this.#listPage(next, objects);
      next = more;
      if (next === undefined || next === "") return { objects, version: resourceVersion };
    }
  }

  /** Adds what is needed of a page to `objects`. The page itself, far larger, is dropped before the next one is asked for. */
  async #listPage(start: string | undefined, objects: Map<string, T>): Promise<ObjectList<Wire>["metadata"]> {
    const { client, resource, namespace, labelSelector } = this.#options;
    const { items, metadata } = await client.list<Wire>(resource, {
      namespace,
      labelSelector,
      limit: this.#pageSize,
      continue: start,
    });
    for (const item of items) {
      const held = this.#held(item);
      const { uid, resourceVersion } = item.metadata;
      const isHeld = held?.metadata.uid === uid && held?.metadata.resourceVersion === resourceVersion;
      objects.set(keyOf(item), held !== undefined && isHeld ? held : this.#trim(item));
    }
    return metadata;
  }

  /** A list is the whole truth: it counts even where versions have gone back (a restored backup). */
  #replace(objects: ReadonlyMap<string, T>): void {
    this.#deletedAt.clear();
    for (const held of this.#objects.list()) if (!objects.has(keyOf(held))) this.#remove(held);
    for (const object of objects.values()) this.#put(object);
  }

  #watchFrom(version: string, session: Session): void {
    const { client, clock, resource, namespace, labelSelector } = this.#options;
    const startedAt = clock.now();
    let hasServed = false;
    let isOver = false;
    const end = (error?: Error): void => {
      if (isOver || session.stopped) return;
      isOver = true;
      hasServed ||= clock.now() >= later(startedAt, steadySeconds);
      if (hasServed) this.#failures = 0;
      if (error === undefined && hasServed) this.#proceed(session);
      else this.#retry(session, error ?? new Error("the watch ended as soon as it was opened"), hasServed);
    };
    let cancel: Cancel = () => {};
    cancel = client.watch(
      resource,
      { namespace, labelSelector, resourceVersion: version, timeoutSeconds: watchTimeoutSeconds },
      {
        opened: () => {
          if (!session.stopped) this.#problemIsOver();
        },
        event: (event) => {
          if (isOver || session.stopped) return;
          if (event.type === "ERROR") {
            end(ApiError.fromResponse(event.object.code ?? 500, event.object));
            cancel();
          } else {
            hasServed = true;
            this.#take(event);
          }
        },
        ended: end,
      },
    );
    if (isOver) cancel();
    else session.cancelWatch = cancel;
  }

  #take(event: Exclude<WatchEvent, { type: "ERROR" }>): void {
    const version = event.object.metadata.resourceVersion;
    if (isLater(version, this.#version)) this.#version = version;
    if (event.type === "BOOKMARK") return;
    const key = keyOf(event.object);
    const held = this.#held(event.object);
    // A connection may tell again or late what is known already.
    if (!isLater(version, held?.metadata.resourceVersion ?? this.#deletedAt.get(key) ?? "0")) return;
    if (event.type !== "DELETED") {
      this.#put(this.#trim(event.object as Wire));
      return;
    }
    this.#rememberDeletion(key, version ?? "0");
    if (held !== undefined) this.#remove(held);
  }

  #rememberDeletion(key: string, version: string): void {
    this.#deletedAt.delete(key);
    this.#deletedAt.set(key, version);
    const [oldest] = this.#deletedAt.keys();
    if (oldest !== undefined && this.#deletedAt.size > rememberedDeletions) this.#deletedAt.delete(oldest);
  }

  #put(object: T): void {
    const held = this.#held(object);
    if (held === object) return;
    // Same name, another identity: the end of the first one was missed.
    if (held !== undefined && held.metadata.uid !== object.metadata.uid) this.#remove(held);
    const previous = this.#held(object);
    this.#objects.put(object);
    this.#tell(previous === undefined ? { type: "added", object } : { type: "updated", object, previous });
  }

  #remove(held: T): void {
    this.#objects.remove(held.metadata.namespace ?? "", held.metadata.name);
    this.#tell({ type: "deleted", object: held });
  }

  #tell(change: Change<T>): void {
    for (const subscriber of this.#subscribers) subscriber(change);
  }

  #held(object: KubernetesObject): T | undefined {
    return this.#objects.get(object.metadata.namespace ?? "", object.metadata.name);
  }

  #trim(object: Wire): T {
    const { resource, trim } = this.#options;
    const metadata: Wire["metadata"] & { managedFields?: unknown } = { ...object.metadata };
    delete metadata.managedFields;
    // Items of a list may come without their kind.
    const whole = { ...object, apiVersion: this.#apiVersion, kind: resource.kind, metadata };
    return trim === undefined ? (whole as KubernetesObject as T) : trim(whole);
  }

  #retry(session: Session, error: Error, wasWorking = false): void {
    this.#failures += 1;
    const kind = error instanceof ApiError ? error.kind : undefined;
    const isRefused = kind === "notFound" || kind === "forbidden";
    const mustList = isRefused || isExpired(error);
    if (mustList) this.#version = undefined;
    // A broken connection that can be taken up again, or lost history, is everyday life and no problem yet.
    if (!wasWorking && !(isExpired(error) && this.#failures === 1)) this.#report(error);
    const first = isRefused ? firstRefusedRetrySeconds : firstRetrySeconds;
    const wait =
      isExpired(error) && this.#failures === 1
        ? 0
        : backoffSeconds(this.#failures, first, longestRetrySeconds);
    const { clock } = this.#options;
    session.cancelRetry = clock.at(later(clock.now(), wait), () => this.#proceed(session));
  }

  #report(error: Error): void {
    const text = `cannot watch ${this.#name}: ${explain(error)}`;
    if (this.#problems.has(text)) return;
    this.#problems.add(text);
    this.#options.onProblem?.(text, error);
  }

  #problemIsOver(): void {
    if (this.#problems.size === 0) return;
    this.#problems.clear();
    this.#options.onProblem?.(`watching ${this.#name} again`);
  }

  get #name(): string {
    const { group, plural } = this.#options.resource;
    return group === "" ? plural : `${plural}.${group}`;
  }
}

/** One start of the cache, until its stop; answers that belong to a former one are dropped. */
interface Session {
  stopped: boolean;
  cancelWatch: Cancel;
  cancelRetry: Cancel;
}

function keyOf({ metadata }: KubernetesObject): string {
  return `${metadata.namespace ?? ""}/${metadata.name}`;
}

/** The server no longer has, or not yet has, the history that the watch asked for. */
function isExpired(error: Error): boolean {
  if (!(error instanceof ApiError)) return false;
  const causes = error.status?.details?.causes ?? [];
  return error.kind === "expired" || causes.some(({ reason }) => reason === "ResourceVersionTooLarge");
}

function explain(error: Error): string {
  const kind = error instanceof ApiError ? error.kind : undefined;
  if (kind === "notFound")
    return "the API server does not know this kind; is its CustomResourceDefinition installed?";
  if (kind === "forbidden") return `${error.message}; these credentials need the verbs list and watch`;
  return error.message;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
