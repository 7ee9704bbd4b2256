import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Pod } from "../../../api/core.ts";
import { streamLog } from "../../api-server/http/log-stream.ts";
import { badRequest, noSuchResource, Refusal } from "../../api-server/refusal.ts";
import { podLogIn } from "../logs/pod-logs.ts";
import type { RunLogs } from "../logs/run-log.ts";
import { logOptionsIn } from "./log-query.ts";
import { type NodeTarget, parseNodePath } from "./node-path.ts";
import { listenOn, nodeSocketIn } from "./socket-path.ts";

export interface NodeServerOptions {
  readonly dataFolder: string;
  readonly logs: RunLogs;
  /** A pod of this node as it is now. */
  readonly podWith: (uid: string) => Pod | undefined;
  /** Told about failures that are the node's own. */
  readonly onProblem: (text: string) => void;
}

/**
 * What the node gives out besides objects: logs, as long as somebody reads them. Whoever reaches its socket may have everything;
 * the API server asks for those whom it knows.
 */
export class NodeServer {
  readonly #options: NodeServerOptions;
  readonly #server: Server;

  constructor(options: NodeServerOptions) {
    this.#options = options;
    this.#server = createServer();
    // A log may be quiet for long.
    this.#server.timeout = 0;
    this.#server.on("request", (request, response) => void this.#answer(request, response));
  }

  /** Rejects when the socket cannot be had. */
  async start(): Promise<void> {
    await listenOn(this.#server, nodeSocketIn(this.#options.dataFolder));
  }

  /** Breaks off what goes on. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.on("close", () => gone.abort());
    try {
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

  async #log({ namespace, name, podUid, query }: NodeTarget, response: ServerResponse, gone: AbortSignal) {
    const { dataFolder, logs, podWith } = this.#options;
    // One that the node has not seen yet has no status of its own.
    const unknown = { apiVersion: "v1", kind: "Pod", metadata: { namespace, name, uid: podUid } };
    const pod: Pod = podWith(podUid) ?? { ...unknown, spec: { containers: [] } };
    await streamLog(response, podLogIn(dataFolder, logs, pod, logOptionsIn(query), gone));
  }
}

function refuse(response: ServerResponse, error: unknown): void {
  const { status } = error instanceof Refusal ? error : new Refusal(500, "InternalError", textOf(error));
  response.writeHead(status.code, { "Content-Type": "application/json" });
  response.end(`${JSON.stringify(status)}\n`);
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
