import { FramingFields, readFields } from "./fields.ts";
import { invalidMessage, type MessageFault } from "./message-fault.ts";

export interface ResponseHead {
  readonly status: number;
  /** Minor version: 0 for HTTP/1.0, 1 for HTTP/1.1. */
  readonly minorVersion: 0 | 1;
  readonly fields: FramingFields;
  /** What it tells its reader, by the rules of its version. */
  readonly saysItIsKept: boolean;
  /** The pod keeps its connection, and it can be used for a further request. */
  readonly keepsAlive: boolean;
}

/** Reads the head that lies in `bytes` from `start` to `end`, as found by a `HeadReader`. */
export function parseResponseHead(bytes: Buffer, start: number, end: number): ResponseHead | MessageFault {
  const version = bytes.toString("latin1", start, start + 9);
  if (version !== "HTTP/1.1 " && version !== "HTTP/1.0 ")
    return invalidMessage("the status line has no valid version");
  const minorVersion = version === "HTTP/1.1 " ? 1 : 0;
  const status = statusAt(bytes, start + 9);
  if (status < 100) return invalidMessage("the status line has no valid status");
  const lineEnd = bytes.indexOf("\r\n", start + 12, "latin1");
  if (bytes[end - 2] !== 13) return invalidMessage("its head does not end in CRLF");
  for (let at = start + 12; at < lineEnd; at++) {
    const byte = bytes[at] ?? 0;
    const isAllowed = at === start + 12 ? byte === 32 : byte >= 32 || byte === 9;
    if (!isAllowed) return invalidMessage("the status line has a control character");
  }

  const fields = new FramingFields();
  const fault = readFields(bytes, lineEnd + 2, end, fields);
  if (fault !== undefined) return fault;
  if (fields.transferEncoding !== "absent" && fields.contentLength !== -1) {
    return invalidMessage("Content-Length and Transfer-Encoding are both given");
  }
  const saysItIsKept = minorVersion === 1 ? !fields.connectionCloses : fields.connectionKeepsAlive;
  // An HTTP/1.0 server that sends chunks may mean them or not (RFC 9112 section 6.1): nothing can follow them.
  const keepsAlive = saysItIsKept && (minorVersion === 1 || fields.transferEncoding === "absent");
  return { status, minorVersion, fields, saysItIsKept, keepsAlive };
}

function statusAt(bytes: Buffer, at: number): number {
  let status = 0;
  for (let index = at; index < at + 3; index++) {
    const digit = (bytes[index] ?? 0) - 48;
    if (digit < 0 || digit > 9) return -1;
    status = status * 10 + digit;
  }
  return status;
}
