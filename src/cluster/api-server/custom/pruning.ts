import { decode } from "../decode.ts";
import { isFields } from "../json.ts";
import type { Schema } from "../resource-info.ts";
import { shapeOf } from "../shape.ts";

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
  const result: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) {
    const innerPath = path === "" ? key : `${path}.${key}`;
    const property = schema.properties?.[key];
    if (property !== undefined) result[key] = pruneValue(inner, property, innerPath, unknown);
    else if (isEmbedded && ["apiVersion", "kind", "metadata"].includes(key))
      result[key] = structuredClone(inner);
    else if (typeof schema.additionalProperties === "object") {
      result[key] = pruneValue(inner, schema.additionalProperties, innerPath, unknown);
    } else if (
      schema["x-kubernetes-preserve-unknown-fields"] === true ||
      schema.additionalProperties === true
    ) {
      result[key] = structuredClone(inner);
    } else unknown.push(innerPath);
  }
  return result;
}
