import type { KubernetesObject } from "../../api/core.ts";
import { keyOf, namespaceAndName } from "../../api/metadata.ts";
import type { Resource } from "../../api/resources.ts";
import { EventRecorder, eventWriter, type News } from "../../kubernetes/event-recorder.ts";
import type { Queue } from "../../kubernetes/queue.ts";
import type { WatchCache } from "../../kubernetes/watch-cache.ts";
import type { Cancel, Clock, Instant } from "../../time/clock.ts";
import { workQueue } from "../work-queue.ts";
import { StatusWriter } from "./status-writer.ts";
import type { WorkloadOptions } from "./workload-controller.ts";

export interface ControlledKind<T extends KubernetesObject> {
  readonly resource: Resource;
  readonly cache: WatchCache<T>;
  /** In whose name events are written. */
  readonly component: string;
  /** Whether a status is refused that was made of an older state of the object. */
  readonly guardsStatus?: boolean;
  /** Brings one object nearer to what it says; answers when to look again even if nothing happens. */
  readonly sync: (object: T) => Promise<Instant | undefined>;
}

/**
 * What controllers of every kind have in common: one pass after the other over each object that has changed, events about it,
 * and a status that is written when it differs. Nothing is woken by its own status.
 */
export class ControlLoop<T extends KubernetesObject & { readonly status?: object }> {
  readonly resource: Resource;
  readonly cache: WatchCache<T>;
  readonly clock: Clock;
  readonly #sync: ControlledKind<T>["sync"];
  readonly #statuses: StatusWriter<T>;
  readonly #events: EventRecorder;
  readonly #queue: Queue;
  readonly #forget: ((object: T) => void)[] = [];
  #unsubscribe: Cancel = () => {};

  constructor(options: WorkloadOptions, kind: ControlledKind<T>) {
    const { client, clock, onProblem } = options;
    this.resource = kind.resource;
    this.cache = kind.cache;
    this.clock = clock;
    this.#sync = kind.sync;
    this.#statuses = new StatusWriter(client, kind.resource, kind.guardsStatus);
    const source = { component: kind.component };
    this.#events = new EventRecorder({ ...options, writer: eventWriter(client), source });
    this.#queue = workQueue({
      clock,
      work: (key) => this.#pass(key),
      onProblem: (problem) => onProblem(`${kind.resource.kind} ${problem}`),
    });
  }

  start(): void {
    this.#unsubscribe = this.cache.subscribe(({ type, object, previous }) => {
      if (type === "deleted") for (const forget of [this.#forgetStatus, ...this.#forget]) forget(object);
      if (previous === undefined || !this.#statuses.isOwnWrite(object, previous)) this.wake(keyOf(object));
    });
    for (const object of this.cache.list()) this.wake(keyOf(object));
  }

  async stop(): Promise<void> {
    this.#unsubscribe();
    await this.#queue.stop();
    await this.#events.stop();
  }

  /** `namespace/name`. */
  wake(key: string): void {
    this.#queue.add(key);
  }

  /** Called with every object that is gone. */
  onGone(forget: (object: T) => void): void {
    this.#forget.push(forget);
  }

  tell(object: KubernetesObject, type: News["type"], reason: string, message: string): void {
    const { apiVersion, kind, metadata } = object;
    this.#events.record({ apiVersion, kind, metadata }, { type, reason, message });
  }

  /** Writes what of it differs; see `StatusWriter`. */
  writeStatus(...written: Parameters<StatusWriter<T>["write"]>): Promise<T | undefined> {
    return this.#statuses.write(...written);
  }

  readonly #forgetStatus = (object: T): void => this.#statuses.forget(object);

  async #pass(key: string): Promise<Instant | undefined> {
    const object = this.cache.get(...namespaceAndName(key));
    return object === undefined ? undefined : await this.#sync(object);
  }
}
