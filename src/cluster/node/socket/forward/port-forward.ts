import { connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { createWebSocketStream, type WebSocket, WebSocketServer } from "ws";
import type { Pod } from "../../../../api/core.ts";
import { Refusal } from "../../../api-server/refusal.ts";
import type { PodNetwork } from "../../pod-driver.ts";
import { isWebSocket, type Upgrade } from "../command/exec-stream.ts";
import { SpdySession, type SpdyStream } from "../spdy/session.ts";
import { acceptSpdy, spdyProtocol } from "../spdy/upgrade.ts";

const protocol = "portforward.k8s.io";
/** Newer clients send the same bytes inside a WebSocket. */
const tunnelProtocol = `SPDY/3.1+${protocol}`;
const longestMessage = 1024 * 1024;

const tunnels = new WebSocketServer({
  noServer: true,
  maxPayload: longestMessage,
  perMessageDeflate: false,
  handleProtocols: (offered) => offered.has(tunnelProtocol) && tunnelProtocol,
});

export interface ForwardTarget {
  readonly pod: Pod;
  readonly network: PodNetwork;
}

/**
 * Joins connections of a client with ports of a pod, until the client goes. Each connection is two streams of the same
 * `requestid`: one for its bytes, one on which it is told what went wrong. Throws a refusal when there is no such pod.
 */
export async function portForwardStream(
  { request, socket, head }: Upgrade,
  target: ForwardTarget | undefined,
): Promise<void> {
  if (target === undefined) throw new Refusal(404, "NotFound", "pod does not exist");
  let transport: Duplex = socket;
  if (isWebSocket(request)) {
    const webSocket = await new Promise<WebSocket>((resolve) =>
      tunnels.handleUpgrade(request, socket, head, resolve),
    );
    transport = createWebSocketStream(webSocket);
  } else acceptSpdy(socket, head, spdyProtocol(request, [protocol]));
  const errorStreams = new Map<string, SpdyStream>();
  const session = new SpdySession(transport, (stream) => {
    const { streamtype: type, requestid: id = "", port } = stream.headers;
    const errors = errorStreams.get(id);
    if (type === "error" && errors === undefined) {
      errorStreams.set(id, stream);
      // The client says nothing on it.
      stream.resume();
      stream.on("close", () => errorStreams.delete(id));
    } else if (type === "data" && errors !== undefined) forward(Number(port), stream, errors, target);
    else stream.destroy();
  });
  await session.run();
}

/** Joins one connection with a port. Each side may end before the other. */
function forward(port: number, data: SpdyStream, errors: SpdyStream, { pod, network }: ForwardTarget): void {
  const { name, uid = "" } = pod.metadata;
  const failed = (why: string): void => {
    errors.end(`error forwarding port ${port} to pod ${name}, uid ${uid}: ${why}`);
    data.destroy();
  };
  if (!Number.isInteger(port) || port < 1 || port > 65535) return failed("there is no such port");
  const host = network.podIp;
  const place = `${host}:${network.portMap?.[port] ?? port}`;
  const connection = connect({ host, port: network.portMap?.[port] ?? port, allowHalfOpen: true });
  let isFailed = false;
  connection.on("error", (error: NodeJS.ErrnoException) => {
    isFailed = true;
    failed(failureOf(error, place));
  });
  connection.on("close", () => {
    if (!isFailed) errors.end();
  });
  data.on("close", () => {
    if (!data.readableEnded || !data.writableFinished) connection.destroy();
  });
  connection.on("connect", () => join(data, connection));
}

function join(data: SpdyStream, connection: Socket): void {
  data.pipe(connection);
  connection.pipe(data);
}

function failureOf(error: NodeJS.ErrnoException, place: string): string {
  const words: Readonly<Record<string, string>> = {
    ECONNREFUSED: `dial tcp4 ${place}: connect: connection refused`,
    ECONNRESET: "read: connection reset by peer",
  };
  return `failed to execute portforward: ${words[error.code ?? ""] ?? error.message}`;
}
