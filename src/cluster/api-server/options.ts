import type { ApiRequest, User } from "../../kubernetes/transport.ts";
import { ownUser } from "./access/access.ts";
import { type Fields, fieldsOf, listOf, textOf } from "./json.ts";
import { badRequest, type FieldError, fieldError, invalidOption, serverError } from "./refusal.ts";
import { Undecodable } from "./scalars.ts";
import { builtInType } from "./type/built-in-type.ts";
import { decode } from "./type/decode.ts";

type Query = Readonly<Record<string, string>>;

export interface WriteOptions {
  readonly dryRun: boolean;
  readonly fieldValidation: "Ignore" | "Warn" | "Strict";
  /** Who is said to own the fields that are written. */
  readonly manager: string;
  /** Whether an apply takes fields from their owners. */
  readonly force: boolean;
  readonly user: User;
}

/** What of a request says how to write. */
type WriteRequest = Pick<ApiRequest, "query" | "contentType" | "userAgent" | "user">;

/** A whole number among the parameters of a request; undefined when it is not there. Throws a 400 refusal in the server's words. */
export function integerIn(text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  if (/^-?\d+$/.test(text)) return Number(text);
  throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
}

/** Whether a parameter that is true or false is there and true, as the server reads them. */
export function isSet(text: string | undefined): boolean {
  return text !== undefined && text !== "0" && text.toLowerCase() !== "false";
}

/** Options of a create, update or patch. Throws a 422 refusal in the server's words. */
export function writeOptions(
  kind: "CreateOptions" | "UpdateOptions" | "PatchOptions",
  { query = {}, contentType, userAgent = "", user = ownUser }: WriteRequest,
): WriteOptions {
  const errors: FieldError[] = [];
  const { dryRun, fieldManager = "", fieldValidation = "", force } = query;
  const isApply = kind === "PatchOptions" && isApplyType(contentType);
  if (force !== undefined && !isApply) {
    errors.push(fieldError.forbidden("force", "may not be specified for non-apply patch"));
  }
  if (isApply && fieldManager === "") {
    errors.push(fieldError.required("fieldManager", "is required for apply patch"));
  }
  if (dryRun !== undefined && dryRun !== "" && dryRun !== "All") {
    errors.push(fieldError.notSupported("dryRun", [dryRun], ["All"]));
  }
  if (Buffer.byteLength(fieldManager) > longestManager) {
    errors.push(fieldError.tooLong("fieldManager", longestManager));
  }
  if (!["", "Ignore", "Strict", "Warn"].includes(fieldValidation)) {
    errors.push(
      fieldError.notSupported("fieldValidation", fieldValidation, ["", "Ignore", "Strict", "Warn"]),
    );
  }
  if (errors.length > 0) throw invalidOption(kind, ...errors);
  const mode = fieldValidation === "Ignore" || fieldValidation === "Strict" ? fieldValidation : "Warn";
  return {
    dryRun: dryRun === "All",
    fieldValidation: mode,
    manager: fieldManager === "" ? programIn(userAgent) : fieldManager,
    force: isSet(force),
    user,
  };
}

/** Whether the body of a patch says what is applied. */
export function isApplyType(contentType: string | undefined): boolean {
  return contentType?.split(";")[0]?.trim() === "application/apply-patch+yaml";
}

const longestManager = 128;

/** `kubectl` of `kubectl/v1.34 (linux/amd64)`. */
function programIn(userAgent: string): string {
  const [program = ""] = userAgent.split("/");
  return program === "" ? "unknown" : Buffer.from(program).subarray(0, longestManager).toString();
}

export interface DeletionOptions {
  readonly dryRun: boolean;
  readonly user: User;
  readonly gracePeriodSeconds: number | undefined;
  readonly propagationPolicy: "Background" | "Foreground" | "Orphan" | undefined;
  readonly uid: string | undefined;
  readonly resourceVersion: string | undefined;
}

const deletionType = builtInType("io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions");

/** Options of a delete, from its body and its query. Throws a refusal in the server's words. */
export function deletionOptions(body: unknown, query: Query, user: User = ownUser): DeletionOptions {
  const options = decodedDeletion(body);
  const { uid, resourceVersion } = fieldsOf(options.preconditions);
  const grace = options.gracePeriodSeconds ?? integerIn(query.gracePeriodSeconds);
  const policy = options.propagationPolicy ?? query.propagationPolicy;
  const orphans =
    options.orphanDependents ??
    (query.orphanDependents === undefined ? undefined : isSet(query.orphanDependents));
  const dryRun = listOf(options.dryRun ?? (query.dryRun ? [query.dryRun] : []));
  const errors: FieldError[] = [];
  if (policy !== undefined && orphans !== undefined) {
    const why = "orphanDependents and deletionPropagation cannot be both set";
    errors.push(fieldError.invalid("propagationPolicy", policy, why));
  }
  if (!isPolicy(policy)) {
    const supported = ["Foreground", "Background", "Orphan", "nil"];
    errors.push(fieldError.notSupported("propagationPolicy", policy, supported));
  }
  if (dryRun.some((text) => text !== "All")) errors.push(fieldError.notSupported("dryRun", dryRun, ["All"]));
  if (errors.length > 0) throw invalidOption("DeleteOptions", ...errors);
  return {
    dryRun: dryRun.length > 0,
    user,
    gracePeriodSeconds: typeof grace === "number" ? grace : undefined,
    propagationPolicy: isPolicy(policy) ? (policy ?? (orphans === true ? "Orphan" : undefined)) : undefined,
    uid: typeof uid === "string" ? uid : undefined,
    resourceVersion: typeof resourceVersion === "string" ? resourceVersion : undefined,
  };
}

function isPolicy(policy: unknown): policy is DeletionOptions["propagationPolicy"] {
  return policy === undefined || policy === "Background" || policy === "Foreground" || policy === "Orphan";
}

// The server calls it a failure of its own when they cannot be read.
function decodedDeletion(body: unknown): Fields {
  const sent = body ?? {};
  const kind = textOf(fieldsOf(sent).kind);
  if (kind !== "" && kind !== "DeleteOptions") {
    const version = JSON.stringify(textOf(fieldsOf(sent).apiVersion));
    throw serverError(
      `no kind ${JSON.stringify(kind)} is registered for version ${version} in scheme "pkg/runtime/scheme.go:110"`,
    );
  }
  try {
    return fieldsOf(decode(deletionType, sent));
  } catch (error) {
    if (error instanceof Undecodable) throw serverError(error.message);
    throw error;
  }
}
