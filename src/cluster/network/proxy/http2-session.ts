import {
  type ClientHttp2Session,
  connect,
  type IncomingHttpHeaders,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { Socket } from "node:net";
import { type Cancel, later } from "../../../time/clock.ts";
import type { Endpoint } from "./endpoint.ts";
import { Http2Exchange } from "./http2-exchange.ts";
import { connectSeconds, refusedSeconds } from "./limits.ts";
import type { RequestFacts, Routes } from "./route.ts";
import { never, type Session, type Sessions } from "./sessions.ts";

const askAgainSeconds = 0.1;
/** So often is a stream offered to pods that say that they have not looked at it. */
const offers = 10;
const memoryMegabytes = 64;

/** A connection to a pod that carries this client's streams, and whether the pod has accepted it. */
interface PodConnection {
  readonly session: ClientHttp2Session;
  readonly isAccepted: Promise<boolean>;
}

/**
 * A client that speaks HTTP/2 without TLS. Each of its streams goes to a pod chosen for it alone, so after a switch the client
 * keeps its connection: new streams go to the new side, those under way finish where they are, and then the old side is
 * left with a GOAWAY. The connections to pods are the client's own, so that one that reads slowly holds nobody else up.
 */
export class Http2Session implements Session {
  readonly routes: Routes;
  readonly deadlineAt = never;
  readonly #sessions: Sessions;
  readonly #client: ServerHttp2Session;
  readonly #address: string;
  readonly #pods = new Map<Endpoint, PodConnection>();
  readonly #cancelSweep: Cancel;

  private constructor(sessions: Sessions, routes: Routes, socket: Socket) {
    this.#sessions = sessions;
    this.routes = routes;
    this.#address = socket.remoteAddress ?? "";
    this.#client = performServerHandshake(socket, { maxSessionMemory: memoryMegabytes });
    this.#client.on("stream", (stream, headers) => void this.#serve(stream, headers));
    // What the error is about ends with the session.
    this.#client.on("error", () => {});
    this.#client.on("close", () => this.#over());
    this.#cancelSweep = sessions.onSweep(() => this.#leaveRetired());
    sessions.add(this);
  }

  /** Serves the client of `socket`, from the first byte on. */
  static begin(sessions: Sessions, routes: Routes, socket: Socket): void {
    // A client that sends no more in HTTP/2 is gone.
    socket.allowHalfOpen = false;
    new Http2Session(sessions, routes, socket);
  }

  async #serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
    const exchange = new Http2Exchange(stream, headers);
    if (headers[":method"] === "CONNECT") {
      exchange.answer(405, "CONNECT is not served");
      return;
    }
    const route = this.routes.pick(factsOf(headers));
    const patientUntil = later(this.#sessions.clock.now(), refusedSeconds);
    let tried: Endpoint[] = [];
    let offered = 0;
    while (exchange.isWanted) {
      const endpoint = route.nextEndpoint(tried, { address: this.#address });
      if (endpoint === undefined) {
        if (tried.length === 0) {
          exchange.answer(503, `${route.label} has no ready endpoint.`);
        } else if (this.#sessions.clock.now() < patientUntil) {
          // As for HTTP/1: a pod without a readiness probe counts as ready before it listens.
          await this.#pause(askAgainSeconds);
          tried = [];
          continue;
        } else {
          exchange.answer(502, `${route.label} has no endpoint that accepts a connection.`);
        }
        return;
      }
      endpoint.outstanding++;
      const outcome = await this.#tryAt(endpoint, exchange);
      endpoint.outstanding--;
      if (outcome === "done") return;
      if (outcome === "notAccepted") tried.push(endpoint);
      else if (++offered === offers) {
        exchange.answer(
          503,
          `Endpoint ${endpoint.address}:${endpoint.port} of ${route.label} takes no requests.`,
        );
        return;
      }
    }
  }

  /** `notTaken`: the pod has not looked at the request, and another connection may. */
  async #tryAt(endpoint: Endpoint, exchange: Http2Exchange): Promise<"done" | "notAccepted" | "notTaken"> {
    const pod = this.#connectionTo(endpoint);
    if (!(await pod.isAccepted)) return "notAccepted";
    // The route may have moved on meanwhile, or the pod may have said goodbye.
    if (endpoint.isRetired || pod.session.closed) return "notTaken";
    if (!exchange.isWanted) return "done";
    return (await exchange.run(pod.session, endpoint)) ? "done" : "notTaken";
  }

  #connectionTo(endpoint: Endpoint): PodConnection {
    const known = this.#pods.get(endpoint);
    if (known !== undefined && !known.session.closed && !known.session.destroyed) return known;
    const session = connect(`http://${endpoint.address}:${endpoint.port}`, {
      settings: { enablePush: false },
      maxSessionMemory: memoryMegabytes,
    });
    const { clock } = this.#sessions;
    const cancel = clock.at(later(clock.now(), connectSeconds), () => session.destroy());
    const isAccepted = new Promise<boolean>((resolve) => {
      session.once("connect", () => resolve(true));
      session.once("close", () => resolve(false));
    });
    void isAccepted.then(cancel);
    // The streams of the session end with it, and say so to the client.
    session.on("error", () => {});
    session.once("close", () => {
      if (this.#pods.get(endpoint)?.session === session) this.#pods.delete(endpoint);
    });
    const pod = { session, isAccepted };
    this.#pods.set(endpoint, pod);
    return pod;
  }

  #pause(seconds: number): Promise<void> {
    const { clock } = this.#sessions;
    return new Promise((resolve) => void clock.at(later(clock.now(), seconds), resolve));
  }

  #leaveRetired(): void {
    for (const [endpoint, { session }] of this.#pods) if (endpoint.isRetired) session.close();
  }

  #over(): void {
    this.#cancelSweep();
    for (const { session } of this.#pods.values()) session.destroy();
    this.#sessions.remove(this);
  }

  expire(): void {}

  drain(): void {
    this.#client.close();
  }

  destroy(): void {
    this.#client.destroy();
  }
}

function factsOf(headers: IncomingHttpHeaders): RequestFacts {
  return {
    method: headers[":method"] ?? "",
    target: headers[":path"] ?? "",
    authority: headers[":authority"] ?? headers.host ?? "",
    field: (lowerCaseName) => {
      const value = headers[lowerCaseName];
      return Array.isArray(value) ? value.join(", ") : value;
    },
  };
}
