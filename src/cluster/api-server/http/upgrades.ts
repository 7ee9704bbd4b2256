import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { ApiRequest, ApiResponse } from "../../../kubernetes/transport.ts";
import type { Clock } from "../../../time/clock.ts";
import type { Access } from "../access/access.ts";
import type { NodeDoor, PodStream } from "../node-door.ts";
import { badRequest, internalError, methodNotAllowed, Refusal } from "../refusal.ts";
import { Entrance } from "./entrance.ts";
import { refuseUpgrade } from "./refuse-upgrade.ts";

/** What upgrades need of the API server. */
export interface StreamingApi {
  readonly access: Access;
  /** The stream that a request means; or why there is none. */
  podStream(request: ApiRequest, query: URLSearchParams): PodStream | ApiResponse;
}

export interface UpgradesOptions {
  readonly apiServer: StreamingApi;
  readonly clock: Clock;
  /** Absent where pods are on no node that could be asked. */
  readonly node: NodeDoor | undefined;
}

/** Requests that change protocols: looked at as all others are, and then joined with the node, byte for byte. */
export class Upgrades {
  readonly #options: UpgradesOptions;
  readonly #entrance: Entrance;

  constructor(options: UpgradesOptions) {
    this.#options = options;
    this.#entrance = new Entrance(options.apiServer.access, options.clock);
  }

  /** `closing` ends it. */
  take(request: IncomingMessage, socket: Duplex, head: Buffer, closing: AbortSignal): void {
    socket.on("error", () => socket.destroy());
    const leave = (): void => void socket.destroy();
    closing.addEventListener("abort", leave);
    socket.on("close", () => closing.removeEventListener("abort", leave));
    try {
      this.#join(request, socket, head, closing);
    } catch (error) {
      refuseUpgrade(socket, error instanceof Refusal ? error : internalError(String(error)));
    }
  }

  #join(request: IncomingMessage, socket: Duplex, head: Buffer, closing: AbortSignal): void {
    const { node, apiServer } = this.#options;
    const url = URL.parse(request.url ?? "/", "https://server");
    if (url === null) throw badRequest("the target of the request is no URL");
    const path = url.pathname;
    const { method } = request;
    if (method !== "GET" && method !== "POST") throw methodNotAllowed();
    const query = Object.fromEntries(url.searchParams);
    const user = this.#entrance.admit(request, { method, path, query });
    // Who asks is no business of the node's.
    const { authorization: _, ...headers } = request.headers;
    const stream = apiServer.podStream({ method, path, query, user }, url.searchParams);
    if (!("verb" in stream)) throw refusalIn(stream);
    if (node === undefined) throw internalError("there is no node that could be asked");
    const asked = node.open(stream, method, headers);
    const leave = (): void => void asked.destroy();
    socket.on("close", leave);
    closing.addEventListener("abort", leave);
    asked.on("close", () => closing.removeEventListener("abort", leave));
    asked.on("error", (error) =>
      refuseUpgrade(socket, internalError(`error dialing backend: ${error.message}`)),
    );
    asked.on("response", (answer) => passAnswer(answer, socket));
    asked.on("upgrade", (answer, other, first) => {
      socket.removeListener("close", leave);
      socket.write(headOf(answer));
      if (first.length > 0) socket.write(first);
      if (head.length > 0) other.write(head);
      join(socket, other, closing);
    });
    asked.end();
  }
}

/** Each takes what the other sends, no faster than it can, until one of them has gone. */
function join(one: Duplex, other: Duplex, closing: AbortSignal): void {
  const leave = (): void => {
    one.destroy();
    other.destroy();
  };
  closing.addEventListener("abort", leave);
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.on("error", leave);
    from.on("close", () => {
      closing.removeEventListener("abort", leave);
      // The client is sent what the node has sent last; the node is told at once when the client has gone.
      if (from === one) other.destroy();
      else one.end();
    });
    from.pipe(to);
  }
}

/** The node's answer, as it came. */
function headOf({ statusCode = 500, statusMessage = "", rawHeaders }: IncomingMessage): string {
  const lines = rawHeaders.flatMap((name, index) =>
    index % 2 === 0 ? [`${name}: ${rawHeaders[index + 1] ?? ""}`] : [],
  );
  return [`HTTP/1.1 ${statusCode} ${statusMessage}`, ...lines, "", ""].join("\r\n");
}

function passAnswer(answer: IncomingMessage, socket: Duplex): void {
  // Read on, so that its end is seen.
  socket.resume();
  socket.write(headOf(answer));
  answer.on("error", () => socket.destroy());
  answer.pipe(socket);
}

function refusalIn({ code, body }: ApiResponse): Refusal {
  const { reason, message, details } = body as Partial<Refusal["status"]>;
  return new Refusal(code, reason, message ?? "404 page not found", details);
}
