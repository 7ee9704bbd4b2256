import { decode } from "../decode.ts";
import { isFields } from "../json.ts";
import type { Schema } from "../resource-info.ts";
import { shapeOf } from "../shape.ts";
import { fieldSchema } from "./field-schema.ts";

const metaShape = shapeOf("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");

/**
 * A copy of a custom object without the fields that its schema does not know (`unknown` takes their paths). `apiVersion`, `kind`
 * and `metadata` belong to every object. Throws `Undecodable` for metadata of a wrong type.
 */
export function prune(
  object: Readonly<Record<string, unknown>>,
  schema: Schema | undefined,
  unknown: string[],
): Record<string, unknown> {
  const { apiVersion, kind, metadata, ...content } = object;
  const inner: string[] = [];
  const meta = metadata === undefined || metadata === null ? {} : decode(metaShape, metadata, inner);
  unknown.push(...inner.map((path) => `metadata.${path}`));
  const rest =
    schema === undefined
      ? structuredClone(content)
      : (pruneValue(content, withoutMeta(schema), "", unknown) as Record<string, unknown>);
  return { apiVersion, kind, metadata: meta, ...rest };
}

function withoutMeta(schema: Schema): Schema {
  const {
    apiVersion: _apiVersion,
    kind: _kind,
    metadata: _metadata,
    ...properties
  } = schema.properties ?? {};
  return { ...schema, properties };
}

function pruneValue(value: unknown, schema: Schema | undefined, path: string, unknown: string[]): unknown {
  if (schema === undefined) return structuredClone(value);
  if (Array.isArray(value)) {
    return value.map((element, index) => pruneValue(element, schema.items, `${path}[${index}]`, unknown));
  }
  if (!isFields(value)) return value;
  const isEmbedded = schema["x-kubernetes-embedded-resource"] === true;
  const keepsUnknown =
    schema["x-kubernetes-preserve-unknown-fields"] === true || schema.additionalProperties === true;
  const known = Object.entries(value).flatMap(([key, inner]): [string, unknown][] => {
    const innerPath = path === "" ? key : `${path}.${key}`;
    const innerSchema = fieldSchema(schema, key);
    if (innerSchema !== undefined) return [[key, pruneValue(inner, innerSchema, innerPath, unknown)]];
    if (keepsUnknown || (isEmbedded && ["apiVersion", "kind", "metadata"].includes(key)))
      return [[key, structuredClone(inner)]];
    unknown.push(innerPath);
    return [];
  });
  return Object.fromEntries(known);
}
