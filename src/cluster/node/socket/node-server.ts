import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Pod } from "../../../api/core.ts";
import { type Clock, later } from "../../../time/clock.ts";
import { pause } from "../../../time/pause.ts";
import { streamLog } from "../../api-server/http/log-stream.ts";
import { refuseUpgrade } from "../../api-server/http/refuse-upgrade.ts";
import { badRequest, internalError, noSuchResource, Refusal } from "../../api-server/refusal.ts";
import { podLogIn } from "../logs/pod-logs.ts";
import type { RunLogs } from "../logs/run-log.ts";
import type { ContainerUsage, PodNetwork } from "../pod-driver.ts";
import { attachStream } from "./command/attach-stream.ts";
import { execStream } from "./command/exec-stream.ts";
import { portForwardStream } from "./forward/port-forward.ts";
import { logOptionsIn } from "./log-query.ts";
import { type NodeTarget, parseNodePath, usagePath } from "./node-path.ts";
import type { PodDoor } from "./pod-door.ts";
import { listenOn, nodeSocketIn } from "./socket-path.ts";

export interface NodeServerOptions {
  readonly dataFolder: string;
  readonly logs: RunLogs;
  readonly clock: Clock;
  readonly driver: PodDoor;
  /** A pod of this node as it is now. */
  readonly podWith: (uid: string) => Pod | undefined;
  /** By pod uid: what the running containers have used. */
  readonly usage: () => Readonly<Record<string, readonly ContainerUsage[]>>;
  /** Where its ports are; undefined for one that has no address yet. */
  readonly networkOf: (uid: string) => PodNetwork | undefined;
  /** Told about failures that are the node's own. */
  readonly onProblem: (text: string) => void;
}

// A command whose client has gone is killed sooner.
const closingSeconds = 4;

/**
 * What the node gives out besides objects, as long as somebody is there: logs, and the streams of commands. Whoever reaches its socket may have everything;
 * the API server asks for those whom it knows.
 */
export class NodeServer {
  readonly #options: NodeServerOptions;
  readonly #server: Server;
  readonly #streams = new Set<Duplex>();
  readonly #sessions = new Set<Promise<void>>();

  constructor(options: NodeServerOptions) {
    this.#options = options;
    this.#server = createServer();
    // A log may be quiet for long.
    this.#server.timeout = 0;
    this.#server.on("request", (request, response) => void this.#answer(request, response));
    this.#server.on("upgrade", (request, socket, head) => void this.#upgrade(request, socket, head));
  }

  /** Rejects when the socket cannot be had. */
  async start(): Promise<void> {
    await listenOn(this.#server, nodeSocketIn(this.#options.dataFolder));
  }

  /** Breaks off what goes on. Waits for the commands of clients to end, too, but not for ever. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    for (const stream of this.#streams) stream.destroy();
    await closed;
    const { clock } = this.#options;
    const ended = new AbortController();
    void Promise.all(this.#sessions).then(() => ended.abort());
    await pause(clock, later(clock.now(), closingSeconds), ended.signal);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.on("close", () => gone.abort());
    try {
      if (request.url === usagePath) {
        response.writeHead(200, { "Content-Type": "application/json" });
        response.end(JSON.stringify(this.#options.usage()));
        return;
      }
      const target = parseNodePath(request.url ?? "");
      if (target === undefined) throw noSuchResource();
      if (target.verb !== "log") throw badRequest("Upgrade request required");
      await this.#log(target, response, gone.signal);
    } catch (error) {
      if (!(error instanceof Refusal) && !gone.signal.aborted)
        this.#options.onProblem(`${request.method} ${request.url}: ${textOf(error)}`);
      // Half an answer cannot be taken back.
      if (response.headersSent) response.destroy();
      else refuse(response, error);
    }
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    this.#streams.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#streams.delete(socket));
    const session = this.#stream(request, socket, head).catch((error: unknown) => {
      if (!(error instanceof Refusal))
        this.#options.onProblem(`${request.method} ${request.url}: ${textOf(error)}`);
      refuseUpgrade(socket, refusalOf(error));
    });
    this.#sessions.add(session);
    await session;
    this.#sessions.delete(session);
  }

  /** Resolves when the stream has ended. Rejects with a refusal when there can be none. */
  async #stream(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const target = parseNodePath(request.url ?? "");
    if (target === undefined) throw noSuchResource();
    const { podWith, networkOf, driver, clock, dataFolder, logs } = this.#options;
    const upgrade = { request, socket, head };
    const pod = podWith(target.podUid);
    switch (target.verb) {
      case "exec":
        return execStream(upgrade, target, { pod, driver, clock });
      case "attach":
        return attachStream(upgrade, target, { pod, driver, clock, dataFolder, logs });
      case "portforward": {
        const network = networkOf(target.podUid);
        return portForwardStream(upgrade, pod && network && { pod, network });
      }
      case "log":
        throw badRequest("a log is no stream");
    }
  }

  async #log({ namespace, name, podUid, query }: NodeTarget, response: ServerResponse, gone: AbortSignal) {
    const { dataFolder, logs, podWith } = this.#options;
    // One that the node has not seen yet has no status of its own.
    const unknown = { apiVersion: "v1", kind: "Pod", metadata: { namespace, name, uid: podUid } };
    const pod: Pod = podWith(podUid) ?? { ...unknown, spec: { containers: [] } };
    await streamLog(response, podLogIn(dataFolder, logs, pod, logOptionsIn(query), gone));
  }
}

function refusalOf(error: unknown): Refusal {
  return error instanceof Refusal ? error : internalError(textOf(error));
}

function refuse(response: ServerResponse, error: unknown): void {
  const { status } = refusalOf(error);
  response.writeHead(status.code, { "Content-Type": "application/json" });
  response.end(`${JSON.stringify(status)}\n`);
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
