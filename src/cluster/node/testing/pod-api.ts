import type { KubernetesObject } from "../../../api/core.ts";
import type { ApiRequest, ApiResponse, Transport, WatchSink } from "../../../kubernetes/transport.ts";
import type { Cancel, Clock } from "../../../time/clock.ts";
import { addressesOf } from "../../addresses.ts";
import { ApiServer } from "../../api-server/api-server.ts";
import { Store } from "../../store/store.ts";

/** The cluster's API server as a node agent's tests need it: what was written is known, and it can be made to refuse. */
export class PodApi implements Transport {
  readonly #store = new Store();
  readonly #server: ApiServer;
  /** `METHOD path` of all requests that write. */
  readonly writes: string[] = [];
  /** While set, no request is answered but with this code. */
  refuseWith: number | undefined;

  constructor(clock: Clock) {
    this.#server = new ApiServer({ store: this.#store, clock, addresses: addressesOf(1) });
  }

  /** All objects of a core kind. */
  all<T extends KubernetesObject>(plural: string): readonly T[] {
    return this.#store.list(plural) as readonly T[];
  }

  async request(request: ApiRequest): Promise<ApiResponse> {
    if (this.refuseWith !== undefined) return { code: this.refuseWith, body: "refused by the test" };
    if (request.method !== "GET") this.writes.push(`${request.method} ${request.path}`);
    return this.#server.request(request);
  }

  watch(request: ApiRequest, sink: WatchSink): Cancel {
    return this.#server.watch(request, sink);
  }
}
