import { pipeline, type Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { createGunzip } from "node:zlib";
import { type Clock, parseTime } from "../time/clock.ts";

/** More than the largest page of a list, less than what V8 can hold in one text. */
const longestBody = 400 * 1024 * 1024;

/** An HTTP answer whose head has come. */
export interface HttpAnswer {
  readonly code: number;
  /** By name in small letters; several of one name as a list. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** As it comes from the wire. */
  readonly body: Readable;
}

/** The bytes as the server meant them. Fails when they are cut off, packed in an unknown way, or no packed bytes at all. */
export function contentOf({ headers, body }: HttpAnswer): AsyncIterable<Buffer> {
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
  for await (const bytes of contentOf(answer)) {
    text += decoder.write(bytes);
    if (text.length > longestBody) throw new Error(`the answer has more than ${longestBody} characters`);
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
