import { fieldsOf, isFields } from "../json.ts";

/** Applies a JSON merge patch (RFC 7386): null takes a field away, lists are replaced. `target` is left as it is. */
export function applyMergePatch(target: unknown, patch: unknown): unknown {
  if (!isFields(patch)) return patch;
  // A map, because `__proto__` is a key like any other.
  const result = new Map(Object.entries(fieldsOf(target)));
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) result.delete(key);
    else result.set(key, applyMergePatch(result.get(key), value));
  }
  return Object.fromEntries(result);
}
