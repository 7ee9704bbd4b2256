import { endOfToken } from "../http/fields.ts";

/** `unknown`: more bytes are needed. */
export type Verdict = "http" | "tcp" | "unknown";

// A request line longer than this is taken for one without waiting for its end.
const longestWait = 4096;
const versions = ["HTTP/1.1", "HTTP/1.0"];
const commonMethods = [
  "GET ",
  "HEAD ",
  "POST ",
  "PUT ",
  "PATCH ",
  "DELETE ",
  "OPTIONS ",
  "TRACE ",
  "CONNECT ",
];

/** Tells from the first bytes of a client whether it speaks HTTP/1: only a whole request line is proof. */
export function protocolOf(bytes: Buffer): Verdict {
  const methodEnd = endOfToken(bytes, 0, bytes.length);
  if (methodEnd === bytes.length) return methodEnd > 32 ? "tcp" : "unknown";
  if (methodEnd === 0 || bytes[methodEnd] !== 32) return "tcp";
  const lineEnd = bytes.indexOf(10);
  const seenEnd = lineEnd === -1 ? bytes.length : lineEnd;
  for (let at = methodEnd + 1; at < seenEnd; at++) {
    const byte = bytes[at] ?? 0;
    if ((byte < 32 && byte !== 13) || byte === 127) return "tcp";
  }
  if (lineEnd === -1) return bytes.length > longestWait ? "http" : "unknown";
  const textEnd = bytes[lineEnd - 1] === 13 ? lineEnd - 1 : lineEnd;
  return versions.includes(bytes.toString("latin1", textEnd - 8, textEnd)) ? "http" : "tcp";
}

/** Whether a client that went silent within its first line is rather an HTTP client on a slow line than another protocol. */
export function startsLikeHttp(bytes: Buffer): boolean {
  const text = bytes.toString("latin1", 0, 8);
  return commonMethods.some((method) => text.startsWith(method) || method.startsWith(text));
}

/** HTTP/2 without a handshake begins with a line that no HTTP/1 request has. */
export function isHttp2Preface(bytes: Buffer): boolean {
  return bytes.toString("latin1", 0, 14) === "PRI * HTTP/2.0";
}
