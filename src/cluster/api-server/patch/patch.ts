import type { KubernetesObject } from "../../../api/core.ts";
import { type Fields, isFields } from "../json.ts";
import type { Kind } from "../kind.ts";
import { badRequest, Refusal, unsupportedMediaType } from "../refusal.ts";
import { applyJsonPatch, PatchFailed } from "./json-patch.ts";
import { applyMergePatch } from "./merge-patch.ts";
import { applyStrategicMergePatch } from "./strategic-merge-patch.ts";

type Patchable = Pick<Kind, "shape">;

type PatchForm = "json" | "merge" | "strategic";

/** Refuses (415) a form of patch that there is not, or not for this kind. */
export function checkPatchType(kind: Patchable, contentType: string): PatchForm {
  switch (contentType.split(";")[0]?.trim() ?? "") {
    case "application/json-patch+json":
      return "json";
    case "application/merge-patch+json":
      return "merge";
    case "application/strategic-merge-patch+json":
      if (kind.shape !== undefined) return "strategic";
      throw unsupportedMediaType(
        "the body of the request was in an unknown format - accepted media types include: " +
          "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
      );
    case "application/apply-patch+yaml":
      throw unsupportedMediaType("server-side apply is not offered yet: apply without --server-side");
    default:
      throw unsupportedMediaType(undefined, {});
  }
}

/** Applies a patch of any form to an object as shown to clients. Throws a `Refusal` in the server's words. */
export function applyPatch(
  kind: Patchable,
  object: KubernetesObject | Fields,
  patch: unknown,
  contentType: string,
): Fields {
  const patched = patchedBy(kind, object, patch, contentType);
  if (!isFields(patched)) throw badRequest("error decoding patch: the result is not an object");
  return patched;
}

function patchedBy(kind: Patchable, object: object, patch: unknown, contentType: string): unknown {
  switch (checkPatchType(kind, contentType)) {
    case "json":
      return jsonPatched(object, operationsOf(patch));
    case "merge":
      return applyMergePatch(object, patchFields(patch));
    case "strategic":
      return applyStrategicMergePatch(object, patchFields(patch), kind.shape ?? { is: "open" });
  }
}

function operationsOf(patch: unknown): readonly unknown[] {
  if (Array.isArray(patch)) return patch;
  throw badRequest(
    "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp",
  );
}

function jsonPatched(object: object, operations: readonly unknown[]): unknown {
  try {
    return applyJsonPatch(object, operations);
  } catch (error) {
    if (!(error instanceof PatchFailed)) throw error;
    throw new Refusal(422, "Invalid", "the server rejected our request due to an error in our request", {});
  }
}

function patchFields(patch: unknown): Fields {
  if (isFields(patch)) return patch;
  throw badRequest("error decoding patch: json: cannot unmarshal the patch into an object");
}
