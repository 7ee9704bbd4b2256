/**
 * A structural OpenAPI v3 schema as custom resource definitions have it: every field has one type of its own, so that the
 * API server can refuse or prune unknown fields.
 */
export interface Schema {
  readonly type?: string;
  readonly format?: string;
  readonly description?: string;
  readonly default?: string | boolean;
  readonly pattern?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly additionalProperties?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly "x-kubernetes-int-or-string"?: boolean;
  readonly "x-kubernetes-preserve-unknown-fields"?: boolean;
  readonly "x-kubernetes-map-type"?: string;
  readonly "x-kubernetes-list-type"?: string;
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
  readonly "x-kubernetes-validations"?: readonly { readonly rule: string; readonly message: string }[];
}

export const string: Schema = { type: "string" };
export const boolean: Schema = { type: "boolean" };
export const int32: Schema = { type: "integer", format: "int32" };
export const int64: Schema = { type: "integer", format: "int64" };
/** A point in time, RFC 3339. */
export const time: Schema = { type: "string", format: "date-time" };
/** A count, or a share such as `25%`. */
export const intOrString: Schema = {
  anyOf: [{ type: "integer" }, { type: "string" }],
  "x-kubernetes-int-or-string": true,
};
/** Kubernetes' quantity: `2`, `500m`, `64Mi`. */
export const quantity: Schema = {
  ...intOrString,
  pattern:
    "^(\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))))?$",
};
/** Any value: what is inside belongs to somebody else. */
export const anything: Schema = { "x-kubernetes-preserve-unknown-fields": true };
/** Any object. */
export const anyObject: Schema = { type: "object", ...anything };

/** A field with what `kubectl explain` says of it. */
export function described(schema: Schema, description: string): Schema {
  return { ...schema, description };
}

/**
 * An object. `Known` are the keys of the wire type whose fields the schema must have, so that a field which Teal reads
 * cannot be missing here; the schema may have more.
 */
export function object<Known extends string = never>(
  fields: Readonly<Record<Known, Schema>> & Readonly<Record<string, Schema>>,
  ...required: readonly string[]
): Schema {
  return { type: "object", properties: fields, ...(required.length === 0 ? {} : { required }) };
}

export function array(items: Schema): Schema {
  return { type: "array", items };
}

/** An object with keys of any name. */
export function map(values: Schema): Schema {
  return { type: "object", additionalProperties: values };
}
