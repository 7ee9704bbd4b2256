import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { Refusal } from "../refusal.ts";

/** Answers a request to change protocols with a refusal, and closes the connection. */
export function refuseUpgrade(socket: Duplex, { status }: Refusal): void {
  if (socket.destroyed || socket.writableEnded) return;
  // Read on, so that its end is seen.
  socket.resume();
  const body = `${JSON.stringify(status)}\n`;
  socket.end(
    `HTTP/1.1 ${status.code} ${STATUS_CODES[status.code] ?? ""}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
