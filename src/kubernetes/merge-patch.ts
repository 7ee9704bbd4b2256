import { equalJson } from "../api/equal-json.ts";

/**
 * The JSON merge patch (RFC 7396) that makes `to` of `from`: null for what is removed, arrays as a whole. Undefined when
 * there is nothing to change. An undefined field counts as absent.
 */
export function mergePatchBetween(from: object, to: object): object | undefined {
  const before = new Map<string, unknown>(Object.entries(from));
  const after = new Map<string, unknown>(Object.entries(to));
  const patch: Record<string, unknown> = {};
  for (const key of new Set([...before.keys(), ...after.keys()])) {
    const old = before.get(key);
    const wanted = after.get(key);
    if (equalJson(old, wanted)) continue;
    if (wanted === undefined) patch[key] = null;
    else
      patch[key] = isPlainObject(wanted)
        ? (mergePatchBetween(isPlainObject(old) ? old : {}, wanted) ?? {})
        : wanted;
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}

function isPlainObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
