import { invalidMessage, type MessageFault } from "./message-fault.ts";

/** What the header fields of a message say about its framing and its connection. */
export class FramingFields {
  /** -1 when absent. */
  contentLength = -1;
  transferEncoding: "absent" | "chunked" | "chunkedLast" | "other" = "absent";
  hosts = 0;
  /** To anything but HTTP/2. */
  hasUpgrade = false;
  /** To HTTP/2 in the clear: an offer that a server is free to leave, and then answers as if it were not there. */
  offersHttp2 = false;
  connectionCloses = false;
  connectionKeepsAlive = false;
  connectionUpgrades = false;
  /** Offsets of the `Connection` lines, start and end by turns, line break included. */
  connectionLines: number[] | undefined;
}

const colon = 58;
const carriageReturn = 13;

/** 1 for each byte that a token (method, field name) may hold: RFC 9110 section 5.6.2. */
export const isTokenByte = new Uint8Array(256);
for (const character of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
  isTokenByte[character.charCodeAt(0)] = 1;
}
const isValueByte = new Uint8Array(256).fill(1, 32).fill(1, 9, 10).fill(0, 127, 128);

/** Offset of the first byte from `from` on that cannot be part of a token (method, field name). */
export function endOfToken(bytes: Buffer, from: number, end: number): number {
  let at = from;
  while (at < end && isTokenByte[bytes[at] ?? 0] === 1) at++;
  return at;
}

/**
 * Reads the header fields between `from` and `end` (which is just after the blank line). Every line is known to end in
 * CRLF. Answers the fault that makes the message dangerous to forward, if there is one.
 */
export function readFields(
  bytes: Buffer,
  from: number,
  end: number,
  fields: FramingFields,
): MessageFault | undefined {
  let at = from;
  while (at < end - 2) {
    const lineStart = at;
    const nameEnd = endOfToken(bytes, at, end);
    // Also catches a folded line and white space before the colon.
    if (nameEnd === lineStart || bytes[nameEnd] !== colon)
      return invalidMessage("a header line has no valid name");
    at = nameEnd + 1;
    while (isValueByte[bytes[at] ?? 0] === 1) at++;
    if (bytes[at] !== carriageReturn || bytes[at + 1] !== 10) {
      return invalidMessage("a header value has a control character");
    }
    const fault = readField(bytes, lineStart, nameEnd, at, fields);
    if (fault !== undefined) return fault;
    at += 2;
  }
  return undefined;
}

function readField(
  bytes: Buffer,
  nameStart: number,
  nameEnd: number,
  valueEnd: number,
  fields: FramingFields,
): MessageFault | undefined {
  // The length of a name tells nearly all fields apart without reading them.
  switch (nameEnd - nameStart) {
    case 4:
      if (isNamed(bytes, nameStart, "host")) fields.hosts++;
      return undefined;
    case 7:
      if (isNamed(bytes, nameStart, "upgrade")) readUpgrade(valueOf(bytes, nameEnd, valueEnd), fields);
      return undefined;
    case 10:
      if (isNamed(bytes, nameStart, "connection"))
        readConnection(bytes, nameStart, nameEnd, valueEnd, fields);
      return undefined;
    case 14:
      if (!isNamed(bytes, nameStart, "content-length")) return undefined;
      return readContentLength(valueOf(bytes, nameEnd, valueEnd), fields);
    case 17:
      if (!isNamed(bytes, nameStart, "transfer-encoding")) return undefined;
      return readTransferEncoding(bytes.toString("latin1", nameEnd + 1, valueEnd), fields);
    default:
      return undefined;
  }
}

function isNamed(bytes: Buffer, at: number, lowerCaseName: string): boolean {
  for (let index = 0; index < lowerCaseName.length; index++) {
    if (((bytes[at + index] ?? 0) | 32) !== lowerCaseName.charCodeAt(index)) return false;
  }
  return true;
}

function valueOf(bytes: Buffer, nameEnd: number, valueEnd: number): string {
  let from = nameEnd + 1;
  let to = valueEnd;
  while (from < to && isBlank(bytes[from])) from++;
  while (to > from && isBlank(bytes[to - 1])) to--;
  return bytes.toString("latin1", from, to);
}

function isBlank(byte: number | undefined): boolean {
  return byte === 32 || byte === 9;
}

function readConnection(
  bytes: Buffer,
  nameStart: number,
  nameEnd: number,
  valueEnd: number,
  fields: FramingFields,
): void {
  fields.connectionLines ??= [];
  fields.connectionLines.push(nameStart, valueEnd + 2);
  for (const part of valueOf(bytes, nameEnd, valueEnd).toLowerCase().split(",")) {
    const option = part.replaceAll(/^[ \t]+|[ \t]+$/g, "");
    if (option === "close") fields.connectionCloses = true;
    else if (option === "keep-alive") fields.connectionKeepsAlive = true;
    else if (option === "upgrade") fields.connectionUpgrades = true;
  }
}

function readUpgrade(value: string, fields: FramingFields): void {
  if (value.toLowerCase() === "h2c") fields.offersHttp2 = true;
  else fields.hasUpgrade = true;
}

// A second Content-Length is refused even when it says the same: the pod behind might read the pair in another way.
function readContentLength(value: string, fields: FramingFields): MessageFault | undefined {
  if (fields.contentLength !== -1) return invalidMessage("Content-Length is given twice");
  if (value.length === 0 || value.length > 15) return invalidMessage("Content-Length is no number");
  let length = 0;
  for (let index = 0; index < value.length; index++) {
    const digit = value.charCodeAt(index) - 48;
    if (digit < 0 || digit > 9) return invalidMessage("Content-Length is no number");
    length = length * 10 + digit;
  }
  fields.contentLength = length;
  return undefined;
}

// A tab around the word is allowed, but there are readers (Node's is one) that then do not know the word.
function readTransferEncoding(value: string, fields: FramingFields): MessageFault | undefined {
  if (value.includes("\t")) return invalidMessage("Transfer-Encoding has a tab");
  if (fields.transferEncoding !== "absent") return invalidMessage("Transfer-Encoding is given twice");
  fields.transferEncoding = codingOf(value.replaceAll(/^ +| +$/g, "").toLowerCase());
  return undefined;
}

function codingOf(value: string): FramingFields["transferEncoding"] {
  if (value === "chunked") return "chunked";
  return /(^|,) *chunked$/.test(value) ? "chunkedLast" : "other";
}
