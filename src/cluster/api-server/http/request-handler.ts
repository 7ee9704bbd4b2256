import type { IncomingMessage, ServerResponse } from "node:http";
import type { ApiRequest, ApiResponse, Transport, User } from "../../../kubernetes/transport.ts";
import { type Clock, later } from "../../../time/clock.ts";
import type { Access } from "../access/access.ts";
import { isWatch } from "../access/attributes.ts";
import { isFields } from "../json.ts";
import { parsePath, type Target } from "../paths.ts";
import { badRequest, methodNotAllowed, Refusal } from "../refusal.ts";
import type { ResourceInfo } from "../resource-info.ts";
import { type Answer, refusalAnswer, sendAnswer } from "./answer.ts";
import { Discovery } from "./discovery/discovery.ts";
import { Entrance } from "./entrance.ts";
import { issuerDocument } from "./issuer-documents.ts";
import { streamLog } from "./log-stream.ts";
import { negotiate } from "./negotiation.ts";
import { ObjectForm } from "./object-form.ts";
import { OpenApiDocuments } from "./openapi/documents.ts";
import { Version2Document } from "./openapi/version-2.ts";
import { decodeBody, RequestBodies } from "./request-body.ts";
import { serverVersion, versionInfo } from "./version.ts";
import { refusalOf, WatchStream } from "./watch-stream.ts";

/** What the HTTP face needs of the API server. */
export interface ServedApi extends Transport {
  readonly access: Access;
  /** All that is served; the same array again until that changes. */
  resources(): readonly ResourceInfo[];
  /** A container's log as it comes, until it or `signal` ends; or why there is none. */
  podLog(request: ApiRequest, signal: AbortSignal): Promise<AsyncIterable<Uint8Array> | ApiResponse>;
}

export interface RequestHandlerOptions {
  readonly apiServer: ServedApi;
  readonly clock: Clock;
  /** `127.0.0.1:7443`, as clients know the server. */
  readonly address: string;
  /** Told about failures that are nobody's fault but the server's. */
  readonly onProblem: (text: string) => void;
}

interface Incoming {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly method: ApiRequest["method"];
  readonly user: User;
}

/** Answers HTTP requests: negotiates how, and asks the API server what. Every failure becomes a `Status`. */
export class RequestHandler {
  readonly #options: RequestHandlerOptions;
  readonly #entrance: Entrance;
  readonly #discovery: Discovery;
  readonly #openApi: OpenApiDocuments;
  readonly #openApi2: Version2Document;
  readonly #bodies = new RequestBodies();

  constructor(options: RequestHandlerOptions) {
    this.#options = options;
    this.#entrance = new Entrance(options.apiServer.access, options.clock);
    this.#discovery = new Discovery(() => options.apiServer.resources(), options.address);
    this.#openApi = new OpenApiDocuments(() => this.#discovery.groups(), serverVersion);
    this.#openApi2 = new Version2Document(() => this.#discovery.groups(), serverVersion);
  }

  /** Resolves when the answer is written, or in the case of a watch when it has begun. `closing` ends watches and followed logs. */
  async handle(request: IncomingMessage, response: ServerResponse, closing: AbortSignal): Promise<void> {
    try {
      const answer = await this.#answer(request, response, closing);
      if (answer !== undefined) await sendAnswer(request, response, answer);
    } catch (error) {
      await this.#fail(request, response, error);
    }
  }

  /** Undefined when the response is written, or being written, already. */
  async #answer(
    request: IncomingMessage,
    response: ServerResponse,
    closing: AbortSignal,
  ): Promise<Answer | undefined> {
    const url = URL.parse(request.url ?? "/", "https://server");
    if (url === null) throw badRequest("the target of the request is no URL");
    const path = url.pathname;
    const query = Object.fromEntries(url.searchParams);
    const method = methodOf(request);
    const user = this.#entrance.admit(request, { method, path, query });
    const incoming = { request, response, path, query, method, user };
    if (method === "GET") {
      const known = this.#ownAnswer(incoming);
      if (known !== undefined) return known;
    }
    const target = parsePath(path);
    if (target === undefined) return { code: 404, body: "404 page not found\n" };
    if (method === "GET" && target?.plural === "pods" && target.subresource === "log")
      return this.#log(incoming, closing);
    return method === "GET" && isWatch(query)
      ? this.#watch(incoming, target, closing)
      : this.#ask(incoming, target);
  }

  /** What the HTTP face answers by itself: health, version, discovery and OpenAPI. */
  #ownAnswer({ path, query, request }: Incoming): Answer | undefined {
    if (path === "/healthz" || path === "/livez" || path === "/readyz") return { code: 200, body: "ok" };
    if (path === "/version") return { code: 200, body: versionInfo };
    const { apiServer, address } = this.#options;
    const issuer = issuerDocument(path, apiServer.access.tokens, address);
    if (issuer !== undefined) return issuer;
    const { accept, "if-none-match": known } = request.headers;
    if (path === "/openapi/v2") {
      const version2 = this.#openApi2.answer(accept);
      if (version2 === undefined) return { code: 406, body: undefined };
      const etag = version2.hash === undefined ? undefined : `"${version2.hash}"`;
      return revalidated(known, etag, { code: 200, ...version2, headers: { Vary: "Accept" } });
    }
    const openApi = this.#openApi.answer(path, query.hash);
    if (openApi?.is === "moved")
      return { code: 301, body: undefined, headers: { Location: openApi.location } };
    if (openApi?.is === "document") {
      const { json, hash, immutable } = openApi;
      const headers = immutable ? { "Cache-Control": "public, immutable" } : {};
      return revalidated(known, `"${hash}"`, {
        code: 200,
        body: json,
        contentType: "application/json",
        headers,
      });
    }
    const discovery = this.#discovery.answer(path, accept);
    if (discovery === undefined) return undefined;
    const { body, contentType, etag } = discovery;
    return revalidated(known, etag, { code: 200, body, contentType, headers: { Vary: "Accept" } });
  }

  async #ask(incoming: Incoming, target: Target | undefined): Promise<Answer> {
    const { request, query, method, path, user } = incoming;
    const accepted = negotiate(request.headers.accept);
    const answer = await this.#bodies.with(request, (bytes) => {
      const { body, contentType } = decodeBody(method, request.headers["content-type"], bytes);
      return this.#options.apiServer.request({
        method,
        path,
        query,
        contentType,
        user,
        userAgent: request.headers["user-agent"] ?? "unknown",
        ...(body === undefined ? {} : { body }),
      });
    });
    const form = new ObjectForm(accepted, this.#resource(target), query.includeObject);
    const shown = answer.code < 400 ? form.apply(answer.body, this.#options.clock.now()) : answer.body;
    return {
      code: answer.code,
      body: shown,
      encoding: accepted.encoding,
      warnings: answer.warnings ?? [],
      headers: retryAfter(answer.body),
    };
  }

  #watch(incoming: Incoming, target: Target | undefined, closing: AbortSignal): undefined {
    const { request, response, query, path, user } = incoming;
    const { clock, apiServer } = this.#options;
    // Events are always JSON: no client wants a stream of anything else that is offered.
    const form = new ObjectForm(
      negotiate(request.headers.accept),
      this.#resource(target),
      query.includeObject,
    );
    const refused = (refusal: Refusal) => void this.#fail(request, response, refusal);
    const stream = new WatchStream({ response, form, clock, refused });
    const userAgent = request.headers["user-agent"] ?? "unknown";
    const cancel = apiServer.watch(
      { method: "GET", path, query: { ...query, watch: "true" }, userAgent, user },
      stream,
    );
    const end = () => {
      cancel();
      stream.close();
    };
    closing.addEventListener("abort", end);
    response.on("close", () => {
      closing.removeEventListener("abort", end);
      cancel();
    });
  }

  async #log({ path, query, response, user }: Incoming, closing: AbortSignal): Promise<Answer | undefined> {
    const gone = new AbortController();
    response.on("close", () => gone.abort());
    const ends = AbortSignal.any([closing, gone.signal]);
    const log = await this.#options.apiServer.podLog({ method: "GET", path, query, user }, ends);
    if (!(Symbol.asyncIterator in log))
      return { code: log.code, body: log.body === "" ? undefined : log.body };
    await streamLog(response, log);
    return undefined;
  }

  /** What a path's objects are. Undefined where the answer is of another kind, as at `.../scale`. */
  #resource(target: Target | undefined): ResourceInfo | undefined {
    if (target === undefined) return undefined;
    const { group, version, plural, subresource } = target;
    const resource = this.#options.apiServer
      .resources()
      .find((each) => each.group === group && each.version === version && each.plural === plural);
    if (resource === undefined || subresource === undefined) return resource;
    const kind = resource.subresources.find(({ name }) => name === subresource)?.kind;
    return kind === resource.kind ? resource : undefined;
  }

  async #fail(request: IncomingMessage, response: ServerResponse, error: unknown): Promise<void> {
    const refusal = refusalOf(error);
    if (!(error instanceof Refusal) && !response.destroyed)
      this.#options.onProblem(
        `${request.method} ${request.url}: ${error instanceof Error ? error.stack : String(error)}`,
      );
    // Half an answer cannot be taken back; the client sees a broken connection.
    if (response.headersSent) {
      response.destroy();
      return;
    }
    if (isStillSending(request)) {
      // A client that is cut off while it sends does not see the answer.
      await readToEnd(request, this.#options.clock);
      response.setHeader("Connection", "close");
    }
    await sendAnswer(request, response, refusalAnswer(refusal));
  }
}

/** How long a client that is refused may go on sending before it is cut off. */
const sendingSeconds = 5;

function isStillSending({ complete, destroyed, headers }: IncomingMessage): boolean {
  const hasBody = headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;
  return hasBody && !complete && !destroyed;
}

/** Throws away what is still to come. */
async function readToEnd(request: IncomingMessage, clock: Clock): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancel = clock.at(later(clock.now(), sendingSeconds), resolve);
  request.on("close", resolve).on("end", resolve).on("error", resolve).resume();
  await promise;
  cancel();
}

const methods = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;

function methodOf({ method }: IncomingMessage): ApiRequest["method"] {
  const known = methods.find((one) => one === method);
  if (known === undefined) throw methodNotAllowed();
  return known;
}

/** 304 without a body when the client has this very answer already. */
function revalidated(known: string | undefined, etag: string | undefined, answer: Answer): Answer {
  if (etag === undefined) return answer;
  const headers = { ...answer.headers, ETag: etag };
  return known === etag ? { code: 304, body: undefined, headers } : { ...answer, headers };
}

function retryAfter(body: unknown): Readonly<Record<string, string>> {
  const details = isFields(body) && body.kind === "Status" && isFields(body.details) ? body.details : {};
  const seconds = details.retryAfterSeconds;
  return typeof seconds === "number" ? { "Retry-After": String(seconds) } : {};
}
