import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { constants, createGzip, gzip } from "node:zlib";
import { type Fields, isFields, listOf } from "../json.ts";
import type { Refusal } from "../refusal.ts";
import type { Encoding } from "./negotiation.ts";
import { writeYaml } from "./yaml.ts";

/** Answers from this size on are compressed for clients that ask for it. */
const compressFromBytes = 128 * 1024;

/** Lists whose text is longer, in characters, are sent piece by piece, as their reader takes them. */
const longestWhole = 1024 * 1024;
const pieceLength = 64 * 1024;

/** As many as a real API server shows: clients refuse an answer whose headers are too long. */
const warningCharacters = 4 * 1024;

const compress = promisify(gzip);

export interface Answer {
  readonly code: number;
  /** JSON value; a string or bytes are sent as they are, a string as plain text unless `contentType` says otherwise. */
  readonly body: unknown;
  readonly encoding?: Encoding;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly warnings?: readonly string[];
}

/** Sends an answer: as a whole, but a long list piece by piece, so that its text is never in memory as a whole. */
export async function sendAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
): Promise<void> {
  const { bytes, pieces } = contentOf(answer);
  response.statusCode = answer.code;
  response.setHeader("Cache-Control", "no-cache, private");
  for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, value);
  setWarnings(response, answer.warnings ?? []);
  if (bytes === undefined && pieces === undefined) {
    response.end();
    return;
  }
  response.setHeader("Content-Type", answer.contentType ?? contentTypeOf(answer));
  const acceptsGzip = /(^|[\s,])gzip([\s,;]|$)/.test(String(request.headers["accept-encoding"] ?? ""));
  const isCompressed = acceptsGzip && (bytes === undefined || bytes.length >= compressFromBytes);
  if (isCompressed) {
    response.setHeader("Content-Encoding", "gzip");
    response.setHeader("Vary", "Accept-Encoding");
  }
  if (bytes === undefined) {
    const text = Readable.from(pieces ?? []);
    await (isCompressed
      ? pipeline(text, createGzip({ level: constants.Z_BEST_SPEED }), response)
      : pipeline(text, response));
    return;
  }
  const sent = isCompressed ? await compress(bytes, { level: constants.Z_BEST_SPEED }) : bytes;
  response.setHeader("Content-Length", sent.length);
  response.end(sent);
}

/** The answer that carries a refusal. */
export function refusalAnswer({ status }: Refusal): Answer {
  const retryAfter = status.details?.retryAfterSeconds;
  const headers = retryAfter === undefined ? {} : { "Retry-After": String(retryAfter) };
  return { code: status.code, body: status, headers };
}

function setWarnings(response: ServerResponse, warnings: readonly string[]): void {
  let room = warningCharacters;
  const shown = warnings.filter((text) => {
    room -= text.length;
    return room >= 0;
  });
  if (shown.length > 0)
    response.setHeader(
      "Warning",
      shown.map((text) => `299 - "${headerText(text)}"`),
    );
}

/** Headers carry bytes: UTF-8 without control characters, quotes and backslashes escaped. */
function headerText(text: string): string {
  const printable = text.replace(/\p{Cc}+/gu, " ").replace(/(["\\])/g, "\\$1");
  return Buffer.from(printable, "utf8").toString("latin1");
}

interface Content {
  readonly bytes?: Buffer | undefined;
  /** In place of bytes: the text of a long list, made while it is sent. */
  readonly pieces?: Iterable<string>;
}

function contentOf(answer: Answer): Content {
  const { body, encoding } = answer;
  if (!isFields(body) || encoding === "yaml") return { bytes: bytesOf(answer) };
  const field = ["items", "rows"].find((each) => listOf(body[each]).length > 0);
  if (field === undefined) return { bytes: bytesOf(answer) };
  const pieces = listPieces(field, body);
  const first: string[] = [];
  let length = 0;
  for (let next = pieces.next(); next.done !== true; next = pieces.next()) {
    first.push(next.value);
    length += next.value.length;
    if (length > longestWhole) return { pieces: followed(first, pieces) };
  }
  return { bytes: Buffer.from(first.join("")) };
}

function* followed(first: readonly string[], rest: Iterable<string>): Generator<string> {
  yield* first;
  yield* rest;
}

function* listPieces(field: string, { [field]: elements, ...fields }: Fields): Generator<string> {
  // The list comes last, so that the text without elements ends with `[]}`.
  let piece = JSON.stringify({ ...fields, [field]: [] }).slice(0, -"]}".length);
  let separator = "";
  for (const element of listOf(elements)) {
    piece += separator + JSON.stringify(element);
    separator = ",";
    if (piece.length < pieceLength) continue;
    yield piece;
    piece = "";
  }
  yield `${piece}]}\n`;
}

function bytesOf({ body, encoding }: Answer): Buffer | undefined {
  if (body === undefined) return undefined;
  if (typeof body === "string") return Buffer.from(body);
  if (Buffer.isBuffer(body)) return body;
  return Buffer.from(encoding === "yaml" ? writeYaml(body) : `${JSON.stringify(body)}\n`);
}

function contentTypeOf({ body, encoding }: Answer): string {
  if (typeof body === "string") return "text/plain; charset=utf-8";
  return encoding === "yaml" ? "application/yaml" : "application/json";
}
