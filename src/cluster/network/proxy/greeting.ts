import type { Socket } from "node:net";
import { type Cancel, type Instant, later } from "../../../time/clock.ts";
import { Connection, type ConnectionOwner } from "./connection.ts";
import type { Endpoint } from "./endpoint.ts";
import { mayBecomeHttp, protocolOf, startsLikeHttp } from "./first-bytes.ts";
import { HttpSession } from "./http-session.ts";
import { Http2Session } from "./http2-session.ts";
import {
  connectSeconds,
  firstWordSeconds,
  headSeconds,
  hesitationSeconds,
  silenceSeconds,
} from "./limits.ts";
import type { Routes } from "./route.ts";
import { never, type Session, type Sessions } from "./sessions.ts";
import { Tunnel } from "./tunnel.ts";

const nothing = Buffer.alloc(0);

/**
 * A client that has just come: finds out what it speaks, then hands it on. Whatever the port is called, what is not HTTP
 * passes as it is. A client that says nothing may be waiting for the pod to speak first, so a pod is connected meanwhile.
 */
export class Greeting implements Session, ConnectionOwner {
  readonly routes: Routes;
  deadlineAt: Instant = never;
  readonly #sessions: Sessions;
  readonly #client: Connection;
  #held: Buffer = nothing;
  #cancelSilence: Cancel | undefined;
  #endpoint: Endpoint | undefined;
  #upstream: Connection | undefined;
  readonly #tried: Endpoint[] = [];
  #isOver = false;
  /** To come to its end, unless the client has something to say. */
  #isLeaving = false;

  private constructor(sessions: Sessions, routes: Routes, socket: Socket) {
    this.#sessions = sessions;
    this.routes = routes;
    this.#client = Connection.accepted(socket, this);
    sessions.add(this);
    if (routes.protocol === "tcp") this.#toTunnel();
    else this.#waitForBytes(silenceSeconds);
  }

  /** Serves a client that has connected to a port. */
  static welcome(sessions: Sessions, routes: Routes, socket: Socket): void {
    new Greeting(sessions, routes, socket);
  }

  received(connection: Connection, bytes: Buffer): void {
    if (connection !== this.#client) {
      this.#toTunnel().received(connection, bytes);
      return;
    }
    if (this.#endpoint?.isRetired === true) this.#dropUpstream();
    this.#held = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    const verdict = protocolOf(this.#held);
    if (verdict === "http") this.#toHttp();
    else if (verdict === "http2") this.#toHttp2();
    else if (verdict !== "unknown") this.#toTunnel();
    else if (this.#cancelSilence === undefined) this.#waitForBytes(silenceSeconds);
  }

  #waitForBytes(seconds: number): void {
    const { clock } = this.#sessions;
    this.#cancelSilence = clock.at(later(clock.now(), seconds), () => {
      this.#cancelSilence = undefined;
      if (this.#held.length === 0) {
        if (!this.#isLeaving) this.#dial();
      } else if (startsLikeHttp(this.#held)) this.#toHttp();
      else if (seconds < hesitationSeconds && mayBecomeHttp(this.#held))
        this.#waitForBytes(hesitationSeconds);
      else this.#toTunnel();
    });
  }

  #dial(): void {
    const now = this.#sessions.clock.now();
    const endpoint = this.routes.pick().nextEndpoint(this.#tried, this.#client);
    // An HTTP client gets an answer that says so, once it has asked; any other one has nothing to wait for.
    if (endpoint === undefined) {
      this.deadlineAt = later(now, headSeconds);
      return;
    }
    this.deadlineAt = later(now, connectSeconds);
    this.#endpoint = endpoint;
    endpoint.outstanding++;
    this.#upstream = endpoint.dial(this);
  }

  #toHttp(): void {
    this.#leave();
    const endpoint = this.#endpoint;
    const upstream = this.#upstream;
    this.#endpoint = this.#upstream = undefined;
    if (endpoint !== undefined && upstream !== undefined) {
      endpoint.outstanding--;
      // The connection made while the client was silent can carry its first request.
      if (upstream.isConnecting) upstream.destroy();
      else endpoint.keep(upstream);
    }
    HttpSession.begin(this.#sessions, this.routes, this.#client, this.#held);
  }

  #toHttp2(): void {
    this.#leave();
    this.#dropUpstream();
    Http2Session.begin(this.#sessions, this.routes, this.#client.release(this.#held));
  }

  #toTunnel(): Tunnel {
    this.#leave();
    const endpoint = this.#endpoint;
    const upstream = this.#upstream;
    if (endpoint === undefined || upstream === undefined)
      return Tunnel.open(this.#sessions, this.routes, this.#client, this.#held);
    return Tunnel.join(this.#sessions, this.routes, this.#client, this.#held, endpoint, upstream);
  }

  #leave(): void {
    this.#isOver = true;
    this.#cancelSilence?.();
    this.#sessions.remove(this);
  }

  connected(): void {
    if (!this.#isLeaving) this.deadlineAt = never;
  }

  drained(): void {}

  ended(connection: Connection): void {
    if (this.#isOver) return;
    if (connection === this.#client || connection === this.#upstream) this.#toTunnel().ended(connection);
  }

  closed(connection: Connection): void {
    if (this.#isOver) return;
    if (connection === this.#client) {
      this.#leave();
      this.#dropUpstream();
    } else if (connection === this.#upstream) {
      const endpoint = this.#endpoint;
      this.#dropUpstream();
      if (endpoint !== undefined) this.#tried.push(endpoint);
      this.#dial();
    }
  }

  #dropUpstream(): void {
    const upstream = this.#upstream;
    if (this.#endpoint !== undefined) this.#endpoint.outstanding--;
    this.#endpoint = this.#upstream = undefined;
    upstream?.destroy();
  }

  expire(): void {
    this.deadlineAt = never;
    if (this.#isLeaving) this.#client.destroy();
    else if (this.#upstream === undefined) this.#client.reset();
    else this.#upstream.destroy();
  }

  drain(): void {
    if (this.#held.length > 0) return;
    // Who has just come may have a first request under way.
    this.#isLeaving = true;
    const soon = later(this.#sessions.clock.now(), firstWordSeconds);
    if (soon < this.deadlineAt) this.deadlineAt = soon;
  }

  destroy(): void {
    this.#client.destroy();
  }
}
