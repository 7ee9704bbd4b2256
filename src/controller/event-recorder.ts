import type { KubernetesObject } from "../api/core.ts";
import { resources } from "../api/resources.ts";
import { ApiError } from "../kubernetes/errors.ts";
import type { PlannedEvent } from "../rollout/plan-types.ts";
import { backoffSeconds } from "../time/backoff.ts";
import { type Cancel, type Clock, formatTime, type Instant, later } from "../time/clock.ts";
import type { Writer } from "./writer.ts";

const component = "rollouts-controller";
/** Within this time the same event is counted up instead of being written anew; then API servers forget Events. */
const repeatSeconds = 3600;
const longestQueue = 10_000;
const firstRetrySeconds = 0.2;
const longestRetrySeconds = 30;
/** An Event's name is its object's and a number; names have 253 characters at most. */
const longestObjectName = 230;

interface Pending {
  readonly about: KubernetesObject;
  readonly event: PlannedEvent;
  readonly at: Instant;
}

interface Recorded {
  readonly name: string;
  readonly count: number;
  readonly lastAt: Instant;
}

/**
 * Writes Events in the order in which they happened. Nobody waits for them: while the API server refuses or is away they
 * queue, and none is dropped before the queue is full.
 */
export class EventRecorder {
  readonly #writer: Writer;
  readonly #clock: Clock;
  readonly #log: (text: string) => void;
  readonly #pending: Pending[] = [];
  readonly #recorded = new Map<string, Recorded>();
  #number = 0;
  #draining: Promise<void> | undefined;
  #wake: Cancel = () => {};
  #isStopped = false;

  constructor(writer: Writer, clock: Clock, log: (text: string) => void) {
    this.#writer = writer;
    this.#clock = clock;
    this.#log = log;
  }

  record(about: KubernetesObject, event: PlannedEvent): void {
    if (this.#pending.length >= longestQueue) {
      this.#log(`too many events wait to be written; dropped ${event.reason}: ${event.message}`);
      return;
    }
    this.#pending.push({ about, event, at: this.#clock.now() });
    this.#draining ??= this.#drain();
  }

  /** Writes what is waiting, as long as that works at once. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#wake();
    await this.#draining;
  }

  async #drain(): Promise<void> {
    let failures = 0;
    for (let next = this.#pending[0]; next !== undefined; next = this.#pending[0]) {
      const error = await this.#write(next).catch((cause: unknown) => cause);
      if (error === undefined) {
        failures = 0;
        this.#pending.shift();
      } else if (!isPassing(error)) {
        this.#log(`an event was refused: ${textOf(error)} (${next.event.reason}: ${next.event.message})`);
        this.#pending.shift();
      } else if (this.#isStopped) {
        this.#log(`stopped with ${this.#pending.length} events unwritten: ${textOf(error)}`);
        this.#pending.length = 0;
      } else {
        failures += 1;
        if (failures === 1) this.#log(`events cannot be written now and wait: ${textOf(error)}`);
        await this.#pause(backoffSeconds(failures, firstRetrySeconds, longestRetrySeconds));
      }
    }
    this.#draining = undefined;
  }

  #pause(seconds: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.at(later(this.#clock.now(), seconds), resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }

  async #write(pending: Pending): Promise<void> {
    const { about, event, at } = pending;
    const key = JSON.stringify([about.metadata.uid, event.type, event.reason, event.message]);
    const former = this.#recorded.get(key);
    if (former !== undefined && at < later(former.lastAt, repeatSeconds)) {
      if (await this.#repeat(pending, key, former)) return;
    }
    const name = await this.#create(pending);
    this.#remember(key, { name, count: 1, lastAt: at });
  }

  /** False when the former Event is gone. */
  async #repeat({ about, at }: Pending, key: string, former: Recorded): Promise<boolean> {
    const namespace = about.metadata.namespace ?? "default";
    const count = former.count + 1;
    const target = { resource: resources.events, namespace, name: former.name };
    try {
      await this.#writer.repeatEvent(target, { count, lastTimestamp: formatTime(at) });
    } catch (error) {
      if (error instanceof ApiError && error.kind === "notFound") return false;
      throw error;
    }
    this.#remember(key, { name: former.name, count, lastAt: at });
    return true;
  }

  async #create({ about, event, at }: Pending): Promise<string> {
    const { name: objectName, namespace = "default", uid, resourceVersion } = about.metadata;
    const name = `${objectName.slice(0, longestObjectName)}.${this.#nextNumber(at)}`;
    const time = formatTime(at);
    await this.#writer.createEvent(
      { resource: resources.events, namespace },
      {
        apiVersion: "v1",
        kind: "Event",
        metadata: { name, namespace },
        involvedObject: {
          apiVersion: about.apiVersion,
          kind: about.kind,
          name: objectName,
          namespace,
          uid,
          resourceVersion,
        },
        ...event,
        source: { component },
        reportingComponent: component,
        reportingInstance: "",
        firstTimestamp: time,
        lastTimestamp: time,
        count: 1,
      },
    );
    return name;
  }

  // Like Kubernetes' own recorders: the time in nanoseconds, here with a number in the digits that no clock has.
  #nextNumber(at: Instant): string {
    this.#number = (this.#number + 1) % 1_000_000;
    return (BigInt(Math.trunc(at)) * 1_000_000n + BigInt(this.#number)).toString(16);
  }

  #remember(key: string, recorded: Recorded): void {
    this.#recorded.delete(key);
    this.#recorded.set(key, recorded);
    for (const [oldest, { lastAt }] of this.#recorded) {
      if (recorded.lastAt < later(lastAt, repeatSeconds)) return;
      this.#recorded.delete(oldest);
    }
  }
}

/** Whether the same write may succeed later. A taken name is another one next time. */
function isPassing(error: unknown): boolean {
  if (!(error instanceof ApiError)) return false;
  return ["retryable", "unreachable", "conflict", "alreadyExists"].includes(error.kind);
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
