import { isFields } from "../json.ts";
import type { StructuralType } from "./structural-type.ts";

/** Adds the defaults of a custom type, also inside objects that are there. Nulls give way to defaults. */
export function withDefaults(value: unknown, type: StructuralType): unknown {
  // Built-in types have rules of their own.
  if (type.checks === undefined) return value;
  if (Array.isArray(value)) {
    if (type.is !== "list") return value;
    return value.map((element) => withDefaults(element, type.element));
  }
  if (!isFields(value) || type.is !== "object") return value;
  const fields = new Map(Object.entries(value));
  for (const [key, field] of type.fields) {
    const inner = fields.get(key);
    if (inner !== undefined && (inner !== null || field.type.checks?.nullable === true)) continue;
    if (field.default === undefined) fields.delete(key);
    else fields.set(key, structuredClone(field.default));
  }
  return Object.fromEntries(
    [...fields].map(([key, inner]) => {
      const field = type.fields.get(key) ?? type.further;
      return [key, field === undefined ? inner : withDefaults(inner, field.type)];
    }),
  );
}
