import type { IncomingMessage } from "node:http";
import { badRequest, Refusal, unsupportedMediaType } from "../refusal.ts";
import { parseMediaType } from "./media-type.ts";
import { decodeProtobuf } from "./protobuf/decode.ts";
import { ProtobufError } from "./protobuf/wire-reader.ts";
import { parseYaml } from "./yaml.ts";

/** The most bytes that a request may carry, as on a real API server. */
export const bodyLimitBytes = 3 * 1024 * 1024;

export interface DecodedBody {
  /** JSON value; undefined for an empty body. */
  readonly body: unknown;
  /** `application/json` for whole objects in any encoding; of a patch its own type. */
  readonly contentType: string;
}

/**
 * Collects the body of a request.
 * @throws Refusal 413 when it is longer than `bodyLimitBytes`.
 */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > bodyLimitBytes) {
      const message = `Request entity too large: limit is ${bodyLimitBytes}`;
      throw new Refusal(413, "RequestEntityTooLarge", message, {});
    }
  }
  return Buffer.concat(chunks);
}

/**
 * Reads what a body says in its content type: JSON, YAML, protobuf or a patch.
 * @throws Refusal 400 when it cannot be read, 415 for other content types.
 */
export function decodeBody(method: string, contentType: string | undefined, bytes: Buffer): DecodedBody {
  const type = contentType === undefined ? "application/json" : parseMediaType(contentType).type;
  if (bytes.length === 0) return { body: undefined, contentType: type };
  if (method === "PATCH") return { body: decodePatch(type, bytes), contentType: type };
  return { body: decodeObject(type, bytes), contentType: "application/json" };
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
