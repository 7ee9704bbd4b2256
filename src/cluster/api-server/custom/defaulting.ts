import { isFields } from "../json.ts";
import type { Schema } from "../resource-info.ts";

/** Adds the defaults of a custom resource's schema, also inside objects that are there. Nulls give way to defaults. */
export function withSchemaDefaults(value: unknown, schema: Schema | undefined): unknown {
  if (schema === undefined) return value;
  if (Array.isArray(value)) return value.map((element) => withSchemaDefaults(element, schema.items));
  if (!isFields(value)) return value;
  const result: Record<string, unknown> = { ...value };
  for (const [key, property] of Object.entries(schema.properties ?? {})) {
    const inner = result[key];
    const isMissing = inner === undefined || (inner === null && property.nullable !== true);
    if (isMissing && property.default !== undefined) result[key] = structuredClone(property.default);
    if (inner === null && property.nullable !== true && property.default === undefined) delete result[key];
    if (result[key] !== undefined) result[key] = withSchemaDefaults(result[key], property);
  }
  if (typeof schema.additionalProperties === "object") {
    for (const [key, inner] of Object.entries(result)) {
      if (schema.properties?.[key] === undefined) {
        result[key] = withSchemaDefaults(inner, schema.additionalProperties);
      }
    }
  }
  return result;
}
