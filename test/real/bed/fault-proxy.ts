import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer, request, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { generate } from "selfsigned";
import { Chance } from "./chance.ts";
import type { Fault } from "./faults.ts";
import type { Upstream } from "./real-cluster.ts";

export interface Answer {
  readonly code: number;
  readonly headers: IncomingHttpHeaders | Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Headers that belong to one connection, or to a form of the body that is not kept. */
const ownHeaders = new Set(["connection", "keep-alive", "transfer-encoding", "content-length", "host"]);

/** What the proxy shows to clients, made once for all of them: an authority and its certificate in one. */
export interface ProxyCertificate {
  readonly certificate: string;
  readonly key: string;
}

export async function makeProxyCertificate(): Promise<ProxyCertificate> {
  const { cert, private: key } = await generate([{ name: "commonName", value: "fault-proxy" }], {
    keyType: "ec",
    algorithm: "sha256",
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "subjectAltName", altNames: [{ type: 7, ip: "127.0.0.1" }] },
    ],
  });
  return { certificate: cert, key };
}

/**
 * Stands between one controller and the API server, and plays one fault on what goes through. What it does is decided by
 * a seed and by the order of the requests.
 */
export class FaultProxy {
  readonly #server: Server;
  readonly #upstream: Upstream;
  readonly #fault: Fault;
  readonly #chance: Chance;
  readonly #held = new Map<string, PromiseWithResolvers<void>>();
  #heldBy: ((exchange: Exchange) => string | undefined) | undefined;
  /** Told of every request that changes something, before it is passed on. */
  onWrite: (() => void) | undefined;
  requests = 0;
  writes = 0;

  private constructor(server: Server, upstream: Upstream, fault: Fault, seed: string) {
    this.#server = server;
    this.#upstream = upstream;
    this.#fault = fault;
    this.#chance = new Chance(seed);
  }

  static async start(
    upstream: Upstream,
    { certificate, key }: ProxyCertificate,
    fault: Fault,
    seed: string,
  ): Promise<FaultProxy> {
    const server = createServer({ cert: certificate, key, keepAlive: true });
    const proxy = new FaultProxy(server, upstream, fault, seed);
    server.on("request", (request, response) => void proxy.#take(request, response));
    // What the controller makes of a broken connection is seen in the outcome.
    server.on("tlsClientError", () => {});
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return proxy;
  }

  writeKubeconfig(file: string, { certificate }: ProxyCertificate): void {
    const { port } = this.#server.address() as AddressInfo;
    const ca = Buffer.from(certificate).toString("base64");
    const config = {
      apiVersion: "v1",
      kind: "Config",
      "current-context": "proxy",
      contexts: [{ name: "proxy", context: { cluster: "proxy", user: "proxy" } }],
      clusters: [
        {
          name: "proxy",
          cluster: { server: `https://127.0.0.1:${port}`, "certificate-authority-data": ca },
        },
      ],
      users: [{ name: "proxy", user: { token: "replaced-by-the-proxy" } }],
    };
    writeFileSync(file, JSON.stringify(config));
  }

  /**
   * From the next request for which `trigger` answers a plural on, nothing of that kind is read through the proxy: watches
   * go quiet, lists get no answer. Until `release`.
   */
  holdFrom(trigger: (exchange: Exchange) => string | undefined): void {
    this.#heldBy = trigger;
  }

  release(): void {
    this.#heldBy = undefined;
    for (const gate of this.#held.values()) gate.resolve();
    this.#held.clear();
  }

  async stop(): Promise<void> {
    this.release();
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return; // The controller went away while it was asking.
    }
    const gate = (plural: string): Promise<void> | undefined => this.#held.get(plural)?.promise;
    const exchange = new Exchange(request, response, Buffer.concat(chunks), this.#upstream, gate);
    this.requests += 1;
    if (exchange.isWrite) {
      this.writes += 1;
      this.onWrite?.();
    }
    const held = this.#heldBy?.(exchange);
    if (held !== undefined) {
      this.#heldBy = undefined;
      this.#held.set(held, Promise.withResolvers<void>());
    }
    try {
      if (!exchange.isWrite) await gate(exchange.plural);
      await this.#fault.play(exchange, this.#chance);
    } catch (error) {
      // The API server itself is not to fail in these tests; when it does, that is to be seen.
      if (!response.destroyed) process.stderr.write(`fault proxy: ${String(error)}\n`);
      exchange.breakOff();
    }
  }
}

/** One request of the controller, and the ways to deal with it. */
export class Exchange {
  readonly method: string;
  readonly path: string;
  /** Of the kind that is asked for: `endpointslices`. */
  readonly plural: string;
  readonly isWatch: boolean;
  readonly isWrite: boolean;
  readonly acceptsGzip: boolean;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #body: Buffer;
  readonly #upstream: Upstream;
  readonly #gate: (plural: string) => Promise<void> | undefined;
  #upstreamRequest: ReturnType<typeof request> | undefined;

  constructor(
    incoming: IncomingMessage,
    response: ServerResponse,
    body: Buffer,
    upstream: Upstream,
    gate: (plural: string) => Promise<void> | undefined,
  ) {
    const url = new URL(incoming.url ?? "", "https://proxy");
    this.method = incoming.method ?? "";
    this.path = url.pathname;
    const parts = url.pathname.split("/").slice(url.pathname.startsWith("/apis/") ? 4 : 3);
    this.plural = (parts[0] === "namespaces" ? parts[2] : parts[0]) ?? "";
    this.isWatch = url.searchParams.get("watch") === "true";
    this.isWrite = this.method !== "GET";
    this.acceptsGzip = (incoming.headers["accept-encoding"] ?? "").includes("gzip");
    this.#request = incoming;
    this.#response = response;
    this.#body = body;
    this.#upstream = upstream;
    this.#gate = gate;
    response.on("close", () => this.isWatch && this.#upstreamRequest?.destroy());
  }

  /** The controller waits for no answer any more. */
  get isOver(): boolean {
    return this.#response.writableEnded || this.#response.destroyed;
  }

  /** Sends the request on; the API server's answer. It is carried out even when the controller goes away meanwhile. */
  async carryOut(): Promise<Answer> {
    const answer = await this.#send();
    const chunks: Buffer[] = [];
    for await (const chunk of answer) chunks.push(chunk as Buffer);
    return { code: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) };
  }

  answer({ code, headers, body }: Answer): void {
    this.#open(code, { ...headers, "content-length": String(body.length) });
    this.#response.end(body);
  }

  /** Announces the whole body and sends a part of it; then the connection breaks. */
  async answerInPart(answer: Answer, bytes: number): Promise<void> {
    const { code, headers, body } = answer;
    this.#open(code, { ...headers, "content-length": String(body.length) });
    await this.write(body.subarray(0, bytes));
    this.breakOff();
  }

  /** As the API server refuses. */
  refuse(
    code: number,
    reason: string,
    message: string,
    headers: Readonly<Record<string, string>> = {},
  ): void {
    const body = Buffer.from(JSON.stringify(statusOf(code, reason, message)));
    this.answer({ code, headers: { "content-type": "application/json", ...headers }, body });
  }

  /** Opens a watch; the API server's lines as they come, until it ends, the controller leaves, or `seconds` have passed. */
  async *events(seconds?: number, headers: Readonly<Record<string, string>> = {}): AsyncGenerator<string> {
    const answer = await this.#send();
    if (answer.statusCode !== 200) {
      const chunks: Buffer[] = [];
      for await (const chunk of answer) chunks.push(chunk as Buffer);
      this.answer({ code: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) });
      return;
    }
    this.#open(200, { ...answer.headers, ...headers });
    const timer = seconds === undefined ? undefined : setTimeout(() => answer.destroy(), seconds * 1000);
    let rest = "";
    try {
      answer.setEncoding("utf8");
      for await (const text of answer as AsyncIterable<string>) {
        const lines = (rest + text).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) {
          await this.#gate(this.plural);
          if (this.isOver) return;
          yield `${line}\n`;
        }
      }
    } catch (error) {
      // Ended by the timer or with the controller's connection.
      if (!answer.destroyed) throw error;
    } finally {
      clearTimeout(timer);
      answer.destroy();
    }
  }

  /** Adds to an answer that has begun; fulfilled when the bytes have left. */
  write(content: Buffer | string): Promise<void> {
    return new Promise((resolve) => {
      if (this.isOver) resolve();
      else this.#response.write(content, () => resolve());
    });
  }

  end(content?: Buffer | string): void {
    if (!this.isOver) this.#response.end(content);
  }

  /** Bytes that are no HTTP, instead of an answer. */
  answerRaw(bytes: string): void {
    this.#response.socket?.end(bytes);
  }

  breakOff(): void {
    this.#response.socket?.destroy();
    this.#response.destroy();
  }

  #open(code: number, headers: Answer["headers"]): void {
    const passed = Object.entries(headers).filter(
      ([name, value]) => value !== undefined && (name === "content-length" || !ownHeaders.has(name)),
    ) as [string, string][];
    if (!this.isOver) this.#response.writeHead(code, Object.fromEntries(passed));
    this.#response.flushHeaders();
  }

  #send(): Promise<IncomingMessage> {
    const headers = Object.fromEntries(
      Object.entries(this.#request.headers).filter(
        ([name]) => !ownHeaders.has(name) && name !== "authorization" && name !== "accept-encoding",
      ),
    );
    const { host, port, agent, headers: credentials } = this.#upstream;
    return new Promise((resolve, reject) => {
      this.#upstreamRequest = request(
        {
          host,
          port,
          agent,
          method: this.method,
          path: this.#request.url,
          headers: { ...headers, ...credentials, "content-length": this.#body.length },
        },
        resolve,
      );
      this.#upstreamRequest.on("error", reject);
      this.#upstreamRequest.end(this.#body);
    });
  }
}

export function statusOf(code: number, reason: string, message: string): object {
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, reason, code };
}
