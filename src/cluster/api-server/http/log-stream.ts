import type { ServerResponse } from "node:http";

/** Sends a log as plain text while it is read. A client that goes away is no error. */
export async function streamLog(response: ServerResponse, log: AsyncIterable<Uint8Array>): Promise<void> {
  // A followed log may be quiet, and its reader paused, for as long as they like.
  response.socket?.setTimeout(0);
  response.writeHead(200, { "Content-Type": "text/plain" });
  // A followed log may stay quiet for long: the client should know meanwhile that it is there.
  response.flushHeaders();
  for await (const piece of log) {
    if (response.destroyed) return;
    if (!response.write(piece)) await drained(response);
  }
  response.end();
}

/** Resolves when the client has taken what was written, or has gone. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off("drain", done).off("close", done);
      resolve();
    };
    response.on("drain", done).on("close", done);
  });
}
