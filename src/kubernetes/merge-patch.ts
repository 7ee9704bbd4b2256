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
    if (isSame(old, wanted)) continue;
    if (wanted === undefined) patch[key] = null;
    else
      patch[key] = isPlainObject(wanted)
        ? (mergePatchBetween(isPlainObject(old) ? old : {}, wanted) ?? {})
        : wanted;
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}

/** Whether two JSON values say the same; the order of fields and undefined fields do not count. */
export function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, position) => isSame(item, b[position]));
  }
  if (!isPlainObject(a) || !isPlainObject(b)) return false;
  const left = new Map<string, unknown>(Object.entries(a));
  const right = new Map<string, unknown>(Object.entries(b));
  return [...new Set([...left.keys(), ...right.keys()])].every((key) =>
    isSame(left.get(key), right.get(key)),
  );
}

function isPlainObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
