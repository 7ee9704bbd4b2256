import type { IncomingMessage } from "node:http";
import { badRequest, Refusal, unsupportedMediaType } from "../refusal.ts";
import { parseMediaType } from "./media-type.ts";
import { decodeProtobuf } from "./protobuf/decode.ts";
import { ProtobufError } from "./protobuf/wire-reader.ts";
import { parseYaml } from "./yaml.ts";

/** The most bytes that a request may carry, as on a real API server. */
export const bodyLimitBytes = 3 * 1024 * 1024;

/** All bodies that are being read or worked on may have so many bytes together. */
const allBodiesLimitBytes = 64 * 1024 * 1024;

/** As deep as any program here can walk. Objects of Kubernetes have a fiftieth of it. */
const deepest = 1000;

export interface DecodedBody {
  /** JSON value; undefined for an empty body. */
  readonly body: unknown;
  /** `application/json` for whole objects in any encoding; of a patch its own type. */
  readonly contentType: string;
}

/** The bodies of all requests that are in memory: together they stay below a limit, however many clients send. */
export class RequestBodies {
  readonly #limit: number;
  #held = 0;

  constructor(limit: number = allBodiesLimitBytes) {
    this.#limit = limit;
  }

  /**
   * Collects the body of a request, and counts it until `use` has come to its end. What a refused client still sends is
   * left to be read.
   * @throws Refusal 413 when it is longer than `bodyLimitBytes`; 429 when too many bodies are in memory.
   */
  async with<T>(request: IncomingMessage, use: (body: Buffer) => Promise<T>): Promise<T> {
    const chunks: Buffer[] = [];
    let length = 0;
    try {
      if (Number(request.headers["content-length"] ?? 0) > bodyLimitBytes) throw tooLarge();
      for await (const chunk of request.iterator({ destroyOnReturn: false })) {
        chunks.push(chunk);
        length += chunk.length;
        this.#held += chunk.length;
        if (length > bodyLimitBytes) throw tooLarge();
        if (this.#held > this.#limit) throw tooManyBodies();
      }
      return await use(Buffer.concat(chunks.splice(0)));
    } finally {
      this.#held -= length;
    }
  }
}

function tooLarge(): Refusal {
  return new Refusal(
    413,
    "RequestEntityTooLarge",
    `Request entity too large: limit is ${bodyLimitBytes}`,
    {},
  );
}

function tooManyBodies(): Refusal {
  return new Refusal(429, "TooManyRequests", "Too many requests, please try again later.", {
    retryAfterSeconds: 1,
  });
}

/**
 * Reads what a body says in its content type: JSON, YAML, protobuf or a patch.
 * @throws Refusal 400 when it cannot be read, 415 for other content types.
 */
export function decodeBody(method: string, contentType: string | undefined, bytes: Buffer): DecodedBody {
  const type = contentType === undefined ? "application/json" : parseMediaType(contentType).type;
  if (bytes.length === 0) return { body: undefined, contentType: type };
  const isPatch = method === "PATCH";
  const body = isPatch ? decodePatch(type, bytes) : decodeObject(type, bytes);
  checkSize(body);
  return { body, contentType: isPatch ? type : "application/json" };
}

/** What the bytes have become must not be larger than they may be, as YAML's aliases make it, nor too deep to be walked over. */
function checkSize(body: unknown): void {
  let room = bodyLimitBytes;
  const visit = (value: unknown, depth: number): void => {
    if (depth > deepest) throw badRequest(`the body of the request is nested more than ${deepest} deep`);
    room -= typeof value === "string" ? value.length : 1;
    if (room < 0) throw tooLarge();
    if (typeof value !== "object" || value === null) return;
    if (Array.isArray(value)) {
      for (const element of value) visit(element, depth + 1);
      return;
    }
    for (const [key, inner] of Object.entries(value)) {
      room -= key.length;
      visit(inner, depth + 1);
    }
  };
  visit(body, 0);
}

function decodePatch(type: string, bytes: Buffer): unknown {
  switch (type) {
    case "application/json-patch+json":
    case "application/merge-patch+json":
    case "application/strategic-merge-patch+json":
      return decodeJson(bytes);
    case "application/apply-patch+yaml":
      return decodeYaml(bytes);
    default:
      throw unsupportedMediaType(undefined, {});
  }
}

function decodeObject(type: string, bytes: Buffer): unknown {
  switch (type) {
    case "application/json":
      return decodeJson(bytes);
    case "application/yaml":
      return decodeYaml(bytes);
    case "application/vnd.kubernetes.protobuf":
      return refusing(ProtobufError, () => decodeProtobuf(bytes));
    default:
      throw unsupportedMediaType(
        "the body of the request was in an unknown format - accepted media types include: " +
          "application/json, application/yaml, application/vnd.kubernetes.protobuf",
      );
  }
}

function decodeJson(bytes: Buffer): unknown {
  return refusing(SyntaxError, () => JSON.parse(bytes.toString("utf8")));
}

function decodeYaml(bytes: Buffer): unknown {
  // Most clients send JSON under the name of YAML, and its parser is many times faster.
  const text = bytes.toString("utf8");
  if (text.trimStart().startsWith("{")) {
    try {
      return JSON.parse(text);
    } catch {
      // Not JSON but YAML's flow style.
    }
  }
  return refusing(Error, () => parseYaml(text));
}

function refusing<T>(expected: abstract new (...parameters: never) => Error, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (error instanceof expected)
      throw badRequest(`the body of the request cannot be read: ${error.message}`);
    throw error;
  }
}
