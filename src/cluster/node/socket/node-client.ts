import { type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, request } from "node:http";
import { json } from "node:stream/consumers";
import type { Pod, Status } from "../../../api/core.ts";
import type { NodeDoor, PodStream } from "../../api-server/node-door.ts";
import { Refusal, serverError } from "../../api-server/refusal.ts";
import type { PodLogOptions } from "../../api-server/subresources/pod-logs.ts";
import type { ContainerUsage } from "../pod-driver.ts";
import { logQuery } from "./log-query.ts";
import { nodePath, usagePath } from "./node-path.ts";
import { connectTo, nodeSocketIn } from "./socket-path.ts";

// A refusal of the node is a few words.
const longestRefusal = 64 * 1024;

/** The node of a data folder, over its socket. It need not be there: each request says so for itself. */
export function nodeOf(dataFolder: string): NodeDoor {
  const socket = nodeSocketIn(dataFolder);
  const ask = (
    path: string,
    method: string,
    headers: IncomingHttpHeaders,
    signal?: AbortSignal,
  ): ClientRequest =>
    request({
      path,
      method,
      headers: { ...headers, host: "node" },
      createConnection: () => connectTo(socket),
      ...(signal === undefined ? {} : { signal }),
    });
  return {
    async logs(pod: Pod, options: PodLogOptions, signal: AbortSignal) {
      const path = nodePath("log", pod, logQuery(options));
      const answer = await answerOf(ask(path, "GET", {}, signal), (why) =>
        serverError(`Get "${path}": ${dialError(socket, why)}`),
      );
      if (answer.statusCode !== 200) throw await refusalIn(answer);
      return piecesOf(answer, signal);
    },
    async usage() {
      const answer = await answerOf(ask(usagePath, "GET", {}), (why) =>
        serverError(`Get "${usagePath}": ${dialError(socket, why)}`),
      );
      if (answer.statusCode !== 200) throw await refusalIn(answer);
      return (await json(answer)) as Readonly<Record<string, readonly ContainerUsage[]>>;
    },
    open({ verb, pod, query }: PodStream, method: string, headers: IncomingHttpHeaders) {
      return ask(nodePath(verb, pod, query), method, headers);
    },
  };
}

function answerOf(
  asked: ClientRequest,
  refusal: (error: NodeJS.ErrnoException) => Refusal,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    asked
      .once("response", resolve)
      .once("error", (error) => reject(refusal(error)))
      .end();
  });
}

function dialError(socket: string, error: NodeJS.ErrnoException): string {
  const words: Readonly<Record<string, string>> = {
    ECONNREFUSED: "connect: connection refused",
    ENOENT: "connect: no such file or directory",
  };
  return `dial unix ${socket}: ${words[error.code ?? ""] ?? error.message}`;
}

async function refusalIn(answer: IncomingMessage): Promise<Refusal> {
  let text = "";
  for await (const piece of answer.setEncoding("utf8")) {
    text += String(piece);
    if (text.length > longestRefusal) break;
  }
  const { code = 500, reason, message = text, details } = JSON.parse(text) as Partial<Status>;
  return new Refusal(code, reason, message, details);
}

async function* piecesOf(answer: IncomingMessage, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    for await (const piece of answer) yield piece as Uint8Array;
  } catch (error) {
    // Whoever has left needs no reason.
    if (!signal.aborted) throw serverError(`the log breaks off: ${(error as Error).message}`);
  }
}
