import type { Socket } from "node:net";
import { type Cancel, type Instant, later } from "../../../time/clock.ts";
import { Connection, type ConnectionOwner } from "./connection.ts";
import { isHttp2Preface, protocolOf, startsLikeHttp } from "./first-bytes.ts";
import { HttpSession } from "./http-session.ts";
import { firstWordSeconds, headSeconds, idleSeconds, silenceSeconds } from "./limits.ts";
import type { Route } from "./route.ts";
import type { Session, Sessions } from "./sessions.ts";
import { Tunnel } from "./tunnel.ts";

const nothing = Buffer.alloc(0);

/** A client that has just come: finds out what it speaks, then hands it on. */
export class Greeting implements Session, ConnectionOwner {
  readonly route: Route;
  deadlineAt: Instant;
  readonly #sessions: Sessions;
  readonly #client: Connection;
  #held: Buffer = nothing;
  #cancelSilence: Cancel | undefined;
  #isOver = false;

  private constructor(sessions: Sessions, route: Route, socket: Socket) {
    this.#sessions = sessions;
    this.route = route;
    this.#client = Connection.accepted(socket, this);
    const now = sessions.clock.now();
    this.deadlineAt = later(now, route.protocol === "http" ? idleSeconds : headSeconds);
    sessions.add(this);
    if (route.protocol === "tcp") this.#toTunnel();
    else if (route.protocol === "unknown") {
      this.#cancelSilence = sessions.clock.at(later(now, silenceSeconds), () => this.#silence());
    }
  }

  /** Serves a client that has connected to a port of `route`. */
  static welcome(sessions: Sessions, route: Route, socket: Socket): void {
    new Greeting(sessions, route, socket);
  }

  received(_connection: Connection, bytes: Buffer): void {
    this.#held = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    const verdict = protocolOf(this.#held);
    if (verdict === "unknown") return;
    const isHttp = verdict === "http" || (this.route.protocol === "http" && !isHttp2Preface(this.#held));
    if (isHttp) this.#toHttp(this.#client, this.#held);
    else this.#toTunnel();
  }

  #silence(): void {
    if (this.#held.length > 0) {
      if (!startsLikeHttp(this.#held)) this.#toTunnel();
      return;
    }
    this.#leave();
    const { route } = this;
    const sessions = this.#sessions;
    Tunnel.open(sessions, route, this.#client, nothing, (client, bytes) =>
      HttpSession.begin(sessions, route, client, bytes),
    );
  }

  #toHttp(client: Connection, bytes: Buffer): void {
    this.#leave();
    HttpSession.begin(this.#sessions, this.route, client, bytes);
  }

  #toTunnel(): Tunnel {
    this.#leave();
    return Tunnel.open(this.#sessions, this.route, this.#client, this.#held);
  }

  #leave(): void {
    this.#isOver = true;
    this.#cancelSilence?.();
    this.#sessions.remove(this);
  }

  connected(): void {}

  drained(): void {}

  ended(connection: Connection): void {
    if (!this.#isOver) this.#toTunnel().ended(connection);
  }

  closed(): void {
    this.#leave();
  }

  expire(): void {
    this.destroy();
  }

  drain(): void {
    // Who has just come may have a first request under way.
    const soon = later(this.#sessions.clock.now(), firstWordSeconds);
    if (this.#held.length === 0 && soon < this.deadlineAt) this.deadlineAt = soon;
  }

  destroy(): void {
    this.#client.destroy();
  }
}
