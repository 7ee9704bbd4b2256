import { type Instant, later } from "../../../time/clock.ts";
import type { Connection, ConnectionOwner } from "./connection.ts";
import type { Endpoint } from "./endpoint.ts";
import { protocolOf } from "./first-bytes.ts";
import { connectSeconds } from "./limits.ts";
import type { Route } from "./route.ts";
import { never, type Session, type Sessions } from "./sessions.ts";

/** Takes over a client that turned out to speak HTTP. */
export type BecomeHttp = (client: Connection, bytes: Buffer) => void;

const nothing = Buffer.alloc(0);

/** Bytes both ways between a client and one pod, until both have ended; the pod is chosen once. */
export class Tunnel implements Session, ConnectionOwner {
  readonly route: Route;
  deadlineAt: Instant = never;
  readonly #sessions: Sessions;
  readonly #client: Connection;
  #upstream: Connection | undefined;
  #endpoint: Endpoint | undefined;
  #isConnected = false;
  #clientHasEnded = false;
  #clientIsOpen = true;
  #held: Buffer;
  /** Set as long as neither side has shown that this is not HTTP. */
  #becomeHttp: BecomeHttp | undefined;
  readonly #tried: Endpoint[] = [];

  private constructor(sessions: Sessions, route: Route, client: Connection, held: Buffer) {
    this.#sessions = sessions;
    this.route = route;
    this.#client = client;
    this.#held = held;
    client.giveTo(this);
    sessions.add(this);
  }

  /** Connects `client`, which has sent `held` so far, to a pod of the route. */
  static open(
    sessions: Sessions,
    route: Route,
    client: Connection,
    held: Buffer,
    becomeHttp?: BecomeHttp,
  ): Tunnel {
    const tunnel = new Tunnel(sessions, route, client, held);
    tunnel.#becomeHttp = becomeHttp;
    if (becomeHttp === undefined) client.pause();
    tunnel.#dial();
    return tunnel;
  }

  /** Goes on with a connection on which both sides have agreed to leave HTTP. */
  static join(
    sessions: Sessions,
    route: Route,
    client: Connection,
    held: Buffer,
    endpoint: Endpoint,
    upstream: Connection,
  ): void {
    const tunnel = new Tunnel(sessions, route, client, held);
    tunnel.#endpoint = endpoint;
    tunnel.#upstream = upstream;
    upstream.giveTo(tunnel);
    tunnel.connected();
  }

  #dial(): void {
    const endpoint = this.route.pick(this.#tried);
    if (endpoint === undefined) {
      this.#client.reset();
      return;
    }
    this.#endpoint = endpoint;
    endpoint.outstanding++;
    this.#upstream = endpoint.dial(this);
    this.deadlineAt = later(this.#sessions.clock.now(), connectSeconds);
  }

  connected(): void {
    this.#isConnected = true;
    this.deadlineAt = never;
    if (this.#becomeHttp === undefined) this.#release();
  }

  // From here on bytes flow freely.
  #release(): void {
    const upstream = this.#upstream;
    if (upstream === undefined || !this.#isConnected) return;
    const held = this.#held;
    this.#held = nothing;
    this.#client.resume();
    if (held.length > 0) this.#client.passOn(held, upstream);
    if (this.#clientHasEnded) upstream.end();
  }

  received(connection: Connection, bytes: Buffer): void {
    if (connection === this.#client) {
      this.#fromClient(bytes);
    } else {
      if (this.#becomeHttp !== undefined) this.#decideAgainstHttp();
      connection.passOn(bytes, this.#client);
    }
  }

  #fromClient(bytes: Buffer): void {
    if (this.#becomeHttp === undefined && this.#isConnected && this.#upstream !== undefined) {
      this.#client.passOn(bytes, this.#upstream);
      return;
    }
    this.#held = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    if (this.#becomeHttp === undefined) return;
    const verdict = protocolOf(this.#held);
    if (verdict === "http") this.#leaveTo(this.#becomeHttp);
    else if (verdict === "tcp") this.#decideAgainstHttp();
  }

  #decideAgainstHttp(): void {
    this.#becomeHttp = undefined;
    if (this.#isConnected) this.#release();
    else this.#client.pause();
  }

  #leaveTo(becomeHttp: BecomeHttp): void {
    const { route } = this;
    const upstream = this.#upstream;
    const endpoint = this.#endpoint;
    this.#upstream = undefined;
    this.#sessions.remove(this);
    if (endpoint !== undefined && upstream !== undefined) {
      endpoint.outstanding--;
      // The connection made while the client was silent carries its first request, unless the route has moved on.
      if (this.#isConnected && !route.isEmpty) endpoint.keep(upstream);
      else upstream.destroy();
    }
    becomeHttp(this.#client, this.#held);
  }

  drained(connection: Connection): void {
    if (connection === this.#client) this.#upstream?.resume();
    else this.#client.resume();
  }

  ended(connection: Connection): void {
    if (connection !== this.#client) {
      if (connection === this.#upstream) this.#client.end();
      return;
    }
    this.#clientHasEnded = true;
    if (this.#becomeHttp !== undefined) this.#decideAgainstHttp();
    else if (this.#isConnected) this.#upstream?.end();
  }

  closed(connection: Connection, error?: Error): void {
    if (connection === this.#client) {
      this.#clientIsOpen = false;
      if (error === undefined) this.#upstream?.destroy();
      else this.#upstream?.reset();
    } else if (connection === this.#upstream) {
      this.#upstreamClosed(error);
    }
    if (!this.#clientIsOpen && this.#upstream === undefined) this.#sessions.remove(this);
  }

  #upstreamClosed(error: Error | undefined): void {
    this.#upstream = undefined;
    const endpoint = this.#endpoint;
    if (endpoint !== undefined) endpoint.outstanding--;
    if (!this.#clientIsOpen) return;
    if (!this.#isConnected && endpoint !== undefined) {
      this.#tried.push(endpoint);
      this.#dial();
    } else if (error === undefined) {
      this.#client.end();
      // Nobody is left to read what the client might still send.
      this.#client.resume();
    } else {
      this.#client.reset();
    }
  }

  /** The pod did not accept in time: another one may. */
  expire(): void {
    this.deadlineAt = never;
    this.#upstream?.destroy();
  }

  /** A raw connection has no point at which it could be ended for it; only the end of the process does that. */
  drain(): void {
    if (this.#sessions.isDraining) this.destroy();
  }

  destroy(): void {
    this.#client.destroy();
    this.#upstream?.destroy();
  }
}
