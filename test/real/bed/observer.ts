import type { KubernetesObject } from "../../../src/api/core.ts";
import { type Resource, resources } from "../../../src/api/resources.ts";
import type { KubernetesClient } from "../../../src/kubernetes/client.ts";
import type { Room } from "./room.ts";

const watched: readonly Resource[] = [
  resources.rollouts,
  resources.replicaSets,
  resources.services,
  resources.endpointSlices,
  resources.pods,
  resources.serviceAccounts,
];

/** Looks at the whole cluster, without a proxy in between, and tells each namespace's room what happens there. */
export class Observer {
  readonly #client: KubernetesClient;
  readonly #rooms = new Map<string, Room>();
  #stops: (() => void)[] = [];

  constructor(client: KubernetesClient) {
    this.#client = client;
  }

  async start(): Promise<void> {
    for (const resource of watched) {
      const { metadata } = await this.#client.list(resource, { limit: 1 });
      this.#watch(resource, metadata.resourceVersion, this.#stops.push(() => {}) - 1);
    }
  }

  /** Everything that happens in the namespace from now on; one that is made anew is empty. */
  open(room: Room): void {
    this.#rooms.set(room.namespace, room);
  }

  close(room: Room): void {
    this.#rooms.delete(room.namespace);
  }

  stop(): void {
    for (const stop of this.#stops) stop();
  }

  #watch(resource: Resource, from: string, place: number): void {
    let version = from;
    const options = { resourceVersion: from, timeoutSeconds: 300 };
    this.#stops[place] = this.#client.watch(resource, options, {
      event: (event) => {
        if (event.type === "ERROR") throw new Error(`watching ${resource.plural}: ${event.object.message}`);
        version = event.object.metadata.resourceVersion ?? version;
        if (event.type === "BOOKMARK") return;
        this.#tell(resource.kind, event.object, event.type === "DELETED");
      },
      ended: (error) => {
        if (error !== undefined) throw error;
        this.#watch(resource, version, place);
      },
    });
  }

  #tell(kind: string, object: KubernetesObject, isDeleted: boolean): void {
    this.#rooms.get(object.metadata.namespace ?? "")?.observed(kind, object, isDeleted);
  }
}
