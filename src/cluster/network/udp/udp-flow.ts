import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { type Instant, later } from "../../../time/clock.ts";
import type { Endpoint } from "../proxy/endpoint.ts";

// As long as Linux keeps a flow of both directions in mind (nf_conntrack_udp_timeout_stream).
const idleSeconds = 120;

/** What one client of a UDP port sends to one pod, and what comes back. */
export class UdpFlow {
  readonly endpoint: Endpoint;
  readonly #upstream: Socket = createSocket("udp4");
  #lastAt: Instant;

  /** `answer` is given what the pod sends. */
  constructor(endpoint: Endpoint, now: Instant, answer: (bytes: Buffer) => void, broken: () => void) {
    this.endpoint = endpoint;
    this.#lastAt = now;
    endpoint.outstanding++;
    this.#upstream.on("message", (bytes: Buffer, { address, port }: RemoteInfo) => {
      if (address === endpoint.address && port === endpoint.port) answer(bytes);
    });
    this.#upstream.on("error", broken);
  }

  isIdle(now: Instant): boolean {
    return later(this.#lastAt, idleSeconds) <= now;
  }

  send(bytes: Buffer, now: Instant): void {
    this.#lastAt = now;
    // What a pod does not take is lost, as anywhere with UDP.
    this.#upstream.send(bytes, this.endpoint.port, this.endpoint.address, () => undefined);
  }

  end(): void {
    this.endpoint.outstanding--;
    this.#upstream.close();
  }
}
