import { pipeline, type Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { createGunzip } from "node:zlib";
import { type Clock, parseTime } from "../time/clock.ts";

const mebibyte = 1024 * 1024;
/** Of one answer, unpacked: 10,000 large Rollouts in one piece, as a server sends them that knows no pages. */
const longestBody = 256 * mebibyte;
/**
 * A longer answer must not be unpacked to more than so many times of what was sent: a page of a list becomes up to a hundred
 * times as long, and what is made to fill the memory a thousand times.
 */
const longestUnsuspicious = 8 * mebibyte;
const largestRatio = 200;

/** An HTTP answer whose head has come. */
export interface HttpAnswer {
  readonly code: number;
  /** By name in small letters; several of one name as a list. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** As it comes from the wire. */
  readonly body: Readable;
}

/** Bytes that were sent as they are, or packed: then `bytesWritten` says how many of those have been unpacked. */
type Content = AsyncIterable<Buffer> & { readonly bytesWritten?: number };

/** The bytes as the server meant them. Fails when they are cut off, packed in an unknown way, or no packed bytes at all. */
export function contentOf({ headers, body }: HttpAnswer): Content {
  const packing = first(headers["content-encoding"])?.trim().toLowerCase() ?? "identity";
  if (packing === "identity" || packing === "") return body;
  if (packing !== "gzip" && packing !== "x-gzip")
    throw new Error(`the answer is packed as ${packing}, which was not asked for; is a proxy in between?`);
  // An error of the answer reaches the reader as an error of the unpacked content.
  return pipeline(body, createGunzip(), () => {});
}

/** A JSON value, or the text when it is of another type. A refusal that says it is JSON and is not counts as text. */
export async function readBody(answer: HttpAnswer): Promise<unknown> {
  // Decoded as it comes: a list's bytes are not kept beside its text.
  const decoder = new StringDecoder("utf8");
  let text = "";
  let length = 0;
  const content = contentOf(answer);
  for await (const bytes of content) {
    length += bytes.length;
    assertBounded(length, content.bytesWritten);
    text += decoder.write(bytes);
  }
  text += decoder.end();
  if (!(first(answer.headers["content-type"]) ?? "").includes("json") || text === "") return text;
  try {
    return JSON.parse(text);
  } catch (cause) {
    if (answer.code >= 400) return text;
    throw new Error("the answer is no valid JSON; is a proxy or another program at this address?", { cause });
  }
}

function assertBounded(length: number, packed = length): void {
  const ratio = packed === 0 ? 0 : length / packed;
  if (length > longestBody) throw new Error(`the answer is longer than ${longestBody / mebibyte} MiB`);
  if (length > longestUnsuspicious && ratio > largestRatio)
    throw new Error(
      `the answer is packed more than ${largestRatio} times, as no list of objects is; is a proxy in between?`,
    );
}

/** The texts of `Warning: 299 - "…"` headers. */
export function warningsOf({ headers }: HttpAnswer): readonly string[] {
  return all(headers["warning"]).flatMap((line) =>
    [...line.matchAll(/\d{3} \S+ "((?:[^"\\]|\\.)*)"/g)].map(([, text = ""]) => text.replace(/\\(.)/g, "$1")),
  );
}

/** The seconds that `Retry-After` asks for, given as such or as a date. */
export function retryAfterOf({ headers }: HttpAnswer, clock: Pick<Clock, "now">): number | undefined {
  const value = first(headers["retry-after"])?.trim() ?? "";
  if (/^\d+$/.test(value)) return Number(value);
  const date = value.endsWith("GMT") ? parseTime(value) : undefined;
  return date === undefined ? undefined : Math.max(0, (date - clock.now()) / 1000);
}

function first(header: string | string[] | undefined): string | undefined {
  return all(header)[0];
}

function all(header: string | string[] | undefined): readonly string[] {
  if (header === undefined) return [];
  return typeof header === "string" ? [header] : header;
}
