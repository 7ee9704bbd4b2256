import type { KubernetesObject } from "../../api/core.ts";
import { apiVersionOf } from "../../api/resources.ts";
import { ApiError } from "../../kubernetes/errors.ts";
import type { WatchEvent, WatchSink } from "../../kubernetes/transport.ts";
import { type Cancel, type Clock, later } from "../../time/clock.ts";
import { type Change, HistoryExpired, type Store } from "../store/store.ts";
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
 */
export class WatchFeed {
  readonly #sink: WatchSink;
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #request: WatchRequest;
  readonly #matches: Matcher | undefined;
  readonly #cancels: Cancel[] = [];
  // What the sink is still to be told.
  #pending: (() => void)[] = [];
  #scheduled = false;
  #over = false;

  /** Throws a `Refusal` for a watch that cannot be. */
  constructor(store: Store, clock: Clock, request: WatchRequest, sink: WatchSink) {
    const start = startOf(request.query);
    const timeout = integerIn(request.query.timeoutSeconds) ?? 0;
    this.#store = store;
    this.#clock = clock;
    this.#request = request;
    this.#sink = sink;
    this.#matches = selectorOf(request.kind, request.query, request.name);
    this.#tell(() => sink.opened?.());
    if (!this.#replay(start)) return;
    this.#cancels.push(store.listen(request.kind.collection, (change) => this.#change(change)));
    if (request.query.allowWatchBookmarks === "true") this.#bookmarkLater();
    if (timeout > 0) this.#cancels.push(clock.at(later(clock.now(), timeout), () => this.end()));
  }

  /** Tells the sink nothing more. */
  cancel(): void {
    this.#over = true;
    this.#pending = [];
    this.#release();
  }

  /** Ends the watch in good order, after all that the sink has still to be told. */
  end(): void {
    if (this.#over) return;
    this.#release();
    this.#tell(() => {
      this.#over = true;
      this.#sink.ended();
    });
  }

  // Whether changes are to follow.
  #replay({ version, sendsInitialEvents }: Start): boolean {
    const { kind, namespace } = this.#request;
    if (version === undefined || sendsInitialEvents) {
      for (const object of this.#store.list(kind.collection, namespace)) {
        if (this.#matches === undefined || this.#matches(object)) this.#event("ADDED", object);
      }
      if (sendsInitialEvents) this.#bookmark({ "k8s.io/initial-events-end": "true" });
      return true;
    }
    try {
      // A version that is not there yet was another cluster's: a watcher that waits for it would wait for ever.
      if (version > this.#store.version) throw new HistoryExpired(version, this.#store.version);
      for (const change of this.#store.changesSince(version, kind.collection)) this.#change(change);
      return true;
    } catch (error) {
      if (!(error instanceof HistoryExpired)) throw error;
      const { status } = expired(error.message);
      this.#tell(() => this.#sink.event({ type: "ERROR", object: status }));
      this.end();
      return false;
    }
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
    const event: WatchEvent = { type, object: this.#request.kind.show(object) };
    this.#tell(() => this.#sink.event(event));
  }

  #bookmark(annotations?: Readonly<Record<string, string>>): void {
    const { info } = this.#request.kind;
    const metadata = {
      name: "",
      resourceVersion: String(this.#store.version),
      ...(annotations === undefined ? {} : { annotations }),
    };
    const object = { kind: info.kind, apiVersion: apiVersionOf(info), metadata };
    this.#tell(() => this.#sink.event({ type: "BOOKMARK", object }));
  }

  #bookmarkLater(): void {
    const cancel = this.#clock.at(later(this.#clock.now(), bookmarkSeconds), () => {
      this.#cancels.splice(this.#cancels.indexOf(cancel), 1);
      this.#bookmark();
      this.#bookmarkLater();
    });
    this.#cancels.push(cancel);
  }

  #tell(what: () => void): void {
    if (this.#over) return;
    this.#pending.push(what);
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      const due = this.#pending;
      this.#pending = [];
      for (const one of due) if (!this.#over) one();
    });
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
