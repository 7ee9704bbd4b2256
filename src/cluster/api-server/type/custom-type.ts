import type { Schema } from "../resource-info.ts";
import { builtInType, listTypeOf } from "./built-in-type.ts";
import { type Field, type ObjectType, plainField, type StructuralType } from "./structural-type.ts";

const text: StructuralType = { is: "scalar", scalar: undefined, checks: {} };

/** What every object has, whatever its schema says of it. */
const objectFields: readonly (readonly [string, Field])[] = [
  ["apiVersion", plainField(text)],
  ["kind", plainField(text)],
  ["metadata", plainField(builtInType("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"))],
];

const roots = new WeakMap<Schema, ObjectType>();

/** The type of a kind that a CustomResourceDefinition brings, by the schema of one of its versions. */
export function customKindType(schema: Schema): ObjectType {
  let type = roots.get(schema);
  if (type === undefined) {
    // Metadata has rules of its own, and is always there.
    const required = (schema.required ?? []).filter((field) => field !== "metadata");
    type = objectType({ ...schema, required, "x-kubernetes-embedded-resource": true });
    roots.set(schema, type);
  }
  return type;
}

const types = new WeakMap<Schema, StructuralType>();

/** The type of a part of a custom kind, by its schema. */
export function customType(schema: Schema): StructuralType {
  let type = types.get(schema);
  if (type === undefined) {
    type = typeOf(schema);
    types.set(schema, type);
  }
  return type;
}

function typeOf(schema: Schema): StructuralType {
  if (schema["x-kubernetes-int-or-string"] === true)
    return { is: "scalar", scalar: undefined, checks: schema };
  const { type, properties, additionalProperties, items } = schema;
  // What is within `allOf` and the like need not say its type.
  if (type === "object" || properties !== undefined || additionalProperties !== undefined)
    return objectType(schema);
  if (type === "array" || items !== undefined) {
    return {
      is: "list",
      element: customType(items ?? {}),
      listType: listTypeOf(schema),
      keys: schema["x-kubernetes-list-map-keys"] ?? [],
      checks: schema,
    };
  }
  return type === undefined
    ? { is: "open", checks: schema }
    : { is: "scalar", scalar: undefined, checks: schema };
}

function objectType(schema: Schema): ObjectType {
  const { properties = {}, additionalProperties } = schema;
  const fields = new Map(
    Object.entries(properties).map(([name, property]): [string, Field] => [
      name,
      plainField(customType(property), property.default),
    ]),
  );
  if (schema["x-kubernetes-embedded-resource"] === true)
    for (const [name, field] of objectFields) fields.set(name, field);
  return {
    is: "object",
    name: "",
    fields,
    further:
      typeof additionalProperties === "object"
        ? plainField(customType(additionalProperties), additionalProperties.default)
        : undefined,
    keepsUnknown: schema["x-kubernetes-preserve-unknown-fields"] === true || additionalProperties === true,
    isAtomic: schema["x-kubernetes-map-type"] === "atomic",
    checks: schema,
  };
}
