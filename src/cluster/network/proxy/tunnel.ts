import { type Instant, later } from "../../../time/clock.ts";
import type { Connection, ConnectionOwner } from "./connection.ts";
import type { Endpoint } from "./endpoint.ts";
import { connectSeconds } from "./limits.ts";
import type { Routes } from "./route.ts";
import { never, type Session, type Sessions } from "./sessions.ts";

const nothing = Buffer.alloc(0);

/** Bytes both ways between a client and one pod, until both have ended; the pod is chosen once. */
export class Tunnel implements Session, ConnectionOwner {
  readonly routes: Routes;
  #connectsUntil: Instant = never;
  readonly #sessions: Sessions;
  readonly #client: Connection;
  #upstream: Connection | undefined;
  #endpoint: Endpoint | undefined;
  #isConnected = false;
  #clientHasEnded = false;
  #clientIsOpen = true;
  #held: Buffer;
  readonly #tried: Endpoint[] = [];

  private constructor(sessions: Sessions, routes: Routes, client: Connection, held: Buffer) {
    this.#sessions = sessions;
    this.routes = routes;
    this.#client = client;
    this.#held = held;
    client.giveTo(this);
    client.pause();
    sessions.add(this);
  }

  /** Connects `client`, which has sent `held` so far, to a pod. */
  static open(sessions: Sessions, routes: Routes, client: Connection, held: Buffer): Tunnel {
    const tunnel = new Tunnel(sessions, routes, client, held);
    tunnel.#dial();
    return tunnel;
  }

  /** Goes on with a connection to a pod that was made for this client, perhaps not yet accepted. */
  static join(
    sessions: Sessions,
    routes: Routes,
    client: Connection,
    held: Buffer,
    endpoint: Endpoint,
    upstream: Connection,
  ): Tunnel {
    const tunnel = new Tunnel(sessions, routes, client, held);
    tunnel.#endpoint = endpoint;
    tunnel.#upstream = upstream;
    upstream.giveTo(tunnel);
    if (upstream.isConnecting) tunnel.#connectsUntil = later(sessions.clock.now(), connectSeconds);
    else tunnel.connected();
    return tunnel;
  }

  get deadlineAt(): Instant {
    const retiredAt = this.#isConnected ? this.#endpoint?.retiredAt : undefined;
    if (retiredAt === undefined) return this.#connectsUntil;
    const { pinnedSeconds } = this.routes.pick();
    return pinnedSeconds === undefined ? never : later(retiredAt, pinnedSeconds);
  }

  get staysWith(): string | undefined {
    const endpoint = this.#endpoint;
    return this.#isConnected && endpoint?.isRetired === true ? endpoint.address : undefined;
  }

  #dial(): void {
    const endpoint = this.routes.pick().nextEndpoint(this.#tried, this.#client);
    if (endpoint === undefined) {
      this.#client.reset();
      return;
    }
    this.#endpoint = endpoint;
    endpoint.outstanding++;
    this.#upstream = endpoint.dial(this);
    this.#connectsUntil = later(this.#sessions.clock.now(), connectSeconds);
  }

  // From here on bytes flow freely.
  connected(): void {
    const upstream = this.#upstream;
    if (upstream === undefined) return;
    this.#isConnected = true;
    this.#connectsUntil = never;
    const held = this.#held;
    this.#held = nothing;
    this.#client.resume();
    if (held.length > 0) this.#client.passOn(held, upstream);
    if (this.#clientHasEnded) upstream.end();
  }

  received(connection: Connection, bytes: Buffer): void {
    if (connection !== this.#client) connection.passOn(bytes, this.#client);
    else if (this.#isConnected && this.#upstream !== undefined) connection.passOn(bytes, this.#upstream);
    else this.#held = Buffer.concat([this.#held, bytes]);
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
    if (this.#isConnected) this.#upstream?.end();
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

  /** The pod did not accept in time, and another one may; or users have left it long enough ago. */
  expire(): void {
    if (this.#isConnected) {
      this.destroy();
      return;
    }
    this.#connectsUntil = never;
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
