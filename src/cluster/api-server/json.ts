/** A JSON object. */
export type Fields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value as an object; an empty one when it is none. */
export function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : {};
}

/** The value as a list; an empty one when it is none. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The objects of a list. */
export function fieldsIn(value: unknown): readonly Fields[] {
  return listOf(value).map(fieldsOf);
}

export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Sets `changes` on top; a key whose new value is undefined is taken away. */
export function withFields<T extends object>(object: T, changes: Fields): T {
  const result: Record<string, unknown> = { ...(object as Fields) };
  for (const [key, value] of Object.entries(changes)) {
    if (value === undefined) delete result[key];
    else result[key] = value;
  }
  return result as T;
}

/** The value of a key of its own: `constructor` and the like, which every object inherits, are nothing that was sent. */
export function ownValue<T>(fields: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(fields, key) ? fields[key] : undefined;
}

/** A text that is the same for equal JSON values, to find one among many. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    isFields(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner,
  );
}

/** The value at a path of fields. */
export function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (inner, field) => (isFields(inner) ? ownValue(inner, field) : undefined),
    value,
  );
}

/** A copy of `value` with `inner` at the path. */
export function withValueAt(value: unknown, path: readonly string[], inner: unknown): unknown {
  const [field, ...rest] = path;
  if (field === undefined) return inner;
  const fields = fieldsOf(value);
  return { ...fields, [field]: withValueAt(fields[field], rest, inner) };
}

/**
 * Objects and lists within one another: no real object comes near it, and everything that walks an object has room for it on
 * the stack. (A real API server reads ten times as many.)
 */
export const deepestNesting = 1000;

/** Whether a JSON value is nested more deeply than is taken. Takes no room on the stack. */
export function isDeeperThan(value: unknown, most = deepestNesting): boolean {
  let level = [value];
  for (let depth = 0; depth <= most; depth += 1) {
    level = level.flatMap((one) =>
      typeof one === "object" && one !== null ? (Object.values(one) as unknown[]) : [],
    );
    if (level.length === 0) return false;
  }
  return true;
}
