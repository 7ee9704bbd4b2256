import { endOfToken, FramingFields, readFields } from "./fields.ts";
import { invalidMessage, MessageFault } from "./message-fault.ts";

/** The head of a request. What is seldom asked for is read from its bytes when it is. */
export class RequestHead {
  readonly method: string;
  /** Minor version: 0 for HTTP/1.0, 1 for HTTP/1.1. */
  readonly minorVersion: 0 | 1;
  readonly fields: FramingFields;
  /** The client wants its connection kept for a further request. */
  readonly keepsAlive: boolean;
  /** The client asks to leave HTTP (WebSocket and the like). */
  readonly asksUpgrade: boolean;
  readonly #bytes: Buffer;
  readonly #targetStart: number;
  readonly #targetEnd: number;
  readonly #end: number;

  constructor(
    method: string,
    minorVersion: 0 | 1,
    fields: FramingFields,
    bytes: Buffer,
    targetStart: number,
    targetEnd: number,
    end: number,
  ) {
    this.method = method;
    this.minorVersion = minorVersion;
    this.fields = fields;
    this.keepsAlive = minorVersion === 1 ? !fields.connectionCloses : fields.connectionKeepsAlive;
    this.asksUpgrade = minorVersion === 1 && fields.connectionUpgrades && fields.hasUpgrade;
    this.#bytes = bytes;
    this.#targetStart = targetStart;
    this.#targetEnd = targetEnd;
    this.#end = end;
  }

  /** As it was sent, in any of its four forms (RFC 9112 section 3.2). */
  get target(): string {
    return this.#bytes.toString("latin1", this.#targetStart, this.#targetEnd);
  }

  /** The server that the client means, with port. A target in absolute form has the say (RFC 9112 section 3.2.2). */
  get authority(): string {
    return /^https?:\/\/([^/?#]*)/i.exec(this.target)?.[1] ?? this.field("host") ?? "";
  }

  /** The value of a header field, undefined when there is none; of a repeated one all values, joined by commas. */
  field(lowerCaseName: string): string | undefined {
    const lineEnd = this.#targetEnd + 1 + versionLength + 2;
    const values: string[] = [];
    for (const line of this.#bytes.toString("latin1", lineEnd, this.#end - 4).split("\r\n")) {
      const colon = line.indexOf(":");
      if (line.slice(0, colon).toLowerCase() === lowerCaseName)
        values.push(line.slice(colon + 1).replaceAll(/^[ \t]+|[ \t]+$/g, ""));
    }
    return values.length === 0 ? undefined : values.join(lowerCaseName === "cookie" ? "; " : ", ");
  }
}

const space = 32;
const versionLength = "HTTP/1.1".length;

/** Reads the head that lies in `bytes` from `start` to `end`, as found by a `HeadReader`. */
export function parseRequestHead(bytes: Buffer, start: number, end: number): RequestHead | MessageFault {
  const methodEnd = endOfToken(bytes, start, end);
  if (methodEnd === start || methodEnd - start > 32 || bytes[methodEnd] !== space) {
    return invalidMessage("the request line has no valid method");
  }
  let targetEnd = methodEnd + 1;
  for (let byte = bytes[targetEnd] ?? 0; byte > space && byte !== 127; byte = bytes[targetEnd] ?? 0)
    targetEnd++;
  if (targetEnd === methodEnd + 1 || bytes[targetEnd] !== space) {
    return invalidMessage("the request line has no valid target");
  }
  const lineEnd = targetEnd + 1 + versionLength;
  if (bytes[lineEnd] !== 13 || bytes[lineEnd + 1] !== 10)
    return invalidMessage("the request line has no valid version");
  const version = bytes.toString("latin1", targetEnd + 1, lineEnd);
  if (version !== "HTTP/1.1" && version !== "HTTP/1.0") {
    return version.startsWith("HTTP/") && version !== "HTTP/0.9"
      ? new MessageFault(505, `${version} is not served`)
      : invalidMessage("the request line has no valid version");
  }

  const fields = new FramingFields();
  const minorVersion = version === "HTTP/1.1" ? 1 : 0;
  const method = bytes.toString("latin1", start, methodEnd);
  return (
    readFields(bytes, lineEnd + 2, end, fields) ??
    faultOf(method, minorVersion, fields) ??
    new RequestHead(method, minorVersion, fields, bytes, methodEnd + 1, targetEnd, end)
  );
}

function faultOf(method: string, minorVersion: 0 | 1, fields: FramingFields): MessageFault | undefined {
  if (method === "CONNECT") return new MessageFault(405, "CONNECT is not served");
  if (minorVersion === 1 && fields.hosts === 0) return invalidMessage("Host is missing");
  if (fields.hosts > 1) return invalidMessage("Host is given twice");
  if (fields.transferEncoding === "absent") return undefined;
  if (fields.contentLength !== -1)
    return invalidMessage("Content-Length and Transfer-Encoding are both given");
  if (minorVersion === 0) return invalidMessage("Transfer-Encoding is not part of HTTP/1.0");
  if (fields.transferEncoding !== "chunked")
    return new MessageFault(501, "the only Transfer-Encoding served is chunked");
  return undefined;
}
