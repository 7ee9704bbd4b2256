import data from "./data/pod-schemas.json" with { type: "json" };
import { anything, intOrString, map, object, quantity, type Schema, string, time } from "./schema.ts";

/** A schema of Kubernetes' own, in which a type may be referred to by name. */
interface PodSchema extends Omit<Schema, "properties" | "items" | "additionalProperties"> {
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, PodSchema>>;
  readonly items?: PodSchema;
  readonly additionalProperties?: PodSchema;
}

const podSchemas: Readonly<Record<string, PodSchema>> = data.schemas;

const scalars: Readonly<Record<string, Schema>> = {
  IntOrString: intOrString,
  Quantity: quantity,
  Time: time,
};

// Kinds of volumes come and go with Kubernetes' versions and drivers; who runs a newer Kubernetes keeps its fields.
const openFields: Readonly<Record<string, readonly string[]>> = {
  PodSpec: ["volumes"],
  ResourceRequirements: ["limits", "requests"],
};

/** Labels and annotations that are put on pods and nothing else of their metadata. */
export const labelsAndAnnotations: Schema = object({ annotations: map(string), labels: map(string) });

/** The template of pods: labels, annotations and the whole PodSpec. */
export const podTemplate: Schema = object({ metadata: labelsAndAnnotations, spec: named("PodSpec") });

export const labelSelector: Schema = named("LabelSelector");

function named(name: string): Schema {
  const scalar = scalars[name];
  if (scalar !== undefined) return scalar;
  const schema = podSchemas[name];
  if (schema === undefined) throw new Error(`data/pod-schemas.json has no ${name}`);
  return expand(schema, openFields[name]);
}

function expand(schema: PodSchema, open: readonly string[] = []): Schema {
  const { $ref, properties, items, additionalProperties, ...rest } = schema;
  if ($ref !== undefined) return named($ref);
  return {
    ...rest,
    ...(items === undefined ? {} : { items: expand(items) }),
    ...(additionalProperties === undefined ? {} : { additionalProperties: expand(additionalProperties) }),
    ...(properties === undefined ? {} : { properties: expandFields(properties, open) }),
  };
}

function expandFields(
  fields: Readonly<Record<string, PodSchema>>,
  open: readonly string[],
): Readonly<Record<string, Schema>> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [name, open.includes(name) ? anything : expand(field)]),
  );
}
