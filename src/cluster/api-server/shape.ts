import type { Schema } from "./resource-info.ts";
import { type Scalar, scalars } from "./scalars.ts";
import { components, presence, referencedName } from "./schema-data.ts";

/** A type of the built-in API, made ready for decoding. */
export type Shape =
  | { readonly is: "struct"; readonly name: string; readonly fields: ReadonlyMap<string, FieldShape> }
  | { readonly is: "list"; readonly element: Shape }
  | { readonly is: "map"; readonly element: Shape }
  | { readonly is: "scalar"; readonly scalar: Scalar }
  /** Any JSON value, kept as it is. */
  | { readonly is: "open" };

export interface FieldShape {
  readonly shape: Shape;
  /** `always` is shown when zero, `omitted` is left out when zero, `optional` is kept as sent. */
  readonly presence: "always" | "omitted" | "optional";
  readonly patchStrategy: readonly string[];
  readonly patchMergeKey: string | undefined;
}

const shapes = new Map<string, Shape>();

/** The shape of a component schema. */
export function shapeOf(schemaName: string): Shape {
  const known = shapes.get(schemaName);
  if (known !== undefined) return known;
  const schema = components[schemaName];
  if (schema === undefined) throw new Error(`schema data has no ${schemaName}`);
  if (schema.properties === undefined) {
    const shape = simpleShape(schemaName, schema);
    shapes.set(schemaName, shape);
    return shape;
  }
  const fields = new Map<string, FieldShape>();
  const shape: Shape = { is: "struct", name: schemaName, fields };
  // Known before its fields are, because types may contain themselves.
  shapes.set(schemaName, shape);
  const { always = [], omitted = [] } = presence[schemaName] ?? {};
  for (const [name, property] of Object.entries(schema.properties)) {
    fields.set(name, {
      shape: shapeOfSchema(property),
      presence: always.includes(name) ? "always" : omitted.includes(name) ? "omitted" : "optional",
      patchStrategy: property["x-kubernetes-patch-strategy"]?.split(",") ?? [],
      patchMergeKey: property["x-kubernetes-patch-merge-key"],
    });
  }
  return shape;
}

function shapeOfSchema(schema: Schema): Shape {
  const name = referencedName(schema);
  if (name !== undefined) return shapeOf(name);
  if (schema.type === "array") {
    return { is: "list", element: schema.items === undefined ? { is: "open" } : shapeOfSchema(schema.items) };
  }
  if (schema.type === "object" && typeof schema.additionalProperties === "object") {
    return { is: "map", element: shapeOfSchema(schema.additionalProperties) };
  }
  return simpleShape("", schema);
}

function simpleShape(name: string, schema: Schema): Shape {
  const type = scalarType(name, schema);
  return type === undefined ? { is: "open" } : { is: "scalar", scalar: scalars[type] };
}

function scalarType(name: string, { type = "", format }: Schema): keyof typeof scalars | undefined {
  if (name.endsWith(".MicroTime")) return "microTime";
  if (name.endsWith(".Quantity")) return "quantity";
  if (format === "int-or-string") return "intOrString";
  switch (type) {
    case "string":
      return format === "date-time" ? "time" : format === "byte" ? "bytes" : "string";
    case "boolean":
      return "bool";
    case "integer":
      return format === "int64" ? "int64" : "int32";
    case "number":
      return "double";
    default:
      return undefined;
  }
}
