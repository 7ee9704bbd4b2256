import { fieldsOf, isFields } from "../json.ts";

/** Applies a JSON merge patch (RFC 7386): null takes a field away, lists are replaced. `target` is left as it is. */
export function applyMergePatch(target: unknown, patch: unknown): unknown {
  if (!isFields(patch)) return patch;
  const result: Record<string, unknown> = { ...fieldsOf(target) };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = applyMergePatch(result[key], value);
  }
  return result;
}
