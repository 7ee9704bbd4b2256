import type { EndpointSlice } from "../../api/core.ts";
import { routedGenerationAnnotation } from "../../api/names.ts";
import { resources } from "../../api/resources.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { ApiError } from "../../kubernetes/errors.ts";
import { WatchCache } from "../../kubernetes/watch-cache.ts";
import { type Cancel, type Clock, later } from "../../time/clock.ts";

/** Stands for the traffic process: confirms each state of each EndpointSlice, some time after it was written. */
export class ConfirmingTraffic {
  readonly #client: KubernetesClient;
  readonly #clock: Clock;
  readonly #slices: WatchCache<EndpointSlice>;
  readonly #timers = new Map<string, Cancel>();
  /** Time from a slice's change to its confirmation, seconds. */
  delaySeconds: number | "never";

  constructor(client: KubernetesClient, clock: Clock, delaySeconds: number | "never") {
    this.#client = client;
    this.#clock = clock;
    this.delaySeconds = delaySeconds;
    this.#slices = new WatchCache({ client, clock, resource: resources.endpointSlices });
    this.#slices.subscribe(({ type, object, previous }) => {
      if (type !== "deleted" && previous?.metadata.generation !== object.metadata.generation)
        this.#confirmLater(object);
    });
  }

  start(): void {
    this.#slices.start();
  }

  stop(): void {
    this.#slices.stop();
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
  }

  /** Confirms from now on, and at once what is unconfirmed. */
  confirmAll(): void {
    this.delaySeconds = 0;
    for (const slice of this.#slices.list()) this.#confirmLater(slice);
  }

  #confirmLater(slice: EndpointSlice): void {
    const { uid = "" } = slice.metadata;
    this.#timers.get(uid)?.();
    this.#timers.delete(uid);
    if (this.delaySeconds === "never") return;
    const at = later(this.#clock.now(), this.delaySeconds);
    this.#timers.set(
      uid,
      this.#clock.at(at, () => {
        this.#timers.delete(uid);
        void this.#confirm(slice);
      }),
    );
  }

  async #confirm({ metadata }: EndpointSlice): Promise<void> {
    const annotations = { [routedGenerationAnnotation]: String(metadata.generation ?? 0) };
    const body = { metadata: { uid: metadata.uid, annotations } };
    const { namespace, name } = metadata;
    await this.#client
      .patch(resources.endpointSlices, namespace, name, { type: "merge", body })
      .catch((error: unknown) => {
        if (!(error instanceof ApiError && error.kind === "notFound")) throw error;
      });
  }
}
