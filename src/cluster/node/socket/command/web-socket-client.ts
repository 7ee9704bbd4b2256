import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { PassThrough } from "node:stream";
import { type RawData, WebSocket, WebSocketServer } from "ws";
import { badRequest } from "../../../api-server/refusal.ts";
import {
  type CommandClient,
  type CommandOptions,
  type CommandStatus,
  type TerminalSize,
  terminalSizeIn,
} from "./command-client.ts";

/** The newest first. The older ones cannot say how a command has ended. */
const protocols = ["v5.channel.k8s.io", "v4.channel.k8s.io"];
/** The first byte of each message says what it belongs to; 255, that the channel named by the second one has no more. */
const channel = { stdin: 0, stdout: 1, stderr: 2, status: 3, resize: 4, close: 255 } as const;
const longestMessage = 1024 * 1024;
const mostAhead = 256 * 1024;
const normalClosure = 1000;

const server = new WebSocketServer({
  noServer: true,
  maxPayload: longestMessage,
  perMessageDeflate: false,
  handleProtocols: (offered) => protocols.find((one) => offered.has(one)) ?? false,
});

/** Whether the client can be told how a command has ended. Throws a refusal. */
export function checkWebSocketProtocol({ headers }: IncomingMessage): void {
  const offered = (headers["sec-websocket-protocol"] ?? "").split(",").map((one) => one.trim());
  if (!protocols.some((one) => offered.includes(one)))
    throw badRequest(
      `none of the sub-protocols ${offered.join(", ")} is known here: use ${protocols.join(" or ")}`,
    );
}

/** Accepts a WebSocket as the client of a command. */
export async function webSocketClient(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  options: CommandOptions,
): Promise<CommandClient> {
  const webSocket = await new Promise<WebSocket>((resolve) =>
    server.handleUpgrade(request, socket, head, resolve),
  );
  const isNewest = webSocket.protocol === protocols[0];
  const stdin = new PassThrough();
  const gone = new AbortController();
  let tellSize: (size: TerminalSize) => void = () => {};
  webSocket.on("close", () => {
    gone.abort();
    stdin.destroy();
  });
  // Whatever it is, the close follows.
  webSocket.on("error", () => {});
  stdin.on("error", () => {});
  stdin.on("drain", () => webSocket.resume());
  webSocket.on("message", (data: RawData) => {
    const bytes = data as Buffer;
    const rest = bytes.subarray(1);
    if (bytes[0] === channel.stdin && options.stdin && !stdin.writableEnded) {
      if (rest.length > 0 && !stdin.write(rest)) webSocket.pause();
    } else if (bytes[0] === channel.close && isNewest && rest[0] === channel.stdin) stdin.end();
    else if (bytes[0] === channel.resize) {
      const size = terminalSizeIn(rest.toString());
      if (size !== undefined) tellSize(size);
    }
  });
  const send = (number: number, bytes: Uint8Array): Promise<void> =>
    new Promise((resolve) => {
      if (webSocket.readyState !== WebSocket.OPEN) return resolve();
      webSocket.send(Buffer.concat([Buffer.from([number]), bytes]), { binary: true }, () => resolve());
      // The way through the API server is long: a little more is sent ahead.
      if (webSocket.bufferedAmount < mostAhead) resolve();
    });
  // Clients wait for a first sign.
  void send(options.stdout ? channel.stdout : channel.stderr, Buffer.alloc(0));
  return {
    stdin,
    gone: gone.signal,
    write: (to, bytes) => send(channel[to], bytes),
    onResize: (listener) => {
      tellSize = listener;
    },
    async finish(status: CommandStatus) {
      await send(channel.status, Buffer.from(JSON.stringify(status)));
      webSocket.close(normalClosure);
    },
  };
}
