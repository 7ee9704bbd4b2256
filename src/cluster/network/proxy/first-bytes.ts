import { endOfToken } from "../http/fields.ts";

/** `http` HTTP/1, well formed or not · `http2` HTTP/2 without a handshake (h2c) · `tcp` anything else · `unknown` more bytes are needed. */
export type Verdict = "http" | "http2" | "tcp" | "unknown";

// A request line longer than this is judged without waiting for its end.
const longestWait = 4096;
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
const http2Start = "PRI * HTTP/2.0";
const carriageReturn = 13;
const lineFeed = 10;

/** Tells from the first bytes of a client what it speaks: only a whole request line is proof of HTTP. */
export function protocolOf(bytes: Buffer): Verdict {
  const start = endOfEmptyLines(bytes);
  const methodEnd = endOfToken(bytes, start, bytes.length);
  if (methodEnd === bytes.length) return methodEnd - start > 32 ? "tcp" : "unknown";
  if (methodEnd === start) {
    return bytes[start] === carriageReturn && start + 1 === bytes.length ? "unknown" : "tcp";
  }
  if (bytes[methodEnd] !== 32) return "tcp";
  const lineEnd = bytes.indexOf(lineFeed, methodEnd);
  const textEnd = lineEnd !== -1 && bytes[lineEnd - 1] === carriageReturn ? lineEnd - 1 : lineEnd;
  for (let at = methodEnd + 1; at < (textEnd === -1 ? bytes.length : textEnd); at++) {
    const byte = bytes[at] ?? 0;
    const mayBeTheEnd = byte === carriageReturn && at + 1 === bytes.length;
    if ((byte < 32 && !mayBeTheEnd) || byte === 127) return startsLikeHttp(bytes) ? "http" : "tcp";
  }
  if (lineEnd === -1) {
    if (bytes.length <= longestWait) return "unknown";
    return startsLikeHttp(bytes) ? "http" : "tcp";
  }
  const line = bytes.toString("latin1", start, textEnd);
  if (line === http2Start) return "http2";
  return / HTTP\/\S*$/.test(line) ? "http" : "tcp";
}

/** Whether a client that went silent within its first line is an HTTP client on a slow line. */
export function startsLikeHttp(bytes: Buffer): boolean {
  const text = bytes.toString("latin1", endOfEmptyLines(bytes), longestWait);
  const method = commonMethods.find((each) => text.startsWith(each));
  return method !== undefined && /^(\/|\*|https?:)/i.test(text.slice(method.length));
}

/** Whether what has come may be the beginning of HTTP, but is too short to say so. */
export function mayBecomeHttp(bytes: Buffer): boolean {
  const text = bytes.toString("latin1", endOfEmptyLines(bytes), longestWait);
  return [...commonMethods, http2Start].some((each) => each.startsWith(text));
}

// A client may send a line break too many before its request (RFC 9112 section 2.2).
function endOfEmptyLines(bytes: Buffer): number {
  let at = 0;
  while (bytes[at] === carriageReturn && bytes[at + 1] === lineFeed) at += 2;
  return at;
}
