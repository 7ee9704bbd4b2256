import type { ResourceInfo, Schema } from "../../resource-info.ts";
import { components } from "../../schema-data.ts";
import { customName, customSchema } from "./schemas.ts";

/** What OpenAPI v2 has no words for, or a real API server leaves out of its document. */
const leftOut = new Set(["default", "nullable", "oneOf", "anyOf", "allOf", "not"]);

/**
 * The kinds in the words of OpenAPI v2, under the names that they have in v3. As a real API server does it (measured on 1.34):
 * where a value may be of several types or anything, no type is said at all, as old clients would refuse what they do not expect.
 */
export function version2SchemasOf(resources: readonly ResourceInfo[]): Readonly<Record<string, object>> {
  const custom = resources
    .filter((resource) => resource.custom)
    .map((resource): [string, object] => [customName(resource), customDefinition(resource)]);
  const builtIn = Object.entries(components).map(([name, schema]): [string, object] => [name, part(schema)]);
  return Object.fromEntries([...builtIn, ...custom].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** One that takes any field says none, for the same reason. */
function customDefinition(resource: ResourceInfo): object {
  const { properties, ...schema } = customSchema(resource);
  if (schema["x-kubernetes-preserve-unknown-fields"] !== true)
    return inVersion2({ ...schema, properties: properties ?? {} });
  return {
    type: "object",
    "x-kubernetes-group-version-kind": schema["x-kubernetes-group-version-kind"],
  };
}

function part(schema: Schema): object {
  // Quantities and ports: numbers too, which v2 cannot say.
  return schema.oneOf === undefined ? inVersion2(schema) : { ...inVersion2(schema), type: "string" };
}

function inVersion2(schema: Schema): object {
  const { type, items, properties, required, additionalProperties, $ref, ...others } = schema;
  const isOpen = schema.nullable === true || schema["x-kubernetes-preserve-unknown-fields"] === true;
  const needed = required?.filter((name) => properties?.[name]?.nullable !== true) ?? [];
  return {
    ...Object.fromEntries(Object.entries(others).filter(([key]) => !leftOut.has(key))),
    ...($ref === undefined ? {} : { $ref: $ref.replace("#/components/schemas/", "#/definitions/") }),
    ...(type === undefined || isOpen ? {} : { type }),
    ...(items === undefined || isOpen ? {} : { items: inVersion2(items) }),
    ...(properties === undefined || isOpen
      ? {}
      : {
          properties: Object.fromEntries(
            Object.entries(properties).map(([name, property]) => [name, inVersion2(property)]),
          ),
        }),
    ...(needed.length === 0 ? {} : { required: needed }),
    ...(additionalProperties === undefined
      ? {}
      : {
          additionalProperties:
            typeof additionalProperties === "object"
              ? inVersion2(additionalProperties)
              : additionalProperties,
        }),
  };
}
