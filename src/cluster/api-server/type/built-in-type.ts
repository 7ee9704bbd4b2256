import type { Schema } from "../resource-info.ts";
import { scalars } from "../scalars.ts";
import { components, presence, referencedName } from "../schema-data.ts";
import { type Field, type ListType, openType, plainField, type StructuralType } from "./structural-type.ts";

const types = new Map<string, StructuralType>();

/** The type of a component schema (`io.k8s.api.core.v1.Pod`). */
export function builtInType(schemaName: string): StructuralType {
  const known = types.get(schemaName);
  if (known !== undefined) return known;
  const schema = components[schemaName];
  if (schema === undefined) throw new Error(`schema data has no ${schemaName}`);
  if (schema.properties === undefined) {
    const type = simpleType(schemaName, schema);
    types.set(schemaName, type);
    return type;
  }
  const fields = new Map<string, Field>();
  const type = objectType(schemaName, schema, fields);
  // Known before its fields are, because types may contain themselves.
  types.set(schemaName, type);
  const { always = [], omitted = [] } = presence[schemaName] ?? {};
  for (const [name, property] of Object.entries(schema.properties)) {
    fields.set(name, {
      type: typeOf(property),
      presence: always.includes(name) ? "always" : omitted.includes(name) ? "omitted" : "optional",
      default: property.default,
      patchStrategy: property["x-kubernetes-patch-strategy"]?.split(",") ?? [],
      patchMergeKey: property["x-kubernetes-patch-merge-key"],
    });
  }
  return type;
}

function objectType(
  name: string,
  schema: Schema,
  fields: ReadonlyMap<string, Field>,
  further?: Field,
): StructuralType {
  const isAtomic = schema["x-kubernetes-map-type"] === "atomic";
  return { is: "object", name, fields, further, keepsUnknown: false, isAtomic, checks: undefined };
}

function typeOf(schema: Schema): StructuralType {
  const name = referencedName(schema);
  if (name !== undefined) return withMapType(builtInType(name), schema);
  if (schema.type === "array") {
    return {
      is: "list",
      element: schema.items === undefined ? openType : typeOf(schema.items),
      listType: listTypeOf(schema),
      keys: schema["x-kubernetes-list-map-keys"] ?? [],
      checks: undefined,
    };
  }
  if (schema.type === "object" && typeof schema.additionalProperties === "object") {
    return objectType("", schema, new Map(), plainField(typeOf(schema.additionalProperties)));
  }
  return simpleType("", schema);
}

/** What a schema says of lists: atomic where it says nothing. */
export function listTypeOf(schema: Schema): ListType["listType"] {
  const listType = schema["x-kubernetes-list-type"];
  return listType === "set" || listType === "map" ? listType : "atomic";
}

// A reference may say more than what it refers to.
function withMapType(type: StructuralType, reference: Schema): StructuralType {
  const mapType = reference["x-kubernetes-map-type"];
  return mapType === undefined || type.is !== "object" ? type : { ...type, isAtomic: mapType === "atomic" };
}

function simpleType(name: string, schema: Schema): StructuralType {
  const type = scalarType(name, schema);
  return type === undefined ? openType : { is: "scalar", scalar: scalars[type], checks: undefined };
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
