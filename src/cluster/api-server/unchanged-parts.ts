import { isFields } from "./json.ts";

/**
 * `next` with the very parts of `old` wherever they are the same. What is compared afterwards needs not be walked there, and
 * what is stored takes no room a second time. The very `old` when nothing differs.
 */
export function withUnchangedParts<T>(old: unknown, next: T): T {
  return shared(old, next) as T;
}

function shared(old: unknown, next: unknown): unknown {
  if (old === next) return old;
  if (Array.isArray(next)) {
    if (!Array.isArray(old)) return next;
    let isSame = old.length === next.length;
    const elements = next.map((element, index) => {
      const one = shared(old[index], element);
      if (one !== old[index]) isSame = false;
      return one;
    });
    return isSame ? old : elements;
  }
  if (!isPlain(next) || !isPlain(old)) return next;
  const keys = Object.keys(next);
  let isSame = keys.length === Object.keys(old).length;
  const fields: Record<string, unknown> = {};
  for (const key of keys) {
    if (key === "__proto__") return next;
    const before = Object.hasOwn(old, key) ? old[key] : undefined;
    const one = shared(before, next[key]);
    if (one !== before || before === undefined) isSame = false;
    fields[key] = one;
  }
  return isSame ? old : fields;
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return isFields(value) && Object.getPrototypeOf(value) === Object.prototype;
}
