import { type Fields, fieldsOf, isFields, listOf, textOf } from "./json.ts";
import { badRequest, type FieldError, fieldError, invalidOption } from "./refusal.ts";

type Query = Readonly<Record<string, string>>;

export interface WriteOptions {
  readonly dryRun: boolean;
  readonly fieldValidation: "Ignore" | "Warn" | "Strict";
}

/** A whole number among the parameters of a request; undefined when it is not there. Throws a 400 refusal in the server's words. */
export function integerIn(text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  if (/^-?\d+$/.test(text)) return Number(text);
  throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
}

/** Options of a create, update or patch. Throws a 422 refusal in the server's words. */
export function writeOptions(
  kind: "CreateOptions" | "UpdateOptions" | "PatchOptions",
  query: Query,
): WriteOptions {
  const errors: FieldError[] = [];
  const { dryRun, fieldManager, fieldValidation = "", force } = query;
  if (force !== undefined) {
    errors.push(fieldError.forbidden("force", "may not be specified for non-apply patch"));
  }
  if (dryRun !== undefined && dryRun !== "" && dryRun !== "All") {
    errors.push(fieldError.notSupported("dryRun", [dryRun], ["All"]));
  }
  if (fieldManager !== undefined && Buffer.byteLength(fieldManager) > 128) {
    errors.push(fieldError.tooLong("fieldManager", 128));
  }
  if (!["", "Ignore", "Strict", "Warn"].includes(fieldValidation)) {
    errors.push(
      fieldError.notSupported("fieldValidation", fieldValidation, ["", "Ignore", "Strict", "Warn"]),
    );
  }
  if (errors.length > 0) throw invalidOption(kind, ...errors);
  const mode = fieldValidation === "Ignore" || fieldValidation === "Strict" ? fieldValidation : "Warn";
  return { dryRun: dryRun === "All", fieldValidation: mode };
}

export interface DeletionOptions {
  readonly dryRun: boolean;
  readonly gracePeriodSeconds: number | undefined;
  readonly propagationPolicy: "Background" | "Foreground" | "Orphan" | undefined;
  readonly uid: string | undefined;
  readonly resourceVersion: string | undefined;
}

/** Options of a delete, from its body and its query. Throws a 422 refusal in the server's words. */
export function deletionOptions(body: unknown, query: Query): DeletionOptions {
  const options: Fields = isFields(body) ? body : {};
  const preconditions = fieldsOf(options.preconditions);
  const grace = options.gracePeriodSeconds ?? integerIn(query.gracePeriodSeconds);
  const policy = options.propagationPolicy ?? query.propagationPolicy;
  const dryRun = listOf(options.dryRun)[0] ?? query.dryRun;
  if (policy !== undefined && policy !== "Background" && policy !== "Foreground" && policy !== "Orphan") {
    throw invalidOption(
      "DeleteOptions",
      fieldError.notSupported("propagationPolicy", policy, ["Foreground", "Background", "Orphan", "nil"]),
    );
  }
  if (dryRun !== undefined && dryRun !== "" && dryRun !== "All") {
    throw invalidOption("DeleteOptions", fieldError.notSupported("dryRun", [dryRun], ["All"]));
  }
  if (grace !== undefined && !Number.isInteger(grace)) {
    throw badRequest("DeleteOptions: gracePeriodSeconds is no whole number");
  }
  return {
    dryRun: dryRun === "All",
    gracePeriodSeconds: grace === undefined ? undefined : Number(grace),
    propagationPolicy: policy ?? (options.orphanDependents === true ? "Orphan" : undefined),
    uid: textOf(preconditions.uid) || undefined,
    resourceVersion: textOf(preconditions.resourceVersion) || undefined,
  };
}
