import type { KubernetesObject } from "../../api/core.ts";
import { keyOf } from "../../api/metadata.ts";
import { type Clock, type Instant, later, parseTime } from "../../time/clock.ts";
import type { Store } from "../store/store.ts";

const collection = "events";
const lifeSeconds = 3600;

/**
 * Events are gone an hour after their last write, as on a real cluster. They are swept when another event is written: only
 * then can there be more of them, and no timer is needed.
 */
export class EventExpiry {
  readonly #store: Store;
  readonly #clock: Clock;
  // Longest unchanged first.
  readonly #written = new Map<string, { readonly event: KubernetesObject; readonly at: Instant }>();

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
    const byVersion = store
      .list(collection)
      .toSorted((a, b) => Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion));
    for (const event of byVersion)
      this.#note(event, parseTime(event.metadata.creationTimestamp ?? "") ?? clock.now());
    store.listen(collection, ({ type, object }) => {
      this.#written.delete(keyOf(object));
      if (type !== "DELETED") this.#note(object, clock.now());
    });
  }

  sweep(): void {
    const now = this.#clock.now();
    for (const { event, at } of this.#written.values()) {
      if (later(at, lifeSeconds) > now) return;
      this.#store.remove(collection, event.metadata.namespace ?? "", event.metadata.name);
    }
  }

  #note(event: KubernetesObject, at: Instant): void {
    this.#written.set(keyOf(event), { event, at });
  }
}
