import type { ResourceInfo, Schema } from "../../resource-info.ts";
import { components, referencedName, schemaNameOf } from "../../schema-data.ts";

const objectMeta = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
const reference = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });

/** The schemas of some resources' kinds, by name, with all that these refer to. */
export function schemasOf(resources: readonly ResourceInfo[]): Readonly<Record<string, Schema>> {
  const found = new Map<string, Schema>();
  for (const resource of resources) {
    if (resource.custom) add(found, customName(resource), customSchema(resource));
    else addComponent(found, schemaNameOf(resource.group, resource.version, resource.kind));
  }
  return Object.fromEntries([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function addComponent(found: Map<string, Schema>, name: string): void {
  const schema = components[name];
  if (schema === undefined) throw new Error(`schema data has no ${name}`);
  if (!found.has(name)) add(found, name, schema);
}

function add(found: Map<string, Schema>, name: string, schema: Schema): void {
  found.set(name, schema);
  for (const referred of referencesIn(schema)) addComponent(found, referred);
}

function referencesIn(schema: Schema): readonly string[] {
  const { properties = {}, items, additionalProperties, allOf = [], anyOf = [], oneOf = [] } = schema;
  const parts = [...Object.values(properties), ...allOf, ...anyOf, ...oneOf];
  if (items !== undefined) parts.push(items);
  if (typeof additionalProperties === "object") parts.push(additionalProperties);
  const own = referencedName(schema);
  return [...(own === undefined ? [] : [own]), ...parts.flatMap(referencesIn)];
}

/** `com.example.v1.Widget`. */
export function customName({ group, version, kind }: ResourceInfo): string {
  return [...group.split(".").reverse(), version, kind].join(".");
}

/** A custom kind's own schema, with the fields that every object has. */
export function customSchema({ group, version, kind, schema }: ResourceInfo): Schema {
  const properties: Readonly<Record<string, Schema>> = {
    ...schema?.properties,
    apiVersion: { type: "string" },
    kind: { type: "string" },
    metadata: reference(objectMeta),
  };
  return {
    ...(schema ?? { "x-kubernetes-preserve-unknown-fields": true }),
    type: "object",
    properties,
    "x-kubernetes-group-version-kind": [{ group, version, kind }],
  };
}
