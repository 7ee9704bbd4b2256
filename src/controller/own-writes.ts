import type { KubernetesObject } from "../api/core.ts";
import { isLater } from "../kubernetes/resource-version.ts";
import type { Change } from "../kubernetes/watch-cache.ts";
import { type Clock, type Instant, later } from "../time/clock.ts";

/** After this time a decision is made with what the caches hold: its preconditions keep it harmless if that is old. */
const longestWaitSeconds = 30;

interface Write {
  readonly owner: string;
  readonly uid: string;
  /** Undefined for a deletion: any news of the object will do. */
  readonly resourceVersion: string | undefined;
  readonly until: Instant;
}

/**
 * What this process has written and not yet got back through its watches, by the key on whose behalf it was written. As
 * long as there is something, the caches show a world that this process itself has already changed.
 */
export class OwnWrites {
  readonly #clock: Clock;
  readonly #writes = new Map<string, Write>();
  readonly #byOwner = new Map<string, Set<string>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `held` is what the cache has of the object now; it may have been faster than the answer to the write. */
  wrote(owner: string, object: KubernetesObject, held: KubernetesObject | undefined): void {
    const { uid, resourceVersion } = object.metadata;
    if (held?.metadata.uid === uid && !isLater(resourceVersion, held?.metadata.resourceVersion)) return;
    this.#await(owner, object, resourceVersion);
  }

  /** `held` as for `wrote`: the end of the object may have come before the answer to its deletion. */
  deleted(owner: string, object: KubernetesObject, held: KubernetesObject | undefined): void {
    if (held?.metadata.uid !== object.metadata.uid || held?.metadata.deletionTimestamp !== undefined) return;
    this.#await(owner, object, undefined);
  }

  /** To be told every change of the caches. Undefined, or whose write has come back. */
  observed({ type, object }: Change<KubernetesObject>): void {
    const id = idOf(object);
    const write = this.#writes.get(id);
    if (write === undefined) return;
    const { uid, resourceVersion } = object.metadata;
    const isNews =
      type === "deleted" || uid !== write.uid || !isLater(write.resourceVersion ?? "0", resourceVersion);
    if (isNews) this.#settle(id, write);
  }

  /** Until when the key should wait for its own writes; undefined when it need not. */
  waitUntil(owner: string): Instant | undefined {
    const now = this.#clock.now();
    let until: Instant | undefined;
    for (const id of this.#byOwner.get(owner) ?? []) {
      const write = this.#writes.get(id);
      if (write === undefined) continue;
      if (write.until <= now) this.#settle(id, write);
      else if (until === undefined || write.until > until) until = write.until;
    }
    return until;
  }

  forget(owner: string): void {
    for (const id of this.#byOwner.get(owner) ?? []) this.#writes.delete(id);
    this.#byOwner.delete(owner);
  }

  #await(owner: string, object: KubernetesObject, resourceVersion: string | undefined): void {
    const id = idOf(object);
    const former = this.#writes.get(id);
    if (former !== undefined) this.#settle(id, former);
    const until = later(this.#clock.now(), longestWaitSeconds);
    this.#writes.set(id, { owner, uid: object.metadata.uid ?? "", resourceVersion, until });
    this.#byOwner.set(owner, (this.#byOwner.get(owner) ?? new Set<string>()).add(id));
  }

  #settle(id: string, { owner }: Write): void {
    this.#writes.delete(id);
    const ids = this.#byOwner.get(owner);
    ids?.delete(id);
    if (ids?.size === 0) this.#byOwner.delete(owner);
  }
}

function idOf({ kind, metadata }: KubernetesObject): string {
  return `${kind} ${metadata.namespace ?? ""}/${metadata.name}`;
}
