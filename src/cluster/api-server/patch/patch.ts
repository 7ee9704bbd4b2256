import type { KubernetesObject } from "../../../api/core.ts";
import { deepestNesting, type Fields, isDeeperThan, isFields } from "../json.ts";
import { badRequest, Refusal, unsupportedMediaType } from "../refusal.ts";
import type { StructuralType } from "../type/structural-type.ts";
import { applyJsonPatch, PatchFailed } from "./json-patch.ts";
import { applyMergePatch } from "./merge-patch.ts";
import { applyStrategicMergePatch } from "./strategic-merge-patch.ts";

/** What can be patched: a built-in kind in all forms, a custom one in two. */
interface Patchable {
  readonly info: { readonly custom: boolean };
  readonly type: StructuralType;
}

type PatchForm = "json" | "merge" | "strategic";

/** Refuses (415) a form of patch that there is not, or not for this kind. */
export function checkPatchType(kind: Patchable, contentType: string): PatchForm {
  switch (contentType.split(";")[0]?.trim() ?? "") {
    case "application/json-patch+json":
      return "json";
    case "application/merge-patch+json":
      return "merge";
    case "application/strategic-merge-patch+json":
      if (!kind.info.custom) return "strategic";
      throw unsupportedMediaType(
        "the body of the request was in an unknown format - accepted media types include: " +
          "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
      );
    default:
      throw unsupportedMediaType(undefined, {});
  }
}

/** What a PUT, POST or PATCH carries. */
export interface SentChange {
  readonly body: unknown;
  /** The form of a patch; undefined for a whole object. */
  readonly patchType?: string | undefined;
}

/** What a patch makes of an object. */
export interface Patched {
  readonly object: Fields;
  /** What of the patch itself nobody reads. */
  readonly unknown: readonly string[];
}

/** Applies a patch of any form to an object as shown to clients. Throws a `Refusal` in the server's words. */
export function applyPatch(
  type: Patchable,
  object: KubernetesObject | Fields,
  patch: unknown,
  contentType: string,
): Patched {
  const form = checkPatchType(type, contentType);
  const operations = form === "json" ? operationsOf(patch) : [];
  const patched =
    form === "json" ? jsonPatched(object, operations) : mergePatched(type, form, object, fieldsIn(patch));
  if (!isFields(patched)) throw badRequest("error decoding patch: the result is not an object");
  if (isDeeperThan(patched))
    throw badRequest(`the patched object is nested more than ${deepestNesting} deep`);
  return { object: patched, unknown: unknownIn(operations) };
}

function mergePatched(type: Patchable, form: "merge" | "strategic", object: object, patch: Fields): unknown {
  return form === "merge"
    ? applyMergePatch(object, patch)
    : applyStrategicMergePatch(object, patch, type.type);
}

function jsonPatched(object: object, operations: readonly Fields[]): unknown {
  try {
    return applyJsonPatch(object, operations);
  } catch (error) {
    if (!(error instanceof PatchFailed)) throw error;
    throw new Refusal(422, "Invalid", "the server rejected our request due to an error in our request", {});
  }
}

// As many as a real API server takes.
const mostOperations = 10_000;

function operationsOf(patch: unknown): readonly Fields[] {
  if (!Array.isArray(patch)) throw undecodablePatch(patch, "value of type []handlers.jsonPatchOp");
  if (patch.length > mostOperations) {
    const why = `The allowed maximum operations in a JSON patch is ${mostOperations}, got ${patch.length}`;
    throw new Refusal(413, "RequestEntityTooLarge", `Request entity too large: ${why}`);
  }
  for (const operation of patch) {
    // Read as an operation without anything, which cannot be done.
    if (operation === null) continue;
    if (!isFields(operation)) throw undecodablePatch(operation, "value of type handlers.jsonPatchOp");
    for (const field of ["op", "path", "from"]) {
      const value = operation[field] ?? "";
      if (typeof value === "string") continue;
      throw undecodablePatch(value, `struct field jsonPatchOp.${field} of type string`);
    }
  }
  return patch;
}

const operationFields = new Set(["op", "path", "from", "value"]);

function unknownIn(operations: readonly Fields[]): readonly string[] {
  return operations.flatMap((operation, index) =>
    Object.keys(operation ?? {})
      .filter((field) => !operationFields.has(field))
      .map((field) => `json patch unknown field ${JSON.stringify(`[${index}].${field}`)}`),
  );
}

function fieldsIn(patch: unknown): Fields {
  if (isFields(patch)) return patch;
  throw undecodablePatch(patch, "value of type map[string]interface {}");
}

function undecodablePatch(value: unknown, goPlace: string): Refusal {
  const found = Array.isArray(value)
    ? "array"
    : isFields(value)
      ? "object"
      : typeof value === "boolean"
        ? "bool"
        : typeof value;
  return badRequest(`error decoding patch: json: cannot unmarshal ${found} into Go ${goPlace}`);
}
