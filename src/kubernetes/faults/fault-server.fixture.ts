import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import type { WatchEvent } from "../transport.ts";
import { connectionFaults, faults, type Play } from "./faults.fixture.ts";
import { SmallPods } from "./small-pods.fixture.ts";

export interface FaultServerOptions {
  readonly random: () => number;
  /** Speaks TLS when given. */
  readonly tls?: { readonly key: string; readonly cert: string } | undefined;
}

/**
 * An API server for pods and their logs that can be told to play faults: the one that a request's `x-fault` in the user agent
 * names, or any by chance.
 */
export class FaultServer {
  readonly pods: SmallPods;
  /** How many of a hundred requests, and of a hundred connections, go wrong. */
  share = 0;
  /** What was played, with how often. */
  readonly played = new Map<string, number>();
  /** Every connection plays this when set. */
  connectionFault: string | undefined;
  readonly #random: () => number;
  readonly #server: Server;
  readonly #scheme: string;
  /** By the client's port: a fault breaks off the connection below TLS. */
  readonly #sockets = new Map<number | undefined, Socket>();

  constructor({ random, tls }: FaultServerOptions) {
    this.#random = random;
    this.#scheme = tls === undefined ? "http" : "https";
    this.pods = new SmallPods(random);
    const handle = (request: IncomingMessage, response: ServerResponse): void =>
      this.#handle(request, response);
    // What a fault leaves behind must not be tidied up by the server.
    const limits = { requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 0 };
    const inner =
      tls === undefined ? createHttpServer(limits, handle) : createHttpsServer({ ...limits, ...tls }, handle);
    // Clients that break off are what this is about.
    for (const event of ["clientError", "tlsClientError"])
      inner.on(event, (_, socket: Socket) => socket.destroy());
    this.#server = createServer((socket) => {
      const { remotePort } = socket;
      this.#sockets.set(remotePort, socket);
      socket.on("close", () => this.#sockets.delete(remotePort));
      socket.on("error", () => {});
      const name = this.connectionFault ?? this.#chosen(connectionFaults, this.share / 3);
      if (name === undefined) inner.emit("connection", socket);
      else {
        this.#play(connectionFaults, name, socket);
        // Or else the client's leaving would not be noticed.
        socket.resume();
      }
    });
  }

  /** Answers the address. */
  async listen(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `${this.#scheme}://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Fulfilled when clients have closed all their connections by themselves. */
  async close(): Promise<void> {
    this.#server.close();
    await once(this.#server, "close");
  }

  /** Breaks off every connection. */
  breakOff(): void {
    for (const socket of this.#sockets.values()) this.#reset(socket);
  }

  // A connection that is being closed, also by TLS above it, cannot be reset any more: Node would keep it for ever.
  #reset(socket: Socket | undefined): void {
    if (socket?.writable === true && this.#scheme === "http") socket.resetAndDestroy();
    else socket?.destroy();
  }

  #chosen(from: Readonly<Record<string, unknown>>, share: number): string | undefined {
    if (this.#random() * 100 >= share) return undefined;
    const names = Object.keys(from);
    return names[Math.floor(this.#random() * names.length)];
  }

  #play<T>(from: Readonly<Record<string, (play: T) => void>>, name: string, play: T): void {
    this.played.set(name, (this.played.get(name) ?? 0) + 1);
    const run = from[name];
    assert.ok(run !== undefined, `no fault is named ${name}`);
    run(play);
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    request.resume();
    response.on("error", () => {});
    request.on("error", () => {});
    const asked = /x-fault (.*)$/.exec(request.headers["user-agent"] ?? "")?.[1];
    const name = asked === undefined ? this.#chosen(faults, this.share) : decodeURIComponent(asked);
    if (name === undefined) this.#answer(request, response);
    else this.#play(faults, name, this.#playOf(request, response));
  }

  #playOf(request: IncomingMessage, response: ServerResponse): Play {
    const { pods } = this;
    const query = new URL(request.url ?? "", "http://x").searchParams;
    const right = (): string => {
      if (request.url?.includes("/log") === true) return "first line\nsecond line ü\nthird line\n";
      if (query.get("watch") !== "true") return JSON.stringify(pods.list(null).body);
      let lines = "";
      const stop = pods.watch(query.get("resourceVersion"), (event) => {
        lines += lineOf(event);
      });
      if (typeof stop === "function") stop();
      return lines;
    };
    return {
      response,
      socket: request.socket,
      reset: () => this.#reset(this.#sockets.get(request.socket.remotePort)),
      rightBody: right(),
      formerLines: pods.formerEvents().map(lineOf).join(""),
      begin: (headers = {}) => {
        response.writeHead(200, { "content-type": "application/json", ...headers });
        const text = right();
        const lines = text.split(/(?<=\n)/);
        response.write(
          lines.length > 1 ? lines.slice(0, Math.ceil(this.#random() * lines.length)).join("") : "",
        );
      },
    };
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname, searchParams: query } = new URL(request.url ?? "", "http://x");
    if (pathname.endsWith("/log")) {
      response
        .writeHead(200, { "content-type": "text/plain" })
        .end("first line\nsecond line ü\nthird line\n");
    } else if (query.get("watch") === "true") {
      this.#watch(query.get("resourceVersion"), response);
    } else {
      const { code, body } = this.pods.list(query.get("continue"));
      response.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify(body));
    }
  }

  #watch(version: string | null, response: ServerResponse): void {
    const lines: string[] = [];
    let write = (text: string): unknown => lines.push(text);
    const watching = this.pods.watch(version, (event) => write(lineOf(event)));
    if (typeof watching === "object") {
      response
        .writeHead(watching.code, { "content-type": "application/json" })
        .end(JSON.stringify(watching.body));
      return;
    }
    response.writeHead(200, { "content-type": "application/json" }).flushHeaders();
    write = (text) => response.write(text);
    if (lines.length > 0) write(lines.join(""));
    response.on("close", watching);
  }
}

function lineOf(event: WatchEvent): string {
  return `${JSON.stringify(event)}\n`;
}
