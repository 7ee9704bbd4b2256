import { Buffer } from "node:buffer";
import type { Environment } from "@marcbachmann/cel-js";
import { type Fields, fieldsOf, listOf, ownValue } from "../json.ts";
import type { Schema } from "../resource-info.ts";
import { StructuredValue } from "./equal-values.ts";

/** How expressions see the values of one schema. https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-expression */
export interface ValueType {
  /** As the library writes types: `int`, `list<object3>`. */
  readonly name: string;
  /** The value that expressions work with. The JSON value must fit the schema. */
  valueOf(json: unknown): unknown;
}

const text: ValueType = { name: "string", valueOf: (json) => json };
const integer: ValueType = { name: "int", valueOf: (json) => BigInt(json as number) };
const number: ValueType = { name: "double", valueOf: (json) => json };
const truth: ValueType = { name: "bool", valueOf: (json) => json };
const either: ValueType = {
  name: "dyn",
  valueOf: (json) => (typeof json === "number" ? BigInt(json) : json),
};
const time: ValueType = {
  name: "google.protobuf.Timestamp",
  valueOf: (json) => new Date(json as string),
};
const bytes: ValueType = {
  name: "bytes",
  valueOf: (json) => new Uint8Array(Buffer.from(json as string, "base64")),
};

/** Fields of metadata that rules may look at. */
const metadata: Schema = {
  type: "object",
  properties: { name: { type: "string" }, generateName: { type: "string" } },
};

const objectFields: Readonly<Record<string, Schema>> = {
  apiVersion: { type: "string" },
  kind: { type: "string" },
  metadata,
};

/** The types of one schema and of all within it, declared in one environment. */
export class ValueTypes {
  readonly environment: Environment;
  readonly #bySchema = new Map<Schema, ValueType | undefined>();
  readonly #duration: ValueType;
  #count = 0;

  constructor(parent: Environment) {
    this.environment = parent.clone();
    const parse = parent.clone().registerVariable("text", "string").parse("duration(text)");
    this.#duration = {
      name: "google.protobuf.Duration",
      // A rule that looks at a text that is no duration has no value.
      valueOf: (json) => (isDuration(json) ? (parse({ text: json }) as unknown) : json),
    };
  }

  /** Undefined for values that rules cannot look at. */
  of(schema: Schema): ValueType | undefined {
    if (!this.#bySchema.has(schema)) this.#bySchema.set(schema, this.#typeOf(schema));
    return this.#bySchema.get(schema);
  }

  /** The type of a whole custom resource. */
  ofRoot(schema: Schema): ValueType | undefined {
    return this.of(withObjectFields(schema));
  }

  #typeOf(schema: Schema): ValueType | undefined {
    if (schema["x-kubernetes-int-or-string"] === true) return either;
    switch (schema.type ?? "") {
      case "integer":
        return integer;
      case "number":
        return number;
      case "boolean":
        return truth;
      case "string":
        return this.#textType(schema.format);
      case "array":
        return this.#listType(schema.items);
      case "object":
        return typeof schema.additionalProperties === "object"
          ? this.#mapType(schema.additionalProperties)
          : this.#objectType(schema);
      default:
        return undefined;
    }
  }

  #textType(format: string | undefined): ValueType {
    if (format === "duration") return this.#duration;
    if (format === "date" || format === "date-time") return time;
    return format === "byte" ? bytes : text;
  }

  #listType(items: Schema | undefined): ValueType | undefined {
    const element = items === undefined ? undefined : this.of(items);
    if (element === undefined) return undefined;
    return {
      name: `list<${element.name}>`,
      valueOf: (json) => listOf(json).map((each) => element.valueOf(each)),
    };
  }

  #mapType(schema: Schema): ValueType | undefined {
    const inner = this.of(schema);
    if (inner === undefined) return undefined;
    return {
      name: `map<string, ${inner.name}>`,
      valueOf: (json) =>
        new Map(Object.entries(fieldsOf(json)).map(([key, value]) => [key, inner.valueOf(value)])),
    };
  }

  #objectType(schema: Schema): ValueType {
    const whole = schema["x-kubernetes-embedded-resource"] === true ? withObjectFields(schema) : schema;
    const fields = Object.entries(whole.properties ?? {}).flatMap(([key, property]) => {
      const type = this.of(property);
      const name = escapedName(key);
      return type === undefined || name === undefined ? [] : [{ key, name, type }];
    });
    this.#count += 1;
    const name = `object${this.#count}`;
    // A class of its own is how the library tells types apart.
    const made = class extends StructuredValue {};
    this.environment.registerType(name, {
      ctor: made,
      fields: Object.fromEntries(fields.map((field) => [field.name, field.type.name])),
    });
    this.environment.registerOperator(`${name} == ${name}`, (a: StructuredValue, b: StructuredValue) =>
      StructuredValue.equal(a, b),
    );
    return {
      name,
      valueOf: (json) => {
        const value = new made(json) as StructuredValue & Record<string, unknown>;
        for (const field of fields) {
          const inner = ownValue(json as Fields, field.key);
          if (inner !== undefined && inner !== null) value[field.name] = field.type.valueOf(inner);
        }
        return value;
      },
    };
  }
}

const withFields = new WeakMap<Schema, Schema>();

function withObjectFields(schema: Schema): Schema {
  let whole = withFields.get(schema);
  if (whole === undefined) {
    const { "x-kubernetes-embedded-resource": _embedded, ...rest } = schema;
    whole = { ...rest, type: "object", properties: { ...schema.properties, ...objectFields } };
    withFields.set(schema, whole);
  }
  return whole;
}

const reserved = new Set(
  (
    "true false null in as break const continue else for function if import let loop package namespace " +
    "return var void while"
  ).split(" "),
);

/** A field as expressions call it; undefined for one that they cannot. */
function escapedName(key: string): string | undefined {
  if (reserved.has(key)) return `__${key}__`;
  // What every object of JavaScript has would be found where it was not sent.
  if (!/^[A-Za-z_.\-/][A-Za-z0-9_.\-/]*$/.test(key) || key in Object.prototype) return undefined;
  return key
    .replaceAll("__", "__underscores__")
    .replaceAll(".", "__dot__")
    .replaceAll("-", "__dash__")
    .replaceAll("/", "__slash__");
}

/** Whether a value is a duration as Go writes it: `1h30m`, `-1.5s`. https://pkg.go.dev/time#ParseDuration */
function isDuration(value: unknown): boolean {
  return typeof value === "string" && /^[-+]?((\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))+$/.test(value);
}
