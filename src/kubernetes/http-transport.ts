import { retrySeconds } from "../time/backoff.ts";
import { type Cancel, type Clock, later } from "../time/clock.ts";
import { pause } from "../time/pause.ts";
import { SystemClock } from "../time/system-clock.ts";
import { Connections } from "./connections.ts";
import { type CredentialSource, type Credentials, fixedCredentials } from "./credentials.ts";
import { ApiError, asStatus } from "./errors.ts";
import { contentOf, type HttpAnswer, readBody, retryAfterOf, warningsOf } from "./http-answer.ts";
import { warnOfBug } from "./internal-error.ts";
import { isRecord } from "./is-record.ts";
import { JsonLines } from "./json-lines.ts";
import { addressOf } from "./proxy.ts";
import type { ApiRequest, ApiResponse, Transport, WatchEvent, WatchSink } from "./transport.ts";
import { isAboutTrust, isBrokenConnection, unreachable } from "./unreachable.ts";

const requestTimeoutSeconds = 30;
/** How long after its announced end a watch is waited for. */
const watchOverrunSeconds = 30;
/** Added to what `Retry-After` asks for. */
const putOff = { first: 0.1, limit: 5 };

export interface HttpTransportOptions {
  /** `https://host:port`, optionally with a path before the API's. */
  readonly server: string;
  readonly insecureSkipTlsVerify?: boolean;
  /** Name that the server's certificate is for, where it is not the host of the address. */
  readonly tlsServerName?: string;
  readonly credentials?: CredentialSource;
  /** An HTTP proxy that makes a tunnel to the server, or a SOCKS5 one. */
  readonly proxy?: URL | undefined;
  readonly clock?: Clock;
}

/** One request and its answer, for as long as it goes on. */
interface Exchange {
  readonly signal: AbortSignal;
  /** Breaks it off after so many seconds; the former deadline counts no more. */
  deadline(seconds: number): void;
  noDeadline(): void;
  /** Breaks it off if it has not ended yet. */
  end(): void;
}

/**
 * A Kubernetes API server over HTTP or HTTPS. Whatever the server answers, and whenever: a request ends with a response or
 * an `ApiError`, a watch with `ended`, and nothing is thrown anywhere else.
 */
export class HttpTransport implements Transport {
  readonly server: string;
  readonly #base: URL;
  readonly #credentials: CredentialSource;
  readonly #clock: Clock;
  readonly #connections: Connections;
  /** For messages. */
  readonly #where: string;

  constructor(options: HttpTransportOptions) {
    const { server, credentials = fixedCredentials({}), clock = new SystemClock(), proxy } = options;
    this.server = server;
    this.#base = new URL(server);
    this.#credentials = credentials;
    this.#clock = clock;
    this.#connections = new Connections({ ...options, origin: this.#base.origin });
    this.#where = proxy === undefined ? server : `${server} (through the proxy ${addressOf(proxy)})`;
  }

  /**
   * What the server puts off is asked for again when it wants that (`Retry-After`), as long as there is an answer within 30 s:
   * anything that it has refused for now (429), and reads that failed. A write that failed in another way may have been done.
   */
  async request(request: ApiRequest): Promise<ApiResponse> {
    const end = later(this.#clock.now(), requestTimeoutSeconds);
    for (let failures = 1; ; failures += 1) {
      const response = await this.#once(request);
      const retryAfter = response.retryAfterSeconds;
      const isPutOff = response.code === 429 || (request.method === "GET" && response.code >= 500);
      if (!isPutOff || retryAfter === undefined) return response;
      const again = later(this.#clock.now(), retrySeconds(this.#clock, { ...putOff, failures, retryAfter }));
      if (again >= end) return response;
      await pause(this.#clock, again);
    }
  }

  watch(request: ApiRequest, sink: WatchSink): Cancel {
    const exchange = this.#exchange();
    let isOver = false;
    const finish = (error?: Error): void => {
      if (isOver) return;
      isOver = true;
      exchange.end();
      sink.ended(error);
    };
    // A bug in what is told must not look like the server's fault.
    const tell = (what: () => void): void => {
      if (isOver) return;
      try {
        what();
      } catch (bug) {
        finish(asError(bug));
      }
    };
    this.#watch(request, exchange, {
      opened: () => tell(() => sink.opened?.()),
      event: (event) => tell(() => sink.event(event)),
    })
      .then(
        () => finish(),
        (error: unknown) => finish(this.#unreachable(error)),
      )
      // There is nobody else to tell.
      .catch(warnOfBug);
    return () => {
      isOver = true;
      exchange.end();
    };
  }

  /** A text answer piece by piece as it comes (`pods/log` with `follow`), until it ends or `stop` is aborted. */
  async *follow(request: ApiRequest, stop: AbortSignal): AsyncGenerator<string> {
    const exchange = this.#exchange();
    const end = (): void => exchange.end();
    stop.addEventListener("abort", end, { once: true });
    if (stop.aborted) end();
    try {
      const answer = await this.#accepted(request, exchange);
      exchange.noDeadline();
      const decoder = new TextDecoder();
      for await (const bytes of contentOf(answer)) {
        const text = decoder.decode(bytes, { stream: true });
        if (text !== "") yield text;
      }
    } catch (error) {
      if (!stop.aborted) throw this.#unreachable(error);
    } finally {
      stop.removeEventListener("abort", end);
      end();
    }
  }

  /** Breaks off everything and closes the connections. */
  close(): void {
    this.#connections.close();
  }

  async #once(request: ApiRequest): Promise<ApiResponse> {
    try {
      return await this.#authenticated((credentials) => this.#attempt(request, credentials));
    } catch (error) {
      throw this.#unreachable(error);
    }
  }

  async #attempt(request: ApiRequest, credentials: Credentials, isSecond = false): Promise<ApiResponse> {
    const exchange = this.#exchange();
    try {
      const answer = await this.#send(request, credentials, exchange);
      const warnings = warningsOf(answer);
      const retryAfterSeconds = retryAfterOf(answer, this.#clock);
      return {
        code: answer.code,
        body: await readBody(answer),
        ...(warnings.length === 0 ? {} : { warnings }),
        ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
      };
    } catch (error) {
      // The server may close a kept connection in the very moment in which it is used again.
      if (isSecond || request.method !== "GET" || !isBrokenConnection(error)) throw error;
      return await this.#attempt(request, credentials, true);
    } finally {
      exchange.end();
    }
  }

  async #watch(
    request: ApiRequest,
    exchange: Exchange,
    sink: Required<Pick<WatchSink, "opened" | "event">>,
  ): Promise<void> {
    const answer = await this.#accepted(request, exchange);
    const announced = Number(request.query?.["timeoutSeconds"]);
    if (announced > 0) exchange.deadline(announced + watchOverrunSeconds);
    else exchange.noDeadline();
    sink.opened();
    const lines = new JsonLines();
    for await (const bytes of contentOf(answer)) {
      for (const value of lines.push(bytes)) {
        if (exchange.signal.aborted) return;
        sink.event(eventOf(value));
      }
    }
    if (lines.isWithinLine) throw new Error("the watch broke off within an event");
  }

  /** The answer to a request that goes on; throws its refusal. */
  #accepted(request: ApiRequest, exchange: Exchange): Promise<HttpAnswer> {
    return this.#authenticated(async (credentials) => {
      const answer = await this.#send(request, credentials, exchange);
      if (answer.code < 300) return answer;
      throw ApiError.fromResponse(answer.code, await readBody(answer), retryAfterOf(answer, this.#clock));
    });
  }

  /** Makes an attempt, and another one when its credentials were refused or of no use and there are others. */
  async #authenticated<Answer extends { readonly code: number }>(
    attempt: (credentials: Credentials) => Promise<Answer>,
  ): Promise<Answer> {
    const credentials = await this.#credentials.current();
    const outcome = await attempt(credentials).catch(asError);
    const doubted = doubtedPart(credentials, outcome);
    if (doubted !== undefined && (await this.#credentials.refused(doubted)))
      return attempt(await this.#credentials.current());
    if (outcome instanceof Error) throw outcome;
    return outcome;
  }

  async #send(request: ApiRequest, credentials: Credentials, exchange: Exchange): Promise<HttpAnswer> {
    const { method, path, query, body, contentType, accept, userAgent } = request;
    const { signal } = exchange;
    signal.throwIfAborted();
    exchange.deadline(requestTimeoutSeconds);
    const content = body === undefined ? undefined : JSON.stringify(body);
    const url = new URL(this.#base);
    url.pathname = `${url.pathname.replace(/\/$/, "")}${path}`;
    url.search = new URLSearchParams(query).toString();
    const headers = {
      accept: accept ?? "application/json",
      "accept-encoding": "gzip",
      ...(userAgent === undefined ? {} : { "user-agent": userAgent }),
      ...(credentials.authorization === undefined ? {} : { authorization: credentials.authorization }),
      ...(content === undefined ? {} : { "content-type": contentType ?? "application/json" }),
    };
    const sent = this.#connections.for(credentials).request({
      origin: url.origin,
      method,
      path: `${url.pathname}${url.search}`,
      headers,
      ...(content === undefined ? {} : { body: content }),
      signal,
    });
    // As long as there is no connection, nobody listens to the signal.
    const answer = await Promise.race([sent, whenAborted(signal)]);
    // What breaks later is an error for whoever reads; nobody may.
    answer.body.on("error", () => {});
    if (answer.statusCode >= 300 && answer.statusCode < 400) {
      const to = answer.headers["location"];
      const what = to === undefined ? "answers" : `sends elsewhere, to ${String(to)},`;
      throw new Error(
        `it ${what} with HTTP ${answer.statusCode}, which the API never does; is a proxy with a login page in between?`,
      );
    }
    return { code: answer.statusCode, headers: answer.headers, body: answer.body };
  }

  #exchange(): Exchange {
    const controller = new AbortController();
    let cancel: Cancel = () => {};
    return {
      signal: controller.signal,
      deadline: (seconds) => {
        cancel();
        if (controller.signal.aborted) return;
        const late = new Error(`no answer within ${seconds} s; check the network and the server's health`);
        cancel = this.#clock.at(later(this.#clock.now(), seconds), () => controller.abort(late));
      },
      noDeadline: () => cancel(),
      end: () => {
        cancel();
        controller.abort();
      },
    };
  }

  #unreachable(error: unknown): ApiError {
    return unreachable(this.#where, error);
  }
}

const eventTypes: readonly unknown[] = ["ADDED", "MODIFIED", "DELETED", "BOOKMARK"];

/** A watch that tells what is no event cannot be relied on any more: what has happened must be read anew. */
function eventOf(value: unknown): WatchEvent {
  const { type, object } = isRecord(value) ? value : {};
  if (type === "ERROR") return { type, object: asStatus(object) };
  if (eventTypes.includes(type) && isRecord(object) && isRecord(object["metadata"]))
    return value as WatchEvent;
  throw new ApiError(
    "expired",
    `the watch told something that is no event: ${JSON.stringify(value).slice(0, 200)}`,
  );
}

/** What of the credentials may be the reason for this outcome. */
function doubtedPart(
  { authorization, cert, key, ca }: Credentials,
  outcome: Error | { readonly code: number },
): Credentials | undefined {
  const isRefused = "code" in outcome && outcome.code === 401;
  if (!isRefused && !isAboutTrust(outcome)) return undefined;
  const parts = isRefused ? { authorization, cert, key } : { cert, key, ca };
  return Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined));
}

function whenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(asError(signal.reason)), { once: true });
  });
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
