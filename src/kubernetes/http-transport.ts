import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
} from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { pipeline, type Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { createGunzip } from "node:zlib";
import { type Cancel, type Clock, later } from "../time/clock.ts";
import { SystemClock } from "../time/system-clock.ts";
import { ApiError } from "./errors.ts";
import { JsonLines } from "./json-lines.ts";
import type { ApiRequest, ApiResponse, Transport, WatchEvent, WatchSink } from "./transport.ts";
import { unreachable } from "./unreachable.ts";

const requestTimeoutSeconds = 30;
/** How long after its announced end a watch is waited for. */
const watchOverrunSeconds = 30;
const keepAliveMilliseconds = 30_000;

/** What proves to the server who asks. */
export interface Credentials {
  /** Value of the `Authorization` header. */
  readonly authorization?: string;
  /** Client certificate and key, PEM. */
  readonly cert?: string;
  readonly key?: string;
}

export interface CredentialSource {
  /** Credentials that are valid now. Rejects with a message for people when there are none. */
  current(): Promise<Credentials>;
  /** The server has refused them: the next ones must be new. False when there can be no others. */
  refused(): boolean;
}

export interface HttpTransportOptions {
  /** `https://host:port`, optionally with a path before the API's. */
  readonly server: string;
  /** PEM of the authorities that may sign the server's certificate; those of the system when absent. */
  readonly ca?: string;
  readonly insecureSkipTlsVerify?: boolean;
  /** Name that the server's certificate is for, where it is not the host of the address. */
  readonly tlsServerName?: string;
  readonly credentials?: CredentialSource;
  readonly clock?: Clock;
}

const anonymous: CredentialSource = { current: () => Promise.resolve({}), refused: () => false };

/** A Kubernetes API server over HTTP or HTTPS. */
export class HttpTransport implements Transport {
  readonly server: string;
  readonly #base: URL;
  readonly #options: HttpTransportOptions;
  readonly #credentials: CredentialSource;
  readonly #clock: Clock;
  #agent: { readonly of: Credentials; readonly agent: HttpAgent | HttpsAgent } | undefined;

  constructor(options: HttpTransportOptions) {
    this.server = options.server;
    this.#base = new URL(options.server);
    this.#options = options;
    this.#credentials = options.credentials ?? anonymous;
    this.#clock = options.clock ?? new SystemClock();
  }

  async request(request: ApiRequest): Promise<ApiResponse> {
    const response = await this.#attempt(request);
    if (response.code !== 401 || !this.#credentials.refused()) return response;
    return this.#attempt(request);
  }

  watch(request: ApiRequest, sink: WatchSink): Cancel {
    const exchange = new AbortController();
    void this.#watch(request, sink, exchange.signal).then(
      () => exchange.signal.aborted || sink.ended(),
      (error: unknown) => exchange.signal.aborted || sink.ended(unreachable(this.server, error)),
    );
    return () => exchange.abort();
  }

  /** A text answer piece by piece as it comes (`pods/log` with `follow`), until it ends or `stop` is aborted. */
  async *follow(request: ApiRequest, stop: AbortSignal): AsyncGenerator<string> {
    try {
      const answer = await this.#send(request, stop);
      const code = answer.statusCode ?? 0;
      if (code >= 400) throw ApiError.fromResponse(code, await readBody(answer));
      const decoder = new TextDecoder();
      for await (const bytes of contentOf(answer)) yield decoder.decode(bytes, { stream: true });
    } catch (error) {
      if (!stop.aborted) throw unreachable(this.server, error);
    }
  }

  /** Closes the connections. */
  close(): void {
    this.#agent?.agent.destroy();
    this.#agent = undefined;
  }

  async #attempt(request: ApiRequest, isSecond = false): Promise<ApiResponse> {
    const exchange = new AbortController();
    const cancelTimeout = this.#abortAfter(requestTimeoutSeconds, exchange);
    const sent: { request?: ClientRequest } = {};
    try {
      const answer = await this.#send(request, exchange.signal, sent);
      return { code: answer.statusCode ?? 0, body: await readBody(answer), ...warningsOf(answer) };
    } catch (error) {
      // The server may close a kept connection in the very moment in which it is used again.
      const isStaleConnection = sent.request?.reusedSocket === true && request.method === "GET";
      if (isStaleConnection && !isSecond && !exchange.signal.aborted)
        return await this.#attempt(request, true);
      throw unreachable(this.server, exchange.signal.aborted ? exchange.signal.reason : error);
    } finally {
      cancelTimeout();
    }
  }

  async #watch(request: ApiRequest, sink: WatchSink, cancelled: AbortSignal): Promise<void> {
    const exchange = new AbortController();
    const abort = (): void => exchange.abort();
    cancelled.addEventListener("abort", abort, { once: true });
    let cancelTimeout = this.#abortAfter(requestTimeoutSeconds, exchange);
    try {
      let answer = await this.#send(request, exchange.signal);
      if (answer.statusCode === 401 && this.#credentials.refused()) {
        answer.resume();
        answer = await this.#send(request, exchange.signal);
      }
      const code = answer.statusCode ?? 0;
      if (code >= 400) throw ApiError.fromResponse(code, await readBody(answer));
      cancelTimeout();
      const announced = Number(request.query?.["timeoutSeconds"]);
      if (announced > 0) cancelTimeout = this.#abortAfter(announced + watchOverrunSeconds, exchange);
      if (cancelled.aborted) return;
      sink.opened?.();
      const lines = new JsonLines();
      for await (const bytes of contentOf(answer)) {
        for (const event of lines.push(bytes)) {
          if (cancelled.aborted) return;
          sink.event(event as WatchEvent);
        }
      }
      if (lines.isWithinLine) throw new Error("the watch broke off within an event");
    } catch (error) {
      throw exchange.signal.aborted ? exchange.signal.reason : error;
    } finally {
      cancelTimeout();
      cancelled.removeEventListener("abort", abort);
    }
  }

  async #send(
    { method, path, query, body, contentType, accept, userAgent }: ApiRequest,
    signal: AbortSignal,
    sent: { request?: ClientRequest } = {},
  ): Promise<IncomingMessage> {
    const credentials = await this.#credentials.current();
    signal.throwIfAborted();
    const content = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const headers: Record<string, string | number> = {
      accept: accept ?? "application/json",
      "accept-encoding": "gzip",
    };
    if (userAgent !== undefined) headers["user-agent"] = userAgent;
    if (credentials.authorization !== undefined) headers["authorization"] = credentials.authorization;
    if (content !== undefined) {
      headers["content-type"] = contentType ?? "application/json";
      headers["content-length"] = content.length;
    }
    const url = new URL(this.#base);
    url.pathname = `${url.pathname.replace(/\/$/, "")}${path}`;
    url.search = new URLSearchParams(query).toString();
    const isSecure = url.protocol === "https:";
    return new Promise((resolve, reject) => {
      const agent = this.#agentFor(credentials);
      const options = { method, headers, agent, signal };
      const request = isSecure ? httpsRequest(url, options) : httpRequest(url, options);
      sent.request = request;
      request.on("response", resolve);
      request.on("error", reject);
      request.on("socket", (socket) => socket.setKeepAlive(true, keepAliveMilliseconds));
      request.end(content);
    });
  }

  #agentFor(credentials: Credentials): HttpAgent | HttpsAgent {
    const present = this.#agent;
    if (present !== undefined && present.of.cert === credentials.cert && present.of.key === credentials.key)
      return present.agent;
    // Not destroyed: requests that are under way finish on the connections they have.
    const { ca, insecureSkipTlsVerify, tlsServerName } = this.#options;
    const { cert, key } = credentials;
    const common = { keepAlive: true, keepAliveMsecs: keepAliveMilliseconds };
    const agent =
      this.#base.protocol === "https:"
        ? new HttpsAgent({
            ...common,
            rejectUnauthorized: insecureSkipTlsVerify !== true,
            ...(ca === undefined ? {} : { ca }),
            ...(cert === undefined ? {} : { cert }),
            ...(key === undefined ? {} : { key }),
            ...(tlsServerName === undefined ? {} : { servername: tlsServerName }),
          })
        : new HttpAgent(common);
    this.#agent = { of: credentials, agent };
    return agent;
  }

  #abortAfter(seconds: number, exchange: AbortController): Cancel {
    return this.#clock.at(later(this.#clock.now(), seconds), () =>
      exchange.abort(new Error(`no answer within ${seconds} s; check the network and the server's health`)),
    );
  }
}

function contentOf(answer: IncomingMessage): Readable {
  if (answer.headers["content-encoding"] !== "gzip") return answer;
  // An error of the answer reaches the reader as an error of the unpacked content.
  return pipeline(answer, createGunzip(), () => {});
}

async function readBody(answer: IncomingMessage): Promise<unknown> {
  // Decoded as it comes: a list's bytes are not kept beside its text.
  const decoder = new StringDecoder("utf8");
  let text = "";
  for await (const bytes of contentOf(answer)) text += decoder.write(bytes);
  text += decoder.end();
  if (!(answer.headers["content-type"] ?? "").includes("json") || text === "") return text;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error("the answer is no valid JSON; is a proxy or another program at this address?", { cause });
  }
}

/** The texts of `Warning: 299 - "…"` headers. */
function warningsOf(answer: IncomingMessage): Pick<ApiResponse, "warnings"> {
  const header = answer.headersDistinct["warning"] ?? [];
  const warnings = header.flatMap((line) =>
    [...line.matchAll(/\d{3} \S+ "((?:[^"\\]|\\.)*)"/g)].map(([, text = ""]) => text.replace(/\\(.)/g, "$1")),
  );
  return warnings.length === 0 ? {} : { warnings };
}
