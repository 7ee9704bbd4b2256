import { once } from "node:events";
import type { ServerResponse } from "node:http";

/** Sends a log as plain text while it is read. A client that goes away is no error. */
export async function streamLog(
  response: ServerResponse,
  log: AsyncIterable<string>,
  closing: AbortSignal,
): Promise<void> {
  response.writeHead(200, { "Content-Type": "text/plain" });
  // A followed log may stay quiet for long: the client should know meanwhile that it is there.
  response.flushHeaders();
  for await (const piece of log) {
    if (response.destroyed) return;
    if (closing.aborted) break;
    if (!response.write(piece)) await Promise.race([once(response, "drain"), once(response, "close")]);
  }
  response.end();
}
