import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  constants,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import type { Endpoint } from "./endpoint.ts";

// So much of a request is kept until the pod has taken it, to be sent to another one if it has not.
const keptBytes = 64 * 1024;

/** One stream of a client: passed on to a pod with body and trailers, both ways. */
export class Http2Exchange {
  readonly #client: ServerHttp2Stream;
  readonly #headers: IncomingHttpHeaders;
  #kept: Buffer[] = [];
  #keptLength = 0;
  #requestTrailers: IncomingHttpHeaders = {};
  #answerTrailers: IncomingHttpHeaders = {};
  #upstream: ClientHttp2Stream | undefined;

  constructor(client: ServerHttp2Stream, headers: IncomingHttpHeaders) {
    this.#client = client;
    this.#headers = headers;
    client.on("trailers", (trailers: IncomingHttpHeaders) => {
      this.#requestTrailers = trailers;
    });
    client.on("data", (bytes: Buffer) => this.#fromClient(bytes));
    client.on("end", () => this.#upstream?.end());
    client.on("drain", () => this.#upstream?.resume());
    client.on("wantTrailers", () => client.sendTrailers(this.#answerTrailers));
    client.on("error", () => {});
    client.on("close", () => this.#upstream?.close(client.rstCode || constants.NGHTTP2_CANCEL));
    // Nothing is read before there is somewhere to send it.
    client.pause();
  }

  /** The client still waits for an answer. */
  get isWanted(): boolean {
    return !this.#client.destroyed && !this.#client.closed;
  }

  /** An answer that the proxy gives itself. */
  answer(status: number, text: string): void {
    const client = this.#client;
    if (!this.isWanted || client.headersSent) return;
    client.respond({ ":status": status, "content-type": "text/plain; charset=utf-8" });
    client.end(`${text}\n`);
    client.resume();
  }

  /** Passes the stream on; false when the pod has said that it has not looked at it and all of it can be sent again. */
  run(session: ClientHttp2Session, endpoint: Endpoint): Promise<boolean> {
    const client = this.#client;
    const isWhole = client.endAfterHeaders;
    const upstream = session.request(this.#headers, { endStream: isWhole, waitForTrailers: !isWhole });
    this.#upstream = upstream;
    for (const bytes of this.#kept) upstream.write(bytes);
    if (client.readableEnded) upstream.end();
    client.resume();

    upstream.on("headers", (headers: IncomingHttpHeaders) => client.additionalHeaders(headers));
    upstream.on("response", (headers, flags) => this.#beginAnswer(headers, flags));
    upstream.on("trailers", (trailers: IncomingHttpHeaders) => {
      this.#answerTrailers = trailers;
    });
    upstream.on("data", (bytes: Buffer) => {
      if (client.writable && !client.write(bytes)) upstream.pause();
    });
    // What a pod has broken off ends as well, but is no whole answer.
    upstream.on("end", () => {
      if (upstream.rstCode === constants.NGHTTP2_NO_ERROR) client.end();
    });
    upstream.on("drain", () => client.resume());
    upstream.on("wantTrailers", () => upstream.sendTrailers(this.#requestTrailers));
    upstream.on("error", () => {});
    return new Promise((resolve) => {
      upstream.on("close", () => resolve(this.#upstreamClosed(upstream, session, endpoint)));
    });
  }

  #fromClient(bytes: Buffer): void {
    this.#keptLength += bytes.length;
    if (this.#keptLength <= keptBytes) this.#kept.push(bytes);
    if (this.#upstream?.writable === true && !this.#upstream.write(bytes)) this.#client.pause();
  }

  #beginAnswer(headers: IncomingHttpHeaders, flags: number): void {
    const client = this.#client;
    this.#kept = [];
    if (!this.isWanted || client.headersSent) return;
    const endStream = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    client.respond(headers, { endStream, waitForTrailers: !endStream });
  }

  #upstreamClosed(upstream: ClientHttp2Stream, session: ClientHttp2Session, endpoint: Endpoint): boolean {
    const client = this.#client;
    // With its connection Node's streams end as if they had been cancelled, which a client need not take for a failure.
    const code = session.destroyed ? constants.NGHTTP2_INTERNAL_ERROR : upstream.rstCode;
    this.#upstream = undefined;
    if (!this.isWanted) return true;
    if (client.headersSent) {
      // A pod that has answered may want no more of the request.
      if (!client.writableEnded) client.close(code || constants.NGHTTP2_INTERNAL_ERROR);
      else if (!client.readableEnded) client.close(constants.NGHTTP2_NO_ERROR);
      return true;
    }
    if (upstream.rstCode === constants.NGHTTP2_REFUSED_STREAM && this.#keptLength <= keptBytes) {
      client.pause();
      return false;
    }
    if (session.destroyed) {
      this.answer(
        502,
        `Endpoint ${endpoint.address}:${endpoint.port} ended the connection before it had answered.`,
      );
    } else {
      client.close(code || constants.NGHTTP2_INTERNAL_ERROR);
    }
    return true;
  }
}
