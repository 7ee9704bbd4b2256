import type { KubernetesObject } from "../../api/core.ts";
import { apiVersionOf } from "../../api/resources.ts";
import { ApiError } from "../../kubernetes/errors.ts";
import type { WatchSink } from "../../kubernetes/transport.ts";
import { type Cancel, type Clock, later } from "../../time/clock.ts";
import type { Change } from "../store/change.ts";
import { HistoryExpired, type Store } from "../store/store.ts";
import type { Kind } from "./kind.ts";
import { selectorOf } from "./list.ts";
import { integerIn } from "./options.ts";
import { expired, fieldError, invalidOption, type Refusal, serverError } from "./refusal.ts";
import type { Matcher } from "./selectors.ts";

type Query = Readonly<Record<string, string>>;

const bookmarkSeconds = 60;

/** What a watch asks for. */
export interface WatchRequest {
  readonly kind: Kind;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly query: Query;
}

/**
 * One watch: the events of the past that are asked for, then every change from then on. Events reach the sink in a microtask
 * after the write, in order; a sink that writes itself never sees events out of order.
 *
 * Nothing is queued for a sink that is slow (`WatchSink.holds`): the store's history is the queue of all watches, and what
 * exists at the beginning is shared with the store. A watch that falls behind what the history holds is told 410 and ended, as
 * on a real server; so a watch costs the same however slow it is.
 */
export class WatchFeed {
  readonly #sink: WatchSink;
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #request: WatchRequest;
  readonly #matches: Matcher | undefined;
  readonly #cancels: Cancel[] = [];
  // What exists at the beginning and is still to be told.
  readonly #initial: Iterator<KubernetesObject>;
  #isInitialTold: boolean;
  // Changes up to here are told, or were there at the beginning.
  #version: number;
  #isOpened = false;
  #isBookmarkDue = false;
  #isScheduled = false;
  #isHeld = false;
  #isEnding = false;
  #isOver = false;

  /** Throws a `Refusal` for a watch that cannot be. */
  constructor(store: Store, clock: Clock, request: WatchRequest, sink: WatchSink) {
    const start = startOf(request.query);
    const timeout = integerIn(request.query.timeoutSeconds) ?? 0;
    this.#store = store;
    this.#clock = clock;
    this.#request = request;
    this.#sink = sink;
    this.#matches = selectorOf(request.kind, request.query, request.name);
    const isWhole = start.version === undefined || start.sendsInitialEvents;
    this.#version = isWhole ? store.version : (start.version ?? 0);
    this.#initial = (isWhole ? store.list(request.kind.collection, request.namespace) : []).values();
    this.#isInitialTold = !start.sendsInitialEvents;
    this.#cancels.push(store.listen(request.kind.collection, () => this.#schedule()));
    if (request.query.allowWatchBookmarks === "true") this.#bookmarkLater();
    if (timeout > 0) this.#cancels.push(clock.at(later(clock.now(), timeout), () => this.end()));
    this.#schedule();
  }

  /** Tells the sink nothing more. */
  cancel(): void {
    this.#isOver = true;
    this.#release();
  }

  /** Ends the watch in good order, after all that the sink has still to be told and takes at once. */
  end(): void {
    if (this.#isOver) return;
    this.#isEnding = true;
    if (this.#isHeld) this.#finish();
    else this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled || this.#isOver) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      if (this.#isOver) return;
      if (!this.#isHeld) this.#tellAll();
      // What it has not taken until now, its client asks for again from the last version that it has seen.
      else if (this.#isBehind()) this.#expire();
      if (this.#isEnding && !this.#isOver) this.#finish();
    });
  }

  // Until there is nothing more, or the sink takes no more.
  #tellAll(): void {
    if (!this.#isOpened) {
      this.#isOpened = true;
      this.#sink.opened?.();
    }
    if (this.#isBehind()) this.#expire();
    while (!this.#isOver && !this.#isHeldBySink() && this.#tellNext());
  }

  // Answers whether there may be more.
  #tellNext(): boolean {
    for (let next = this.#initial.next(); next.done !== true; next = this.#initial.next()) {
      if (this.#matches !== undefined && !this.#matches(next.value)) continue;
      this.#event("ADDED", next.value);
      return true;
    }
    if (!this.#isInitialTold) {
      this.#isInitialTold = true;
      this.#bookmark({ "k8s.io/initial-events-end": "true" });
      return true;
    }
    const { kind } = this.#request;
    const change = this.#store.changeAfter(this.#version, kind.collection);
    if (change !== undefined) {
      this.#version = change.version;
      this.#change(change);
      return true;
    }
    this.#version = this.#store.version;
    if (!this.#isBookmarkDue) return false;
    this.#isBookmarkDue = false;
    this.#bookmark();
    return true;
  }

  #isHeldBySink(): boolean {
    this.#isHeld =
      this.#sink.holds?.(() => {
        this.#isHeld = false;
        this.#schedule();
      }) ?? false;
    return this.#isHeld;
  }

  #isBehind(): boolean {
    return this.#expiry() !== undefined;
  }

  #expiry(): HistoryExpired | undefined {
    // A version that is not there yet was another cluster's: a watcher that waits for it would wait for ever.
    if (this.#version > this.#store.version) return new HistoryExpired(this.#version, this.#store.version);
    const floor = this.#store.floorOf(this.#request.kind.collection);
    return this.#version < floor ? new HistoryExpired(this.#version, floor) : undefined;
  }

  #expire(): void {
    const { status } = expired(this.#expiry()?.message ?? "");
    this.#sink.event({ type: "ERROR", object: status });
    this.#finish();
  }

  #finish(): void {
    this.cancel();
    this.#sink.ended();
  }

  #change({ type, namespace, object, previous }: Change): void {
    if (this.#request.namespace !== undefined && namespace !== this.#request.namespace) return;
    if (this.#matches === undefined) {
      this.#event(type, object);
      return;
    }
    const was = previous !== undefined && this.#matches(previous);
    const is = type !== "DELETED" && this.#matches(object);
    if (is) this.#event(was ? "MODIFIED" : "ADDED", object);
    else if (was) this.#event("DELETED", asOf(previous, object));
  }

  #event(type: "ADDED" | "MODIFIED" | "DELETED", object: KubernetesObject): void {
    this.#sink.event({ type, object: this.#request.kind.show(object) });
  }

  #bookmark(annotations?: Readonly<Record<string, string>>): void {
    const { info } = this.#request.kind;
    const metadata = {
      name: "",
      resourceVersion: String(this.#version),
      ...(annotations === undefined ? {} : { annotations }),
    };
    const object = { kind: info.kind, apiVersion: apiVersionOf(info), metadata };
    this.#sink.event({ type: "BOOKMARK", object });
  }

  #bookmarkLater(): void {
    const cancel = this.#clock.at(later(this.#clock.now(), bookmarkSeconds), () => {
      this.#cancels.splice(this.#cancels.indexOf(cancel), 1);
      this.#isBookmarkDue = true;
      this.#schedule();
      this.#bookmarkLater();
    });
    this.#cancels.push(cancel);
  }

  #release(): void {
    for (const cancel of this.#cancels.splice(0)) cancel();
  }
}

// An object that left the selection is shown as it was when it was last in it.
function asOf(previous: KubernetesObject, object: KubernetesObject): KubernetesObject {
  const { resourceVersion } = object.metadata;
  const metadata = { ...previous.metadata, ...(resourceVersion === undefined ? {} : { resourceVersion }) };
  return Object.freeze({ ...previous, metadata });
}

interface Start {
  /** Changes after it are wanted; undefined for all that exists and then all changes. */
  readonly version: number | undefined;
  /** Whether a bookmark tells the end of what exists. */
  readonly sendsInitialEvents: boolean;
}

function startOf(query: Query): Start {
  const { resourceVersion = "", resourceVersionMatch = "", sendInitialEvents } = query;
  if (resourceVersion !== "" && !/^\d+$/.test(resourceVersion)) {
    throw serverError(
      `resourceVersion: Invalid value: ${JSON.stringify(resourceVersion)}: strconv.ParseUint: parsing ` +
        `${JSON.stringify(resourceVersion)}: invalid syntax`,
    );
  }
  if (sendInitialEvents !== undefined && resourceVersionMatch !== "NotOlderThan") {
    throw matchForbidden("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
  }
  if (sendInitialEvents === undefined && resourceVersionMatch !== "") {
    throw matchForbidden("resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
  }
  const version = Number(resourceVersion);
  return {
    version: version === 0 ? undefined : version,
    sendsInitialEvents: sendInitialEvents === "true",
  };
}

function matchForbidden(detail: string): Refusal {
  return invalidOption("ListOptions", fieldError.forbidden("resourceVersionMatch", detail));
}

/** Tells a sink, in a microtask, that its watch was refused. Returns what keeps that from happening. */
export function refuseWatch(sink: WatchSink, refusal: Refusal): Cancel {
  let over = false;
  queueMicrotask(() => {
    if (!over) sink.ended(ApiError.fromResponse(refusal.status.code, refusal.status));
  });
  return () => {
    over = true;
  };
}
