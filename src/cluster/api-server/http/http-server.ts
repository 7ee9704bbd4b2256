import { setMaxListeners } from "node:events";
import { createServer, type Server } from "node:https";
import { type AddressInfo, Socket } from "node:net";
import type { Clock } from "../../../time/clock.ts";
import { later } from "../../../time/clock.ts";
import type { NodeDoor } from "../node-door.ts";
import type { Pki } from "./pki.ts";
import { RequestHandler, type ServedApi } from "./request-handler.ts";
import { type StreamingApi, Upgrades } from "./upgrades.ts";

export interface HttpServerOptions {
  readonly apiServer: ServedApi & StreamingApi;
  readonly pki: Pki;
  readonly clock: Clock;
  /** Where pods run; without it there are no streams (`pods/exec`). */
  readonly node?: NodeDoor;
  /** 0 takes a free one. */
  readonly port: number;
  /** `127.0.0.1` when absent. */
  readonly host?: string;
  /** Told about failures of the server itself, one text each. */
  readonly onProblem?: (text: string) => void;
}

export interface HttpServer {
  readonly port: number;
  /** `https://127.0.0.1:7443` */
  readonly url: string;
  /** Takes no more requests, ends watches and followed logs in good order, and waits a moment for requests in progress. */
  close(): Promise<void>;
}

const closingSeconds = 2;
/** A client may take so long to send a request, and may take nothing of its answer for so long. */
const requestMilliseconds = 60_000;

/**
 * Serves the Kubernetes API over HTTPS (HTTP/1.1).
 * @throws Error that names the port and the way out when the port cannot be had.
 */
export async function start(options: HttpServerOptions): Promise<HttpServer> {
  const { apiServer, clock, pki, host = "127.0.0.1", onProblem = () => undefined } = options;
  if (!isLoopback(host) && apiServer.access.mode !== "rbac")
    throw new Error(
      `who may do what must be decided by roles (rbac) where others can reach the server: ${host}`,
    );
  const server = createServer({
    key: pki.key,
    cert: pki.certificate,
    // Certificates of users are asked for, and judged with the request: who shows none may have a token.
    ca: pki.authority,
    requestCert: true,
    rejectUnauthorized: false,
    ALPNProtocols: ["http/1.1"],
  });
  // Longer than clients keep an idle connection (90 s in Go), so that no request meets a connection being closed.
  server.keepAliveTimeout = 120_000;
  server.requestTimeout = requestMilliseconds;
  server.timeout = requestMilliseconds;
  const port = await listen(server, options.port, host);
  const address = `${host}:${port}`;
  const handler = new RequestHandler({ apiServer, clock, address, onProblem });
  const closing = new AbortController();
  // Every watch listens.
  setMaxListeners(0, closing.signal);
  const upgrades = new Upgrades({ apiServer, clock, node: options.node });
  server.on("upgrade", (request, socket, head) => {
    // A stream may be quiet for long.
    if (socket instanceof Socket) socket.setTimeout(0);
    upgrades.take(request, socket, head, closing.signal);
  });
  server.on("request", (request, response) => {
    response.on("close", () => {
      if (closing.signal.aborted) server.closeIdleConnections();
    });
    void handler.handle(request, response, closing.signal);
  });
  return { port, url: `https://${address}`, close: () => close(server, clock, closing) };
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d+){3}$/.test(host);
}

function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => reject(explained(error, port, host)));
    server.listen(port, host, () => {
      server.removeAllListeners("error");
      resolve((server.address() as AddressInfo).port);
    });
  });
}

function explained(error: Error & { readonly code?: string }, port: number, host: string): Error {
  if (error.code === "EADDRINUSE")
    return new Error(
      `port ${port} on ${host} is taken: stop what listens there (another cluster?), or choose another port with --port`,
      { cause: error },
    );
  if (error.code === "EACCES")
    return new Error(`port ${port} on ${host} needs more rights: choose one from 1024 on with --port`, {
      cause: error,
    });
  return error;
}

async function close(server: Server, clock: Clock, closing: AbortController): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const cancel = clock.at(later(clock.now(), closingSeconds), () => server.closeAllConnections());
  closing.abort();
  server.closeIdleConnections();
  await closed;
  cancel();
}
