import { type Instant, later } from "../../../time/clock.ts";
import { Connection, type ConnectionOwner } from "./connection.ts";
import type { Sessions } from "./sessions.ts";

const idleLimit = 64;
// Common servers (Node among them) close an idle connection after 5 s; ours are gone before.
const idleSeconds = 4;

interface Idle {
  readonly connection: Connection;
  readonly since: Instant;
}

/** One pod port that requests can go to, with the kept connections to it. */
export class Endpoint implements ConnectionOwner {
  readonly address: string;
  readonly port: number;
  /** Requests and raw connections that are with this endpoint now. */
  outstanding = 0;
  #retiredAt: Instant | undefined;
  readonly #sessions: Sessions;
  readonly #idle: Idle[] = [];

  constructor(address: string, port: number, sessions: Sessions) {
    this.address = address;
    this.port = port;
    this.#sessions = sessions;
  }

  /** No new request may come here. */
  get isRetired(): boolean {
    return this.#retiredAt !== undefined;
  }

  /** Since when no new request has come here. */
  get retiredAt(): Instant | undefined {
    return this.#retiredAt;
  }

  /** A kept connection, if there is one. The pod may have closed it already: only for what can be sent again. */
  take(owner: ConnectionOwner): Connection | undefined {
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      if (idle.connection.isOpen && later(idle.since, idleSeconds) > this.#sessions.now) {
        idle.connection.giveTo(owner);
        return idle.connection;
      }
      idle.connection.destroy();
    }
    return undefined;
  }

  /**
   * A new connection. It takes the place of the kept one that has waited longest, so that a pod never holds more of them
   * than were in use at once: there are pods that serve one connection at a time.
   */
  dial(owner: ConnectionOwner): Connection {
    this.#idle.shift()?.connection.destroy();
    return Connection.dial(this.address, this.port, owner);
  }

  /** Takes back a connection on which nothing is in flight. */
  keep(connection: Connection): void {
    if (this.isRetired || this.#idle.length >= idleLimit || !connection.isOpen) {
      connection.giveTo(this);
      connection.destroy();
      return;
    }
    connection.giveTo(this);
    connection.resume();
    this.#idle.push({ connection, since: this.#sessions.now });
  }

  /** No new request comes here any more. What is in flight goes on; kept connections are closed. */
  retire(): void {
    this.#retiredAt ??= this.#sessions.clock.now();
    for (const idle of this.#idle.splice(0)) idle.connection.destroy();
  }

  closeIdle(now: Instant): void {
    // The oldest come first.
    while (this.#idle[0] !== undefined && later(this.#idle[0].since, idleSeconds) <= now) {
      this.#idle.shift()?.connection.destroy();
    }
  }

  connected(): void {}

  drained(): void {}

  // Nobody asked, so whatever comes on an idle connection makes it useless.
  received(connection: Connection): void {
    connection.destroy();
  }

  ended(connection: Connection): void {
    connection.destroy();
  }

  closed(connection: Connection): void {
    const index = this.#idle.findIndex((idle) => idle.connection === connection);
    if (index !== -1) this.#idle.splice(index, 1);
  }
}
