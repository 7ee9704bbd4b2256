/** Whether two JSON values say the same: the order of fields does not count, and a field that is undefined is none. */
export function equalJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a)) {
    return (
      Array.isArray(b) && a.length === b.length && a.every((element, index) => equalJson(element, b[index]))
    );
  }
  if (Array.isArray(b)) return false;
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
  const has = (object: Record<string, unknown>, key: string): boolean =>
    Object.hasOwn(object, key) && object[key] !== undefined;
  return (
    Object.keys(a).every((key) => !has(left, key) || (has(right, key) && equalJson(left[key], right[key]))) &&
    Object.keys(b).every((key) => !has(right, key) || has(left, key))
  );
}
