import { ownValue } from "../json.ts";
import type { Schema } from "../resource-info.ts";

/** The schema of a field of an object: the one under its name, else that of any further field; undefined without either. */
export function fieldSchema(
  { properties = {}, additionalProperties }: Schema,
  field: string,
): Schema | undefined {
  return (
    ownValue(properties, field) ??
    (typeof additionalProperties === "object" ? additionalProperties : undefined)
  );
}
