import { isFields } from "../json.ts";
import type { Schema } from "../resource-info.ts";
import { fieldSchema } from "./field-schema.ts";

/** Adds the defaults of a custom resource's schema, also inside objects that are there. Nulls give way to defaults. */
export function withSchemaDefaults(value: unknown, schema: Schema | undefined): unknown {
  if (schema === undefined) return value;
  if (Array.isArray(value)) return value.map((element) => withSchemaDefaults(element, schema.items));
  if (!isFields(value)) return value;
  const fields = new Map(Object.entries(value));
  for (const [key, property] of Object.entries(schema.properties ?? {})) {
    const inner = fields.get(key);
    if (inner !== undefined && (inner !== null || property.nullable === true)) continue;
    if (property.default === undefined) fields.delete(key);
    else fields.set(key, structuredClone(property.default));
  }
  return Object.fromEntries(
    [...fields].map(([key, inner]) => [key, withSchemaDefaults(inner, fieldSchema(schema, key))]),
  );
}
