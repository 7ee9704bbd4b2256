import type { ObjectMeta } from "../../api/core.ts";
import { apiVersionOf } from "../../api/resources.ts";
import { type Fields, isFields, textOf } from "./json.ts";
import type { ApiObject } from "./kinds/rules.ts";
import type { WriteOptions } from "./options.ts";
import type { Patched } from "./patch/patch.ts";
import { badRequest, invalid, undecodable } from "./refusal.ts";
import type { ResourceInfo } from "./resource-info.ts";
import { Undecodable } from "./scalars.ts";
import { schemaNameOf } from "./schema-data.ts";
import { builtInType } from "./type/built-in-type.ts";
import { decode } from "./type/decode.ts";
import type { StructuralType } from "./type/structural-type.ts";

/** What the body of a request is read as: a kind that is stored, or one that only travels, as a Scale does. */
export interface BodyType {
  readonly info: Pick<ResourceInfo, "group" | "version" | "kind" | "custom">;
  readonly type: StructuralType;
  /** A clean copy of what a client sent. Throws `Undecodable`; `unknown` takes dropped fields. */
  read(sent: Fields, unknown: string[]): ApiObject;
}

/** A built-in kind that is never stored. */
export function travellingType(group: string, version: string, kind: string): BodyType {
  const type = builtInType(schemaNameOf(group, version, kind));
  return {
    info: { group, version, kind, custom: false },
    type,
    read: (sent, unknown) => decode(type, sent, unknown) as ApiObject,
  };
}

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
  type: BodyType,
  body: unknown,
  validation: Validation,
  isServed: (apiVersion: string, kind: string) => boolean,
): SentObject {
  const fields = body === null ? {} : body;
  if (!isFields(fields)) {
    const found = Array.isArray(body) ? "array" : typeof body;
    throw badRequest(
      `the object provided is unrecognized (must be of type ${type.info.kind}): couldn't get version/kind; ` +
        `json parse error: ${body === undefined ? "the request has no body" : `json: cannot unmarshal ${found}`}`,
    );
  }
  checkKind(type, fields, isServed);
  return read(type, fields, validation, (why) => undecodable(type.info, why));
}

/** Reads an object as it is after a patch. Throws a 422 refusal in the server's words. */
export function readPatched(
  type: BodyType,
  { object: patched, unknown }: Patched,
  validation: Validation,
  isServed: (apiVersion: string, kind: string) => boolean,
): SentObject {
  const refuse = (why: string): Error => {
    const message = `Invalid value: ${JSON.stringify(JSON.stringify(patched))}: ${why}`;
    return invalid({ group: "", kind: "" }, "", [{ field: "patch", reason: "FieldValueInvalid", message }]);
  };
  const wrongKind = kindProblem(type, patched, isServed);
  if (wrongKind !== undefined) throw refuse(wrongKind.why);
  return read(type, patched, validation, refuse, unknown);
}

function read(
  type: BodyType,
  value: Fields,
  validation: Validation,
  refuse: (why: string) => Error,
  ofPatch?: readonly string[],
): SentObject {
  const unknown: string[] = [];
  const object = readAs(type, value, unknown, refuse);
  // The server keeps the order of fields that was sent; what a patch makes has none.
  if (ofPatch !== undefined) unknown.sort();
  const problems = [...(ofPatch ?? []), ...unknown.map((path) => `unknown field ${JSON.stringify(path)}`)];
  if (validation === "Strict" && problems.length > 0) {
    throw refuse(`strict decoding error: ${problems.join(", ")}`);
  }
  return { object, warnings: validation === "Warn" ? problems : [] };
}

function readAs(type: BodyType, value: Fields, unknown: string[], refuse: (why: string) => Error): ApiObject {
  try {
    const object = type.read(value, unknown);
    // What was read may lack what its type promises: this is where that ends.
    const metadata: Partial<ObjectMeta> | undefined = object.metadata;
    return { ...object, metadata: { ...metadata, name: metadata?.name ?? "" } };
  } catch (error) {
    if (error instanceof Undecodable) throw refuse(error.message);
    throw error;
  }
}

function checkKind(
  type: BodyType,
  body: Fields,
  isServed: (apiVersion: string, kind: string) => boolean,
): void {
  const { info } = type;
  const expected = apiVersionOf(info);
  if (info.custom) {
    if (textOf(body.kind) === "") {
      const text = JSON.stringify(body);
      throw badRequest(
        `the object provided is unrecognized (must be of type ${info.kind}): Object 'Kind' is missing in '${text}' (${text.slice(0, 40)} ...)`,
      );
    }
    if (textOf(body.apiVersion) !== expected) {
      throw badRequest(
        `the API version in the data (${textOf(body.apiVersion)}) does not match the expected API version (${expected})`,
      );
    }
  }
  const problem = kindProblem(type, body, isServed);
  if (problem !== undefined) throw undecodable(info, problem.why, problem.found);
}

/** Why an object is of another kind than the one that is wanted. One that does not say its kind is taken for it. */
function kindProblem(
  { info }: BodyType,
  body: Fields,
  isServed: (apiVersion: string, kind: string) => boolean,
): { readonly found: string; readonly why: string } | undefined {
  const expected = apiVersionOf(info);
  const [apiVersion, kind] = [textOf(body.apiVersion), textOf(body.kind)];
  if ((kind === "" || kind === info.kind) && (apiVersion === "" || apiVersion === expected)) return undefined;
  const [found, foundVersion] = [kind || info.kind, apiVersion || expected];
  const group = info.group === "" ? "core" : (info.group.split(".")[0] ?? "");
  const why = isServed(foundVersion, found)
    ? `converting (${foundVersion.split("/").at(-1)}.${found}) to (${group}.${info.kind}): unknown conversion`
    : `no kind ${JSON.stringify(found)} is registered for version ${JSON.stringify(foundVersion)} in scheme "pkg/runtime/scheme.go:110"`;
  return { found, why };
}
