import type { KubernetesObject } from "../api/core.ts";
import { resources } from "../api/resources.ts";
import { retrySeconds } from "../time/backoff.ts";
import { type Cancel, type Clock, formatTime, type Instant, later } from "../time/clock.ts";
import { pause } from "../time/pause.ts";
import type { KubernetesClient } from "./client.ts";
import { ApiError } from "./errors.ts";

/** Something that people should hear about an object. */
export interface News {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
  /** The part of the object that it is about. */
  readonly fieldPath?: string;
}

/** In whose name Events are written: a component, on one host where it has one on each. */
export interface EventSource {
  readonly component: string;
  readonly host?: string;
}

/** Where news of objects go. */
export interface EventSink {
  record(about: KubernetesObject, told: News): void;
}

/** How Events reach the API; both throw an `ApiError`. */
export interface EventWriter {
  createEvent(namespace: string, event: object): Promise<void>;
  patchEvent(namespace: string, name: string, patch: object): Promise<void>;
}

export interface EventRecorderOptions {
  readonly writer: EventWriter;
  readonly clock: Clock;
  readonly source: EventSource;
  readonly onProblem: (text: string) => void;
}

interface Recorded {
  readonly key: string;
  readonly involvedObject: { readonly name: string; readonly namespace?: string | undefined };
  /** The last of them, where several that differ are counted as one. */
  news: News;
  readonly source: EventSource;
  firstAt: Instant;
  lastAt: Instant;
  count: number;
  /** The name of its Event, and the count that stands in it. */
  written: { readonly name: string; readonly count: number } | undefined;
  recountedAt: Instant | undefined;
  cancelRecount: Cancel | undefined;
}

interface Similar {
  readonly messages: Set<string>;
  lastAt: Instant;
}

/** Within this time the same event is counted up instead of being written anew; then API servers forget Events. */
const repeatSeconds = 3600;
/** So many that differ only in their message are written one by one; those that follow within this time count as one. */
const mostSimilar = 10;
const similarSeconds = 600;
const combined = "(combined from similar events): ";
/** What happens every second must not cause a write every second. */
const recountSeconds = 10;
const longestQueue = 10_000;
const firstRetrySeconds = 0.2;
const longestRetrySeconds = 30;
/** An Event's name is its object's and a number; names have 253 characters at most. */
const longestObjectName = 230;

/**
 * Writes Events in the order in which they happened. Nobody waits for them: while the API server refuses or is away they
 * queue, and none is dropped before the queue is full. News told again only raise the count of the Event that is there, and
 * so do, as with Kubernetes' own recorders, news that differ in nothing but their message when there are many of them.
 */
export class EventRecorder implements EventSink {
  readonly #options: EventRecorderOptions;
  readonly #recorded = new Map<string, Recorded>();
  readonly #similar = new Map<string, Similar>();
  readonly #pending = new Set<Recorded>();
  readonly #stopping = new AbortController();
  #number = 0;
  #draining: Promise<void> | undefined;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  /** `source`: who tells, where that is not the recorder's own. */
  record(about: KubernetesObject, told: News, source = this.#options.source): void {
    const { apiVersion, kind } = about;
    const { name, namespace, uid, resourceVersion } = about.metadata;
    const { type, reason, fieldPath } = told;
    const similar = JSON.stringify([uid, source, type, reason]);
    const isOneOfMany = this.#isOneOfMany(similar, told.message);
    const message = isOneOfMany ? `${combined}${told.message}` : told.message;
    const news = { ...told, message };
    const key = isOneOfMany ? similar : JSON.stringify([uid, fieldPath, type, reason, message]);
    const now = this.#options.clock.now();
    const known = this.#recorded.get(key);
    if (known !== undefined && now < later(known.lastAt, repeatSeconds)) {
      known.count += 1;
      known.lastAt = now;
      known.news = news;
      this.#remember(known);
      this.#recount(known);
    } else if (this.#pending.size >= longestQueue) {
      this.#options.onProblem(`too many events wait to be written; dropped ${reason}: ${message}`);
    } else {
      const involvedObject = {
        apiVersion,
        kind,
        name,
        namespace,
        uid,
        resourceVersion,
        ...(fieldPath === undefined ? {} : { fieldPath }),
      };
      const recorded: Recorded = {
        key,
        involvedObject,
        news,
        source,
        firstAt: now,
        lastAt: now,
        count: 1,
        written: undefined,
        recountedAt: undefined,
        cancelRecount: undefined,
      };
      this.#remember(recorded);
      this.#enqueue(recorded);
    }
  }

  /** Writes what is waiting, as long as that works at once. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const recorded of this.#recorded.values()) if (recorded.cancelRecount) this.#enqueue(recorded);
    await this.#draining;
  }

  /** Whether so many were told lately that differ only in their message that this one is not written for itself. */
  #isOneOfMany(key: string, message: string): boolean {
    const now = this.#options.clock.now();
    const before = this.#similar.get(key);
    const isOver = before === undefined || now > later(before.lastAt, similarSeconds);
    const similar = isOver ? { messages: new Set<string>(), lastAt: now } : before;
    similar.lastAt = now;
    this.#similar.delete(key);
    this.#similar.set(key, similar);
    for (const [oldest, { lastAt }] of this.#similar) {
      if (now <= later(lastAt, similarSeconds)) break;
      this.#similar.delete(oldest);
    }
    if (similar.messages.has(message)) return false;
    if (similar.messages.size >= mostSimilar) return true;
    similar.messages.add(message);
    return false;
  }

  #remember(recorded: Recorded): void {
    this.#recorded.delete(recorded.key);
    this.#recorded.set(recorded.key, recorded);
    for (const [oldest, { lastAt }] of this.#recorded) {
      if (recorded.lastAt < later(lastAt, repeatSeconds)) return;
      this.#recorded.delete(oldest);
    }
  }

  #recount(recorded: Recorded): void {
    if (recorded.cancelRecount !== undefined) return;
    const { recountedAt } = recorded;
    const { clock } = this.#options;
    const at = recountedAt === undefined ? clock.now() : later(recountedAt, recountSeconds);
    if (this.#stopping.signal.aborted || at <= clock.now()) this.#enqueue(recorded);
    else recorded.cancelRecount = clock.at(at, () => this.#enqueue(recorded));
  }

  #enqueue(recorded: Recorded): void {
    recorded.cancelRecount?.();
    recorded.cancelRecount = undefined;
    this.#pending.add(recorded);
    this.#draining ??= this.#drain();
  }

  async #drain(): Promise<void> {
    const { clock, onProblem } = this.#options;
    const stopping = this.#stopping.signal;
    let failures = 0;
    for (let [next] = this.#pending; next !== undefined; [next] = this.#pending) {
      const error = await this.#write(next).catch((cause: unknown) => cause);
      if (error === undefined) {
        failures = 0;
        this.#pending.delete(next);
        if (next.written?.count !== next.count) this.#recount(next);
      } else if (!isPassing(error)) {
        const { reason, message } = next.news;
        if (!isUnreadable(error)) onProblem(`an event was refused: ${textOf(error)} (${reason}: ${message})`);
        this.#pending.delete(next);
        this.#recorded.delete(next.key);
      } else if (stopping.aborted) {
        onProblem(`stopped with ${this.#pending.size} events unwritten: ${textOf(error)}`);
        this.#pending.clear();
      } else {
        failures += 1;
        if (failures === 1) onProblem(`events cannot be written now and wait: ${textOf(error)}`);
        const seconds = retrySeconds(clock, {
          failures,
          first: firstRetrySeconds,
          limit: longestRetrySeconds,
          retryAfter: error instanceof ApiError ? error.retryAfterSeconds : undefined,
        });
        await pause(clock, later(clock.now(), seconds), stopping);
      }
    }
    this.#draining = undefined;
  }

  async #write(recorded: Recorded): Promise<void> {
    if (recorded.written !== undefined && (await this.#rewrite(recorded, recorded.written))) return;
    const { involvedObject, news, source, firstAt, lastAt, count } = recorded;
    const { namespace = "default" } = involvedObject;
    const name = `${involvedObject.name.slice(0, longestObjectName)}.${this.#nextNumber(lastAt)}`;
    const { type, reason, message } = news;
    await this.#options.writer.createEvent(namespace, {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name, namespace },
      involvedObject,
      type,
      reason,
      message,
      source,
      reportingComponent: source.component,
      reportingInstance: source.host ?? "",
      firstTimestamp: formatTime(firstAt),
      lastTimestamp: formatTime(lastAt),
      count,
    });
    recorded.written = { name, count };
  }

  /** False when the Event is gone; what it had counted is gone with it. */
  async #rewrite(recorded: Recorded, written: NonNullable<Recorded["written"]>): Promise<boolean> {
    const { clock, writer } = this.#options;
    const { count, lastAt, involvedObject, news } = recorded;
    const patch = { count, message: news.message, lastTimestamp: formatTime(lastAt) };
    try {
      await writer.patchEvent(involvedObject.namespace ?? "default", written.name, patch);
    } catch (error) {
      if (!(error instanceof ApiError && error.kind === "notFound")) throw error;
      recorded.count -= written.count;
      recorded.firstAt = lastAt;
      recorded.written = undefined;
      return false;
    }
    recorded.written = { name: written.name, count };
    recorded.recountedAt = clock.now();
    return true;
  }

  // Like Kubernetes' own recorders: the time in nanoseconds, here with a number in the digits that no clock has.
  #nextNumber(at: Instant): string {
    this.#number = (this.#number + 1) % 1_000_000;
    return (BigInt(Math.trunc(at)) * 1_000_000n + BigInt(this.#number)).toString(16);
  }
}

/** Writes Events with a client and nothing else. */
export function eventWriter(client: KubernetesClient): EventWriter {
  return {
    async createEvent(namespace, event) {
      await client.create(resources.events, namespace, event);
    },
    async patchEvent(namespace, name, patch) {
      await client.patch(resources.events, namespace, name, { type: "merge", body: patch });
    },
  };
}

/** Whether the same write may succeed later. A taken name is another one next time. */
function isPassing(error: unknown): boolean {
  if (!(error instanceof ApiError)) return false;
  return ["retryable", "unreachable", "conflict", "alreadyExists"].includes(error.kind);
}

/** Whether the namespace is gone or going, so that nobody could read the news. */
function isUnreadable(error: unknown): boolean {
  if (!(error instanceof ApiError)) return false;
  const causes = error.status?.details?.causes ?? [];
  return error.kind === "notFound" || causes.some(({ reason }) => reason === "NamespaceTerminating");
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
