import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { badRequest } from "../../../api-server/refusal.ts";

/** Which of the stream protocols that a client offers is spoken; throws a refusal when it offers none of ours. */
export function spdyProtocol({ headers }: IncomingMessage, known: readonly string[]): string {
  const asked = headers["x-stream-protocol-version"] ?? "";
  const offered = (Array.isArray(asked) ? asked : asked.split(",")).map((one) => one.trim());
  const found = known.find((one) => offered.includes(one));
  if (found === undefined)
    throw badRequest(
      `none of the stream protocols ${offered.join(", ")} is known here: use ${known.join(" or ")}`,
    );
  return found;
}

/** Lets a connection change to SPDY/3.1; the bytes that came early come again. */
export function acceptSpdy(socket: Duplex, head: Buffer, protocol: string): void {
  if (head.length > 0) socket.unshift(head);
  socket.write(
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n" +
      `X-Stream-Protocol-Version: ${protocol}\r\n\r\n`,
  );
}
