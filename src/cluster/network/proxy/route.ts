import type { Instant } from "../../../time/clock.ts";
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
  #endpoints: readonly Endpoint[] = [];
  #next = 0;
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

  /** The endpoint with the least in flight, in turn among equals, without those of `tried`. */
  nextEndpoint(tried: readonly Endpoint[]): Endpoint | undefined {
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
    for (const endpoint of this.#endpoints) endpoint.closeIdle(now);
  }
}
