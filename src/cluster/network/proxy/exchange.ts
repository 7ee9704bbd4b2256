import { type Instant, later } from "../../../time/clock.ts";
import { Body } from "../http/body.ts";
import { HeadReader } from "../http/head-reader.ts";
import { MessageFault } from "../http/message-fault.ts";
import { mendAnswerHead } from "../http/odd-answer.ts";
import { ownAnswer } from "../http/own-answer.ts";
import type { RequestHead } from "../http/request-head.ts";
import { parseResponseHead, type ResponseHead } from "../http/response-head.ts";
import { withConnectionClose, withoutConnectionLines } from "../http/rewrite.ts";
import type { Connection, ConnectionOwner } from "./connection.ts";
import type { Endpoint } from "./endpoint.ts";
import { connectSeconds, refusedSeconds } from "./limits.ts";
import type { Route } from "./route.ts";
import { never, type Sessions } from "./sessions.ts";

/** The client's side of an exchange. */
export interface ExchangeClient {
  readonly connection: Connection;
  readonly requestBody: Body;
  readonly isLeaving: boolean;
  finished(isLast: boolean): void;
  upgraded(upstream: Connection, endpoint: Endpoint): void;
}

const nothing = Buffer.alloc(0);
// RFC 9110 section 9.2: the first change nothing, the others change nothing more when they come twice.
const safeMethods = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);
const idempotentMethods = new Set([...safeMethods, "PUT", "DELETE"]);

/**
 * One request and its answer, with a pod chosen at the moment when the request is read. A pod that does not accept is
 * passed over. A kept connection may have been closed by its pod a moment ago, so only a request that may come twice goes
 * there, and is sent once more on a new one when no byte of an answer has come. The object serves one exchange of a client
 * after another.
 */
export class Exchange implements ConnectionOwner {
  deadlineAt: Instant = never;
  readonly #sessions: Sessions;
  readonly #client: ExchangeClient;
  readonly #head = new HeadReader({ takesBareLineFeeds: true });
  readonly #answerBody = new Body();
  #route: Route | undefined;
  #request: RequestHead | undefined;
  #toSend: Buffer = nothing;
  /** The request may come twice and is there as a whole. */
  #canSendAgain = false;
  #endpoint: Endpoint | undefined;
  #upstream: Connection | undefined;
  #isReused = false;
  #isSent = false;
  #isSentAgain = false;
  #hasAnswerBytes = false;
  #answerHasBegun = false;
  #answerIsDone = false;
  #isLast = false;
  #keepsUpstream = false;
  #timedOut = false;
  #lastProblem = "";
  #tried: Endpoint[] = [];
  /** Until when pods that refuse are asked again; `never` before the first refusal of all. */
  #patientUntil: Instant = never;
  #isWaiting = false;

  constructor(sessions: Sessions, client: ExchangeClient) {
    this.#sessions = sessions;
    this.#client = client;
  }

  /** Sends `toSend` by `route`: the head of `request` and what of its body is there. The rest comes by `sendBody`. */
  begin(route: Route, request: RequestHead, toSend: Buffer): void {
    this.#route = route;
    this.#request = request;
    this.#toSend = toSend;
    this.#canSendAgain =
      this.#client.requestBody.isDone && !request.asksUpgrade && idempotentMethods.has(request.method);
    this.#isSentAgain = this.#answerHasBegun = this.#answerIsDone = false;
    if (this.#tried.length > 0) this.#tried = [];
    this.#patientUntil = never;
    this.#dispatch(true);
  }

  sendBody(bytes: Buffer): void {
    const upstream = this.#upstream;
    if (upstream === undefined) return;
    if (this.#isSent) this.#client.connection.passOn(bytes, upstream);
    else this.#toSend = Buffer.concat([this.#toSend, bytes]);
    if (this.#answerIsDone && this.#client.requestBody.isDone) this.#finish();
  }

  /** The request cannot go on: gives it up with the pod, and tells the client if no answer has begun. */
  refuse(status: number, text: string): void {
    this.#drop();
    if (!this.#answerHasBegun) this.#answer(status, text, true);
    else this.#client.finished(true);
  }

  /** The client is gone. */
  abort(): void {
    this.#drop();
  }

  expire(): void {
    if (this.#isWaiting) {
      this.#isWaiting = false;
      this.#tried = [];
      this.#dispatch(true);
      return;
    }
    this.#timedOut = true;
    this.#lost("timed out");
  }

  clientDrained(): void {
    this.#upstream?.resume();
  }

  #dispatch(mayReuse: boolean): void {
    const endpoint = this.#route?.nextEndpoint(this.#tried, this.#client.connection);
    if (endpoint === undefined) {
      this.#noEndpoint();
      return;
    }
    this.#endpoint = endpoint;
    endpoint.outstanding++;
    this.#head.reset();
    this.#hasAnswerBytes = false;
    const kept = mayReuse && this.#canSendAgain ? endpoint.take(this) : undefined;
    this.#isReused = kept !== undefined;
    if (kept !== undefined) {
      this.#upstream = kept;
      this.#send(kept);
      return;
    }
    this.#isSent = this.#timedOut = false;
    this.deadlineAt = later(this.#sessions.now, connectSeconds);
    this.#upstream = endpoint.dial(this);
    if (!this.#client.requestBody.isDone) this.#client.connection.pause();
  }

  #noEndpoint(): void {
    if (this.#tried.length === 0) {
      this.#answer(503, `${this.#route?.label} has no ready endpoint.`);
    } else if (this.#mayAskAgain()) {
      this.#isWaiting = true;
      this.deadlineAt = this.#sessions.now;
    } else {
      const status = this.#timedOut ? 504 : 502;
      this.#answer(status, `${this.#route?.label} has no endpoint that answers (${this.#lastProblem}).`);
    }
  }

  /**
   * Whether all pods that there are have refused, lately: a pod without a readiness probe counts as ready before it listens.
   * Nothing was sent, so nothing can happen twice.
   */
  #mayAskAgain(): boolean {
    if (this.#isSent || this.#isSentAgain || this.#timedOut) return false;
    const { now } = this.#sessions;
    if (this.#patientUntil === never) this.#patientUntil = later(now, refusedSeconds);
    return now < this.#patientUntil;
  }

  #send(upstream: Connection): void {
    const { connection, requestBody } = this.#client;
    this.#isSent = true;
    this.deadlineAt = never;
    connection.passOn(this.#toSend, upstream);
    if (!this.#canSendAgain) this.#toSend = nothing;
    if (!requestBody.isDone && !upstream.isFull) connection.resume();
  }

  connected(connection: Connection): void {
    if (connection === this.#upstream) this.#send(connection);
  }

  received(connection: Connection, bytes: Buffer): void {
    if (connection !== this.#upstream) return;
    if (!this.#isSent || this.#answerIsDone) this.#keepsUpstream = false;
    else if (this.#answerHasBegun) this.#continueAnswer(connection, bytes);
    else this.#readAnswer(connection, bytes);
  }

  #readAnswer(upstream: Connection, received: Buffer): void {
    let bytes = received;
    let from = 0;
    this.#hasAnswerBytes = true;
    while (from < bytes.length) {
      const state = this.#head.read(bytes, from);
      if (state === "incomplete") return;
      if (state !== "complete") {
        this.#refuseAnswer(state === "tooLarge" ? "its head is larger than 64 KiB" : "it is not HTTP/1");
        return;
      }
      let { bytes: all, start, end } = this.#head;
      let response = parseResponseHead(all, start, end);
      if (response instanceof MessageFault) {
        const mended = mendAnswerHead(all, start, end);
        all = Buffer.concat([mended, all.subarray(end)]);
        [start, end] = [0, mended.length];
        response = parseResponseHead(all, start, end);
      }
      if (response instanceof MessageFault) {
        this.#refuseAnswer(response.reason);
        return;
      }
      if (response.status === 408 && this.#isReused && this.#canSendAgain && !this.#isSentAgain) {
        // Said before the request came, as a farewell to a connection that was idle (RFC 9110 section 15.5.9).
        this.#hasAnswerBytes = false;
        this.#lost("closed the idle connection");
        return;
      }
      if (response.status >= 200) {
        this.#beginAnswer(upstream, response, all, start, end);
        return;
      }
      if (response.status === 101) {
        this.#upgrade(upstream, all.subarray(start));
        return;
      }
      if (this.#request?.minorVersion === 1)
        upstream.passOn(all.subarray(start, end), this.#client.connection);
      bytes = all;
      from = end;
    }
  }

  #refuseAnswer(reason: string): void {
    this.refuse(502, `${this.#place()} sent an invalid answer: ${reason}.`);
  }

  #upgrade(upstream: Connection, answer: Buffer): void {
    const endpoint = this.#endpoint;
    if (this.#request?.asksUpgrade !== true || endpoint === undefined) {
      this.refuse(502, `${this.#place()} switched protocols without being asked.`);
      return;
    }
    upstream.passOn(answer, this.#client.connection);
    this.#upstream = this.#endpoint = undefined;
    this.#client.upgraded(upstream, endpoint);
  }

  #beginAnswer(
    upstream: Connection,
    response: ResponseHead,
    bytes: Buffer,
    start: number,
    end: number,
  ): void {
    const request = this.#request;
    if (request === undefined) return;
    const body = this.#answerBody;
    body.beginResponse(request.method, response.status, response.fields);
    const bodyEnd = body.advance(bytes, end);
    if (body.isMalformed) {
      this.#refuseAnswer("its body breaks the chunked coding");
      return;
    }
    this.#answerHasBegun = true;
    this.#toSend = nothing;
    this.#isLast =
      !request.keepsAlive ||
      this.#client.isLeaving ||
      body.isUntilClose ||
      (response.minorVersion === 0 && !response.keepsAlive);
    // A 204 that gives a length may be followed by that body all the same.
    const hasOddEnd = response.status === 204 && response.fields.contentLength > 0;
    this.#keepsUpstream = response.keepsAlive && !body.isUntilClose && bodyEnd === bytes.length && !hasOddEnd;
    if (this.#isLast !== response.saysItIsKept) {
      upstream.passOn(bytes.subarray(start, bodyEnd), this.#client.connection);
    } else {
      // The pod's word on its connection is not ours on the client's.
      const head = this.#isLast
        ? withConnectionClose(bytes, start, end, response.fields)
        : withoutConnectionLines(bytes, start, end, response.fields);
      upstream.passOn(Buffer.concat([...head, bytes.subarray(end, bodyEnd)]), this.#client.connection);
    }
    if (body.isDone) this.#answerDone();
  }

  #continueAnswer(upstream: Connection, bytes: Buffer): void {
    const body = this.#answerBody;
    const end = body.advance(bytes, 0);
    if (body.isMalformed) {
      this.#drop();
      this.#client.connection.reset();
      return;
    }
    if (end < bytes.length) this.#keepsUpstream = false;
    upstream.passOn(end === bytes.length ? bytes : bytes.subarray(0, end), this.#client.connection);
    if (body.isDone) this.#answerDone();
  }

  // The rest of a request that was answered early still goes to the pod, as it would without a proxy.
  #answerDone(): void {
    this.#answerIsDone = true;
    if (this.#client.requestBody.isDone) this.#finish();
  }

  #finish(): void {
    const upstream = this.#upstream;
    const endpoint = this.#endpoint;
    if (this.#keepsUpstream && upstream !== undefined && endpoint !== undefined) {
      this.#upstream = this.#endpoint = undefined;
      endpoint.outstanding--;
      endpoint.keep(upstream);
    } else {
      this.#drop();
    }
    this.#client.finished(this.#isLast);
  }

  #drop(): void {
    const upstream = this.#upstream;
    const endpoint = this.#endpoint;
    this.#upstream = this.#endpoint = undefined;
    this.#isWaiting = false;
    this.deadlineAt = never;
    if (endpoint !== undefined) endpoint.outstanding--;
    upstream?.destroy();
  }

  drained(connection: Connection): void {
    if (connection === this.#upstream && !this.#client.requestBody.isDone) this.#client.connection.resume();
  }

  ended(connection: Connection): void {
    if (connection !== this.#upstream) return;
    if (this.#answerHasBegun && this.#answerBody.isUntilClose) {
      this.#keepsUpstream = false;
      this.#finish();
    } else {
      this.#lost("closed the connection");
    }
  }

  closed(connection: Connection, error?: Error): void {
    if (connection === this.#upstream)
      this.#lost(error === undefined ? "closed the connection" : reasonOf(error));
  }

  #lost(reason: string): void {
    const endpoint = this.#endpoint;
    const { connection } = this.#client;
    const place = this.#place();
    this.#lastProblem = `${endpoint?.address}:${endpoint?.port} ${reason}`;
    this.#drop();
    if (!this.#isSent) {
      if (endpoint !== undefined) this.#tried.push(endpoint);
      this.#dispatch(true);
    } else if (this.#maySendAgain()) {
      this.#isSentAgain = true;
      // A kept connection may have been closed only for its age; a new one that breaks speaks against the pod.
      if (!this.#isReused && endpoint !== undefined) this.#tried.push(endpoint);
      this.#dispatch(false);
    } else if (!this.#answerHasBegun) {
      this.#answer(502, `${place} ended the connection before it had answered (${reason}).`);
    } else if (this.#answerIsDone || !this.#answerBody.isUntilClose) {
      // An answer cut short shows by its length or by the missing last chunk.
      this.#client.finished(true);
    } else {
      connection.reset();
    }
  }

  // A pod that breaks a new connection may have begun with the request, so what changes something is not done once more.
  #maySendAgain(): boolean {
    if (!this.#canSendAgain || this.#hasAnswerBytes || this.#isSentAgain) return false;
    return this.#isReused || safeMethods.has(this.#request?.method ?? "");
  }

  #answer(status: number, text: string, close = false): void {
    const { connection, requestBody, isLeaving } = this.#client;
    const isLast = close || isLeaving || !requestBody.isDone || this.#request?.keepsAlive !== true;
    this.#answerHasBegun = true;
    connection.write(ownAnswer(status, text, { withBody: this.#request?.method !== "HEAD", close: isLast }));
    this.#client.finished(isLast);
  }

  #place(): string {
    return `Endpoint ${this.#endpoint?.address}:${this.#endpoint?.port} of ${this.#route?.label}`;
  }
}

function reasonOf(error: Error): string {
  return "code" in error && typeof error.code === "string" ? error.code : error.message;
}
