import { type Instant, later } from "../../../time/clock.ts";
import { Endpoint } from "./endpoint.ts";
import type { Sessions } from "./sessions.ts";

export interface EndpointAddress {
  readonly address: string;
  readonly port: number;
}

/** `tcp` is passed on without a look; of anything else the first bytes say what it is. */
export type Protocol = "tcp" | "unknown";

/** What a request can be led by. */
export interface RequestFacts {
  readonly method: string;
  /** Path and query as they were sent; of HTTP/1 in any of the four forms that a target has. */
  readonly target: string;
  /** What the client calls the server, with port; empty when it does not say. */
  readonly authority: string;
  /** The value of a header field, undefined when there is none; of a repeated one all values, joined by commas. */
  field(lowerCaseName: string): string | undefined;
}

/** Whoever sends a request. */
export interface Client {
  /** Its IP. */
  readonly address: string;
}

/** Leads each request that comes to one port. A Service's port has one route for all of them. */
export interface Routes {
  /** Namespace, name and port in words, for people: `Service default/web port 80`. */
  readonly label: string;
  readonly protocol: Protocol;
  /** Asked anew for each request; without facts for a client that stays with one pod as it speaks another protocol. */
  pick(request?: RequestFacts): Route;
}

/** Where requests to one port of one Service go at this moment. */
export class Route implements Routes {
  readonly label: string;
  protocol: Protocol = "unknown";
  /** How long a client comes to the same pod again after its last request (`sessionAffinity: ClientIP`); undefined: it does not. */
  affinitySeconds: number | undefined;
  /** How long after a switch connections that stay with their pod are left to it; for as long as they like when undefined. */
  pinnedSeconds: number | undefined;
  #endpoints: readonly Endpoint[] = [];
  #next = 0;
  /** By address: where clients went last, and when; the one who came longest ago is first. */
  readonly #affinities = new Map<string, { readonly endpoint: Endpoint; readonly at: Instant }>();
  readonly #sessions: Sessions;

  constructor(label: string, sessions: Sessions) {
    this.label = label;
    this.#sessions = sessions;
  }

  pick(): Route {
    return this;
  }

  /**
   * Swaps the endpoint set: every request read after this call goes to the new one. What is in flight goes on with the pod
   * that has it, until one of the two ends it: that a pod is no longer listed does not say that it is gone.
   */
  swap(addresses: readonly EndpointAddress[]): void {
    const before = this.#endpoints;
    this.#endpoints = addresses.map(
      ({ address, port }) =>
        before.find((endpoint) => endpoint.address === address && endpoint.port === port) ??
        new Endpoint(address, port, this.#sessions),
    );
    for (const endpoint of before) if (!this.#endpoints.includes(endpoint)) endpoint.retire();
  }

  /** Whether requests can be led anywhere at all. */
  get hasEndpoints(): boolean {
    return this.#endpoints.length > 0;
  }

  /**
   * The endpoint with the least in flight, in turn among equals, without those of `tried`; or the one that the client had
   * before, where it is to come to that again.
   */
  nextEndpoint(tried: readonly Endpoint[], client?: Client): Endpoint | undefined {
    const { affinitySeconds } = this;
    if (affinitySeconds === undefined || client === undefined) return this.#leastBusy(tried);
    const { now } = this.#sessions;
    const last = this.#affinities.get(client.address);
    const holds =
      last !== undefined &&
      !last.endpoint.isRetired &&
      !tried.includes(last.endpoint) &&
      later(last.at, affinitySeconds) > now;
    const endpoint = holds ? last.endpoint : this.#leastBusy(tried);
    this.#affinities.delete(client.address);
    if (endpoint !== undefined) this.#affinities.set(client.address, { endpoint, at: now });
    return endpoint;
  }

  #leastBusy(tried: readonly Endpoint[]): Endpoint | undefined {
    const endpoints = this.#endpoints;
    const count = endpoints.length;
    let best: Endpoint | undefined;
    let bestIndex = 0;
    for (let step = 0; step < count; step++) {
      const index = (this.#next + step) % count;
      const endpoint = endpoints[index];
      if (endpoint === undefined || tried.includes(endpoint)) continue;
      if (best === undefined || endpoint.outstanding < best.outstanding) {
        best = endpoint;
        bestIndex = index;
      }
    }
    if (best !== undefined) this.#next = bestIndex + 1;
    return best;
  }

  closeIdle(now: Instant): void {
    for (const [address, { at }] of this.#affinities) {
      if (later(at, this.affinitySeconds ?? 0) > now) break;
      this.#affinities.delete(address);
    }
    for (const endpoint of this.#endpoints) endpoint.closeIdle(now);
  }
}
