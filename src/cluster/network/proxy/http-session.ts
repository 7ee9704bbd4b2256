import { type Instant, later } from "../../../time/clock.ts";
import { Body } from "../http/body.ts";
import { HeadReader } from "../http/head-reader.ts";
import { MessageFault } from "../http/message-fault.ts";
import { ownAnswer } from "../http/own-answer.ts";
import { parseRequestHead, type RequestHead } from "../http/request-head.ts";
import { withoutConnectionLines } from "../http/rewrite.ts";
import type { Connection, ConnectionOwner } from "./connection.ts";
import { Exchange, type ExchangeClient } from "./exchange.ts";
import { headSeconds, idleSeconds, lingerSeconds } from "./limits.ts";
import type { Routes } from "./route.ts";
import { never, type Session, type Sessions } from "./sessions.ts";
import { Tunnel } from "./tunnel.ts";

/**
 * `idle` nothing of the next request has come · `head` a part of its head has · `exchange` it is being answered ·
 * `closing` the last answer is sent, what still comes is thrown away · `over`.
 */
type Phase = "idle" | "head" | "exchange" | "closing" | "over";

/** A client that speaks HTTP/1. Its requests are answered one after the other, each by a pod chosen for it alone. */
export class HttpSession implements Session, ConnectionOwner, ExchangeClient {
  readonly routes: Routes;
  readonly connection: Connection;
  readonly requestBody = new Body();
  readonly #sessions: Sessions;
  readonly #head = new HeadReader();
  readonly #exchange: Exchange;
  #phase: Phase = "idle";
  #phaseEndsAt: Instant = never;
  #isReading = false;
  #hasEnded = false;
  #isDraining = false;
  /** Received, but its turn has not come. */
  #held: Buffer | undefined;

  private constructor(sessions: Sessions, routes: Routes, client: Connection) {
    this.#sessions = sessions;
    this.routes = routes;
    this.connection = client;
    this.#exchange = new Exchange(sessions, this);
    client.giveTo(this);
    sessions.add(this);
  }

  /** Goes on with a client that has sent `bytes` so far. */
  static begin(sessions: Sessions, routes: Routes, client: Connection, bytes: Buffer): void {
    const session = new HttpSession(sessions, routes, client);
    session.received(client, bytes);
    // The client was perhaps held back while it was not known what it speaks.
    if (session.#phase === "idle" || session.#phase === "head") client.resume();
  }

  get deadlineAt(): Instant {
    return this.#phase === "exchange" ? this.#exchange.deadlineAt : this.#phaseEndsAt;
  }

  /** The answer that comes next is the last one on this connection. */
  get isLeaving(): boolean {
    return this.#isDraining || this.#hasEnded || this.#sessions.isDraining;
  }

  connected(): void {}

  received(_connection: Connection, bytes: Buffer): void {
    if (this.#phase === "closing" || this.#phase === "over") return;
    if (this.#phase === "exchange" && !this.requestBody.isDone) {
      this.#forwardBody(bytes);
      return;
    }
    this.#hold(bytes);
    if (this.#phase !== "exchange") this.#readRequests();
  }

  #hold(bytes: Buffer): void {
    this.#held = this.#held === undefined ? bytes : Buffer.concat([this.#held, bytes]);
    if (this.#phase === "exchange") this.connection.pause();
  }

  #forwardBody(bytes: Buffer): void {
    const end = this.requestBody.advance(bytes, 0);
    if (this.requestBody.isMalformed) {
      this.#exchange.refuse(400, "Invalid request: the body breaks the chunked coding.");
      return;
    }
    this.#exchange.sendBody(end === bytes.length ? bytes : bytes.subarray(0, end));
    if (end < bytes.length && this.#phase !== "over") {
      this.#hold(bytes.subarray(end));
      if (this.#phase !== "exchange") this.#readRequests();
    }
  }

  // A loop, not a recursion: a client may send thousands of requests at once that are all refused at once.
  #readRequests(): void {
    if (this.#isReading) return;
    this.#isReading = true;
    while (this.#held !== undefined && (this.#phase === "idle" || this.#phase === "head")) {
      const bytes = this.#held;
      this.#held = undefined;
      this.#readRequest(bytes);
    }
    this.#isReading = false;
    if (this.#phase !== "exchange" && this.#phase !== "over") this.connection.resume();
  }

  #readRequest(bytes: Buffer): void {
    const state = this.#head.read(bytes, 0);
    if (state === "incomplete") {
      if (this.#phase === "idle" && this.#head.isWaiting) this.#enter("head", headSeconds);
    } else if (state === "complete") {
      const { bytes: all, start, end } = this.#head;
      const request = parseRequestHead(all, start, end);
      if (request instanceof MessageFault)
        this.#refuse(request.status, `Invalid request: ${request.reason}.`);
      else this.#begin(request, all, start, end);
    } else if (state === "tooLarge") {
      this.#refuse(431, "Invalid request: its head is larger than 64 KiB.");
    } else {
      this.#refuse(400, "Invalid request: this is not HTTP/1, or a line does not end in CRLF.");
    }
  }

  #begin(request: RequestHead, bytes: Buffer, start: number, end: number): void {
    this.requestBody.beginRequest(request.fields);
    const bodyEnd = this.requestBody.advance(bytes, end);
    if (this.requestBody.isMalformed) {
      this.#refuse(400, "Invalid request: the body breaks the chunked coding.");
      return;
    }
    this.#phase = "exchange";
    if (bodyEnd < bytes.length) this.#hold(bytes.subarray(bodyEnd));
    // The wish to close, or to go on with HTTP/2, is for this connection; the one to the pod is kept for others.
    const { connectionCloses, offersHttp2 } = request.fields;
    const isForUs = (connectionCloses || offersHttp2) && request.minorVersion === 1 && !request.asksUpgrade;
    const toSend = isForUs
      ? Buffer.concat([
          ...withoutConnectionLines(bytes, start, end, request.fields),
          bytes.subarray(end, bodyEnd),
        ])
      : bytes.subarray(start, bodyEnd);
    this.#exchange.begin(this.routes.pick(request), request, toSend);
  }

  #refuse(status: number, text: string): void {
    this.connection.write(ownAnswer(status, text, { withBody: true, close: true }));
    this.#close();
  }

  /** From the exchange: request and answer are through. */
  finished(isLast: boolean): void {
    if (this.#phase !== "exchange") return;
    if (isLast || this.isLeaving) {
      this.#close();
      return;
    }
    this.#enter("idle", idleSeconds);
    if (this.#held !== undefined) this.#readRequests();
    else this.connection.resume();
  }

  /** From the exchange: the pod has agreed to leave HTTP. */
  upgraded(upstream: Connection, endpoint: Parameters<typeof Tunnel.join>[4]): void {
    this.#over();
    const held = this.#held ?? Buffer.alloc(0);
    Tunnel.join(this.#sessions, this.routes, this.connection, held, endpoint, upstream);
    if (this.#hasEnded) upstream.end();
  }

  #enter(phase: Phase, seconds: number): void {
    this.#phase = phase;
    this.#phaseEndsAt = later(this.#sessions.now, seconds);
  }

  // The client may still be sending; closing at once would take the answer away from it before it has read it.
  #close(): void {
    this.#enter("closing", lingerSeconds);
    this.#held = undefined;
    if (this.#sessions.isDraining) this.connection.close();
    else this.connection.end();
    this.connection.resume();
  }

  #over(): void {
    this.#phase = "over";
    this.#sessions.remove(this);
  }

  drained(): void {
    this.#exchange.clientDrained();
  }

  ended(): void {
    this.#hasEnded = true;
    if (this.#phase === "exchange") {
      // A client that shuts its sending side after a whole request still wants the answer.
      if (!this.requestBody.isDone) this.destroy();
    } else if (this.#phase === "idle") {
      this.#close();
    } else {
      this.destroy();
    }
  }

  closed(): void {
    if (this.#phase === "over") return;
    this.#exchange.abort();
    this.#over();
  }

  expire(): void {
    if (this.#phase === "exchange") this.#exchange.expire();
    else if (this.#phase === "head") this.#refuse(408, "The head of the request did not come in time.");
    else if (this.#phase === "idle") this.#close();
    else this.destroy();
  }

  drain(): void {
    this.#isDraining = true;
    if (this.#phase === "idle" || this.#phase === "closing") this.#close();
  }

  destroy(): void {
    this.connection.destroy();
  }
}
