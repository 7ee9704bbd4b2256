import type { KubernetesObject, Status } from "../api/core.ts";
import { keyOf } from "../api/metadata.ts";
import { apiVersionOf, type Resource } from "../api/resources.ts";
import { retrySeconds } from "../time/backoff.ts";
import { type Cancel, type Clock, later } from "../time/clock.ts";
import type { KubernetesClient, ListOptions, ObjectList } from "./client.ts";
import { ApiError } from "./errors.ts";
import { IndexedObjects, type IndexFunction } from "./indexed-objects.ts";
import { isLater, isNumbered } from "./resource-version.ts";
import type { WatchEvent } from "./transport.ts";
import { WatchSilence } from "./watch-silence.ts";

/** Small enough that a page in all its forms, packed, as text and as objects, does not count. */
export const pageSize = 200;
const watchTimeoutSeconds = 420;
const firstRetrySeconds = 0.2;
/** A kind that is not there, or that may not be read, is seldom there a moment later. */
const firstRefusedRetrySeconds = 1;
const longestRetrySeconds = 30;
/** A watch that has told nothing new counts as working once it has held this long: many a proxy lets it begin. */
const steadySeconds = 2;
/** So many failures in a row count at most for a watch that brings news each time; the next wait is 1.6 s. */
const mostFailuresWithNews = 3;
/** How many deletions are remembered so that late events do not bring objects back. */
const rememberedDeletions = 1000;
/** How many of them are told once only. */
const rememberedOddities = 1000;

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
  /** Told once per distinct problem, with its cause, and once (without a cause) when it is over. Must not throw. */
  readonly onProblem?: (text: string, cause?: Error) => void;
  /** Called when the content has become known, or the server refuses to tell of it. Must not throw. */
  readonly onKnowledge?: () => void;
}

/**
 * The objects of one kind as the API server last told: listed once, then kept up to date by a watch. Content is never dropped
 * while the server is away; when history is lost everything is listed anew and only real differences are told. An object
 * that cannot be understood is a problem that is told, and stays as it was last understood.
 */
export class WatchCache<T extends KubernetesObject, Wire extends KubernetesObject = T> {
  readonly #options: WatchCacheOptions<T, Wire>;
  readonly #apiVersion: string;
  readonly #objects: IndexedObjects<T>;
  readonly #subscribers = new Set<(change: Change<T>) => void>();
  readonly #deletedAt = new Map<string, string>();
  /** What is wrong with the connection, as it was told. */
  readonly #problems = new Set<string>();
  /** Bugs, and objects that cannot be understood, as they were told. */
  readonly #oddities = new Set<string>();
  readonly #firstSync = Promise.withResolvers<void>();
  readonly #silence: WatchSilence;
  #session: Session | undefined;
  #synced = false;
  /** Where the watch goes on; undefined when everything has to be listed first. */
  #version: string | undefined;
  /** As of when everything was listed last. */
  #listedAt = "0";
  #failures = 0;
  /** Why the server will not tell of this kind. */
  #refusal: string | undefined;
  #isMissing = false;
  /** What went wrong last, before everything has been read for the first time. */
  #firstProblem: string | undefined;
  #pageSize: number | undefined = pageSize;

  constructor(options: WatchCacheOptions<T, Wire>) {
    this.#options = options;
    this.#silence = new WatchSilence(options.clock);
    this.#apiVersion = apiVersionOf(options.resource);
    this.#objects = new IndexedObjects(options.indexes);
  }

  start(): void {
    if (this.#session !== undefined) return;
    this.#session = { stopped: false, cancelWatch: () => {}, cancelTimer: () => {} };
    this.#proceed(this.#session);
  }

  /** Ends all traffic; what is cached stays readable. */
  stop(): void {
    const session = this.#session;
    if (session === undefined) return;
    this.#session = undefined;
    session.stopped = true;
    session.cancelWatch();
    session.cancelTimer();
    this.#silence.end();
  }

  get resource(): Resource {
    return this.#options.resource;
  }

  /** Whether everything has been listed once. */
  get synced(): boolean {
    return this.#synced;
  }

  /**
   * Why the content must not be relied on: nothing has been read yet, or the server refuses to tell what has become of it.
   * Undefined while it can be, also when the server is away: then it is as good as anything that can be known.
   */
  get unknownBecause(): string | undefined {
    if (this.#refusal !== undefined || this.#synced) return this.#refusal;
    return this.#firstProblem ?? `${this.#name} have not been read yet`;
  }

  /** Whether the server says that there is no such kind: its definition is not installed. */
  get isMissing(): boolean {
    return this.#isMissing;
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

  /**
   * Calls `subscriber` for every change from now on, at once and in order, after the cache itself has taken it in. One that
   * throws is a problem that is told; the others and later changes are not affected.
   */
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
    this.#version = listed.version;
    this.#listedAt = listed.version;
    this.#replace(listed.objects);
    if (!this.#synced) {
      this.#synced = true;
      this.#firstSync.resolve();
      this.#refusal = undefined;
      this.#isMissing = false;
      this.#options.onKnowledge?.();
    }
    // Of a subscriber, to whom the differences were told.
    if (!session.stopped) this.#watchFrom(listed.version, session);
  }

  async #list(): Promise<{ objects: ReadonlyMap<string, T>; version: string }> {
    const found: Found<T> = { objects: new Map(), named: new Set(), nameless: [] };
    const pages = new Set<string>();
    let next: string | undefined;
    for (;;) {
      const { resourceVersion, continue: more } = await this.#listPage({ continue: next }, found);
      if (typeof resourceVersion !== "string") throw new Error("the server's list has no version");
      if (more === undefined || more === "") {
        await this.#lookUpUnnamed(found);
        return { objects: found.objects, version: resourceVersion };
      }
      if (pages.has(more)) throw new Error("the server answers the same page of the list again and again");
      pages.add(more);
      next = more;
    }
  }

  /** Adds what is needed of a page to `found`. The page itself, far larger, is dropped before the next one is asked for. */
  async #listPage(
    which: Pick<ListOptions, "namespace" | "continue" | "fieldSelector">,
    { objects, named, nameless }: Found<T>,
  ): Promise<ObjectList<Wire>["metadata"]> {
    const { client, resource, namespace, labelSelector } = this.#options;
    const page = await client.page<Wire>(resource, {
      namespace,
      labelSelector,
      limit: this.#pageSize,
      ...which,
    });
    for (const item of page.items) {
      const held = this.#held(item);
      const { uid, resourceVersion } = item.metadata;
      const isHeld = held?.metadata.uid === uid && held?.metadata.resourceVersion === resourceVersion;
      const object = held !== undefined && isHeld ? held : (this.#understand(item) ?? held);
      named.add(keyOf(item));
      if (object !== undefined) objects.set(keyOf(item), object);
    }
    nameless.push(...page.nameless);
    return page.metadata ?? {};
  }

  /** An item without a name may be any object that the list does not name: each of those is asked for by itself. */
  async #lookUpUnnamed({ objects, named, nameless }: Found<T>): Promise<void> {
    if (nameless.length === 0) return;
    const what = `a list of ${this.#name} has an item without a name`;
    if (named.size === 0) throw new Error(`${what}, and none with one; is a proxy in between?`);
    const [first] = nameless;
    this.#reportOddity(`${what}, which is left out: ${JSON.stringify(first).slice(0, 200)}`, new Error(what));
    for (const held of this.#objects.list()) {
      if (named.has(keyOf(held))) continue;
      const { namespace, name } = held.metadata;
      const alone: Found<T> = { objects, named, nameless: [] };
      await this.#listPage({ namespace, fieldSelector: `metadata.name=${name}` }, alone);
      if (alone.nameless.length > 0) objects.set(keyOf(held), held);
    }
  }

  /** A list is the whole truth: it counts even where versions have gone back (a restored backup). */
  #replace(objects: ReadonlyMap<string, T>): void {
    this.#deletedAt.clear();
    for (const held of this.#objects.list()) if (!objects.has(keyOf(held))) this.#remove(held);
    for (const object of objects.values()) this.#put(object);
  }

  #watchFrom(version: string, session: Session): void {
    const { client, clock, resource, namespace, labelSelector } = this.#options;
    let hasOpened = false;
    let isSteady = false;
    let isOver = false;
    const end = (error?: Error): void => {
      if (isOver || session.stopped) return;
      isOver = true;
      session.cancelTimer();
      this.#silence.end();
      if (error === undefined && isSteady) this.#proceed(session);
      else this.#retry(session, error ?? new Error("the watch ended as soon as it was opened"), hasOpened);
    };
    let cancel: Cancel = () => {};
    cancel = client.watch(
      resource,
      { namespace, labelSelector, resourceVersion: version, timeoutSeconds: watchTimeoutSeconds },
      {
        opened: () => {
          if (isOver || session.stopped) return;
          hasOpened = true;
          this.#isMissing = false;
          this.#setRefusal(undefined);
          session.cancelTimer = clock.at(later(clock.now(), steadySeconds), () => {
            isSteady = true;
            this.#failures = 0;
            this.#problemIsOver();
          });
          this.#silence.begin(() => {
            cancel();
            end();
          });
        },
        event: (event) => {
          if (isOver || session.stopped) return;
          this.#silence.heard(event.type === "BOOKMARK");
          const error = event.type === "ERROR" ? errorOf(event.object) : this.#take(event);
          if (error === undefined) return;
          end(error);
          cancel();
        },
        ended: end,
      },
    );
    if (isOver) cancel();
    else session.cancelWatch = cancel;
  }

  /** Answers what is wrong with the event. */
  #take(event: Exclude<WatchEvent, { type: "ERROR" }>): Error | undefined {
    const { name, resourceVersion: version } = event.object.metadata;
    // A text that is no version would be asked for ever after: where the list has told a number, a watch tells numbers too.
    const isVersion = isNumbered(version) || (version !== "" && !isNumbered(this.#version));
    const isNews = version !== undefined && isVersion && isLater(version, this.#version);
    if (isNews) this.#version = version;
    if (event.type === "BOOKMARK") return undefined;
    // What brings news gets on, however often it is cut off: it is not waited for longer than a second or two.
    if (isNews) this.#failures = Math.min(this.#failures, mostFailuresWithNews);
    if (typeof name !== "string")
      return new ApiError("expired", `the watch told of an object without a name (${event.type})`);
    const key = keyOf(event.object);
    const held = this.#held(event.object);
    // A connection may tell again or late what is known already; what is not there was gone when everything was listed.
    const known = held?.metadata.resourceVersion ?? this.#deletedAt.get(key) ?? this.#listedAt;
    if (!isLater(version, known)) return undefined;
    if (event.type !== "DELETED") {
      const object = this.#understand(event.object as Wire);
      if (object !== undefined) this.#put(object);
      return undefined;
    }
    this.#rememberDeletion(key, version ?? "0");
    if (held !== undefined) this.#remove(held);
    return undefined;
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
    try {
      this.#objects.put(object);
    } catch (error) {
      this.#misunderstood(object, error);
      return;
    }
    this.#tell(previous === undefined ? { type: "added", object } : { type: "updated", object, previous });
  }

  #remove(held: T): void {
    this.#objects.remove(held.metadata.namespace ?? "", held.metadata.name);
    this.#tell({ type: "deleted", object: held });
  }

  #tell(change: Change<T>): void {
    for (const subscriber of this.#subscribers) {
      try {
        subscriber(change);
      } catch (bug) {
        const what = `internal error after ${keyOf(change.object)} of ${this.#name} was ${change.type}`;
        this.#reportOddity(`${what}: ${stackOf(bug)}`, bug);
      }
    }
  }

  #held(object: KubernetesObject): T | undefined {
    return this.#objects.get(object.metadata.namespace ?? "", object.metadata.name);
  }

  /** What is kept of an object; undefined when it is not as objects of its kind are. */
  #understand(object: Wire): T | undefined {
    try {
      return this.#trim(object);
    } catch (error) {
      this.#misunderstood(object, error);
      return undefined;
    }
  }

  #misunderstood(object: KubernetesObject, error: unknown): void {
    this.#reportOddity(`cannot understand ${keyOf(object)} of ${this.#name}: ${stackOf(error)}`, error);
  }

  #trim(object: Wire): T {
    const { resource, trim } = this.#options;
    const metadata: Wire["metadata"] & { managedFields?: unknown } = { ...object.metadata };
    delete metadata.managedFields;
    // Items of a list may come without their kind.
    const whole = { ...object, apiVersion: this.#apiVersion, kind: resource.kind, metadata };
    return trim === undefined ? (whole as KubernetesObject as T) : trim(whole);
  }

  #retry(session: Session, error: Error, hadOpened = false): void {
    this.#failures += 1;
    const kind = error instanceof ApiError ? error.kind : undefined;
    const isRefused = kind === "notFound" || kind === "forbidden";
    const isFirst = this.#failures === 1;
    const text = `cannot watch ${this.#name}: ${explain(error)}`;
    if (!this.#synced) this.#firstProblem = text;
    if (isRefused) {
      this.#isMissing = kind === "notFound";
      this.#setRefusal(text);
    }
    if (isRefused || isExpired(error)) this.#version = undefined;
    // A connection that breaks once and can be taken up again, or lost history, is everyday life and no problem yet.
    if (!isFirst || !(hadOpened || isExpired(error))) this.#report(text, error);
    const { clock } = this.#options;
    const wait = retrySeconds(clock, {
      failures: this.#failures,
      first: isRefused ? firstRefusedRetrySeconds : firstRetrySeconds,
      limit: longestRetrySeconds,
      retryAfter: error instanceof ApiError ? error.retryAfterSeconds : undefined,
    });
    const seconds = isFirst && isExpired(error) ? 0 : wait;
    session.cancelTimer = clock.at(later(clock.now(), seconds), () => this.#proceed(session));
  }

  #report(text: string, cause: Error): void {
    if (this.#problems.has(text)) return;
    this.#problems.add(text);
    this.#options.onProblem?.(text, cause);
  }

  #reportOddity(text: string, cause: unknown): void {
    if (this.#oddities.has(text)) return;
    if (this.#oddities.size >= rememberedOddities) this.#oddities.clear();
    this.#oddities.add(text);
    this.#options.onProblem?.(text, asError(cause));
  }

  #setRefusal(refusal: string | undefined): void {
    if (this.#refusal === refusal) return;
    this.#refusal = refusal;
    this.#options.onKnowledge?.();
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

/** What a list has told so far. */
interface Found<T> {
  readonly objects: Map<string, T>;
  /** The keys of all, also of those that were not understood. */
  readonly named: Set<string>;
  readonly nameless: unknown[];
}

/** One start of the cache, until its stop; answers that belong to a former one are dropped. */
interface Session {
  stopped: boolean;
  cancelWatch: Cancel;
  /** Of the next attempt, or of the moment from which the watch counts as working. */
  cancelTimer: Cancel;
}

/**
 * What an ERROR event says. Whatever it is, but a server that asks for patience, the watch cannot be taken up again where it
 * stood: with the same version the server would say the same again.
 */
function errorOf(status: Status): ApiError {
  const error = ApiError.fromResponse(status.code ?? 500, status);
  if (error.kind === "expired" || error.retryAfterSeconds !== undefined) return error;
  return new ApiError("expired", error.message, error.code, error.status);
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

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
