import type { ObjectMeta } from "../../api/core.ts";
import { apiVersionOf } from "../../api/resources.ts";
import { type Fields, isFields, textOf } from "./json.ts";
import type { Kind } from "./kind.ts";
import type { ApiObject } from "./kinds/rules.ts";
import type { WriteOptions } from "./options.ts";
import { badRequest, invalid, undecodable } from "./refusal.ts";
import { Undecodable } from "./scalars.ts";

/** What a client sent, as an object of its kind. */
export interface SentObject {
  readonly object: ApiObject;
  /** About fields that were dropped. */
  readonly warnings: readonly string[];
}

type Validation = WriteOptions["fieldValidation"];

/**
 * Reads the body of a create or update. Throws a 400 refusal in the server's words.
 *
 * @param isServed whether any version of the API has such a kind, for a clearer refusal.
 */
export function readBody(
  kind: Kind,
  body: unknown,
  validation: Validation,
  isServed: (apiVersion: string, kind: string) => boolean,
): SentObject {
  if (!isFields(body)) {
    throw badRequest(
      `the object provided is unrecognized (must be of type ${kind.info.kind}): couldn't get version/kind; json parse error`,
    );
  }
  checkKind(kind, body, isServed);
  return read(kind, body, validation, (why) => undecodable(kind.info, why));
}

/** Reads an object as it is after a patch. Throws a 422 refusal in the server's words. */
export function readPatched(kind: Kind, patched: Fields, validation: Validation): SentObject {
  return read(kind, patched, validation, (why) => {
    const message = `Invalid value: ${JSON.stringify(JSON.stringify(patched))}: ${why}`;
    return invalid({ group: "", kind: "" }, "", [{ field: "patch", reason: "FieldValueInvalid", message }]);
  });
}

function read(kind: Kind, value: Fields, validation: Validation, refuse: (why: string) => Error): SentObject {
  const unknown: string[] = [];
  const object = readAs(kind, value, unknown, refuse);
  const problems = unknown.map((path) => `unknown field ${JSON.stringify(path)}`);
  if (validation === "Strict" && problems.length > 0) {
    throw refuse(`strict decoding error: ${problems.join(", ")}`);
  }
  return { object, warnings: validation === "Warn" ? problems : [] };
}

function readAs(kind: Kind, value: Fields, unknown: string[], refuse: (why: string) => Error): ApiObject {
  try {
    const object = kind.read(value, unknown);
    // What was read may lack what its type promises: this is where that ends.
    const metadata: Partial<ObjectMeta> | undefined = object.metadata;
    return { ...object, metadata: { ...metadata, name: metadata?.name ?? "" } };
  } catch (error) {
    if (error instanceof Undecodable) throw refuse(error.message);
    throw error;
  }
}

function checkKind(
  { info }: Kind,
  body: Fields,
  isServed: (apiVersion: string, kind: string) => boolean,
): void {
  const expected = apiVersionOf(info);
  const [apiVersion, kind] = [textOf(body.apiVersion), textOf(body.kind)];
  if (info.custom) {
    if (kind === "") {
      const text = JSON.stringify(body);
      throw badRequest(
        `the object provided is unrecognized (must be of type ${info.kind}): Object 'Kind' is missing in '${text}' (${text.slice(0, 40)} ...)`,
      );
    }
    if (apiVersion !== expected) {
      throw badRequest(
        `the API version in the data (${apiVersion}) does not match the expected API version (${expected})`,
      );
    }
  }
  if ((kind === "" || kind === info.kind) && (apiVersion === "" || apiVersion === expected)) return;
  const [found, foundVersion] = [kind || info.kind, apiVersion || expected];
  const isKnown = isServed(foundVersion, found);
  const group = info.group === "" ? "core" : (info.group.split(".")[0] ?? "");
  throw undecodable(
    info,
    isKnown
      ? `converting (${foundVersion.split("/").at(-1)}.${found}) to (${group}.${info.kind}): unknown conversion`
      : `no kind ${JSON.stringify(found)} is registered for version ${JSON.stringify(foundVersion)} in scheme "pkg/runtime/scheme.go:110"`,
    found,
  );
}
