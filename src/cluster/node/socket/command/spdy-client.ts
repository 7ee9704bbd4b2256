import type { Duplex, Readable } from "node:stream";
import { PassThrough } from "node:stream";
import { type Clock, later } from "../../../../time/clock.ts";
import { pause } from "../../../../time/pause.ts";
import { SpdySession, type SpdyStream } from "../spdy/session.ts";
import {
  type CommandClient,
  type CommandOptions,
  type CommandStatus,
  type TerminalSize,
  terminalSizeIn,
} from "./command-client.ts";

export const commandProtocols = ["v4.channel.k8s.io"];

// As a kubelet has it.
const openSeconds = 30;
const longestSizeLine = 1024;

/**
 * The client of a command over SPDY, once it has opened all streams that its options need; undefined when it has gone, or has not
 * done so in time.
 */
export async function spdyClient(
  socket: Duplex,
  options: CommandOptions,
  clock: Clock,
): Promise<CommandClient | undefined> {
  const { stdin, stdout, stderr, tty } = options;
  const needed = [
    "error",
    ...(stdin ? ["stdin"] : []),
    ...(stdout ? ["stdout"] : []),
    ...(stderr && !tty ? ["stderr"] : []),
    ...(tty ? ["resize"] : []),
  ];
  const streams = new Map<string, SpdyStream>();
  const complete = new AbortController();
  const gone = new AbortController();
  const session = new SpdySession(socket, (stream) => {
    const type = stream.headers["streamtype"] ?? "";
    if (needed.includes(type) && !streams.has(type)) streams.set(type, stream);
    else stream.destroy();
    if (streams.size === needed.length) complete.abort();
  });
  void session.run().then(() => gone.abort());
  const isLate = await pause(clock, later(clock.now(), openSeconds), complete.signal, gone.signal);
  if (isLate) socket.destroy();
  if (!complete.signal.aborted) return undefined;
  for (const type of ["error", "stdout", "stderr"]) streams.get(type)?.resume();
  return {
    stdin: streams.get("stdin") ?? emptyInput(),
    gone: gone.signal,
    write: (to, bytes) => written(streams.get(to), bytes, gone.signal),
    onResize: (listener) => followSizes(streams.get("resize"), listener),
    async finish(status: CommandStatus) {
      await written(streams.get("error"), Buffer.from(JSON.stringify(status)), gone.signal);
      await Promise.all([...streams.values()].map((stream) => ended(stream, gone.signal)));
      session.end();
    },
  };
}

function emptyInput(): Readable {
  return new PassThrough().end();
}

function written(stream: SpdyStream | undefined, bytes: Uint8Array, gone: AbortSignal): Promise<void> {
  if (stream === undefined || stream.destroyed || gone.aborted) return Promise.resolve();
  return new Promise((resolve) => stream.write(bytes, () => resolve()));
}

function ended(stream: SpdyStream, gone: AbortSignal): Promise<void> {
  if (stream.destroyed || gone.aborted) return Promise.resolve();
  return new Promise((resolve) => stream.end(() => resolve()));
}

/** Each line is a size; what is longer than one can be is none. */
function followSizes(stream: SpdyStream | undefined, listener: (size: TerminalSize) => void): void {
  let text = "";
  stream?.setEncoding("utf8").on("data", (piece: string) => {
    text += piece;
    // JSON values follow each other with or without a line break between them.
    const parts = text.split(/(?<=\})\s*/);
    text = parts.at(-1)?.endsWith("}") ? "" : (parts.pop() ?? "").slice(-longestSizeLine);
    for (const part of parts) {
      const size = terminalSizeIn(part);
      if (size !== undefined) listener(size);
    }
  });
}
