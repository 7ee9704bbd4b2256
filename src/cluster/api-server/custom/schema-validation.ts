import { isIP } from "node:net";
import { equalJson, isFields, ownValue } from "../json.ts";
import { type FieldError, fieldError } from "../refusal.ts";
import type { Schema } from "../resource-info.ts";
import { fieldSchema } from "./field-schema.ts";
import { patternOf } from "./pattern.ts";

/** What a custom object breaks of its schema, in the server's words. Rules in CEL (`x-kubernetes-validations`) are not looked at. */
export function schemaErrors(value: unknown, schema: Schema, path = ""): FieldError[] {
  if (value === null) {
    return schema.nullable === true ? [] : [wrongType(path, "null", schema.type ?? "object")];
  }
  const type = typeError(value, schema, path);
  if (type !== undefined) return [type];
  const errors = [...valueErrors(value, schema, path), ...combinationErrors(value, schema, path)];
  if (Array.isArray(value)) return [...errors, ...listErrors(value, schema, path)];
  if (isFields(value)) return [...errors, ...fieldsErrors(value, schema, path)];
  return errors;
}

function typeError(value: unknown, schema: Schema, path: string): FieldError | undefined {
  if (schema["x-kubernetes-int-or-string"] === true) {
    const fits = typeof value === "string" || Number.isInteger(value);
    return fits ? undefined : wrongType(path, nameOfType(value), "integer,string");
  }
  if (schema.type === undefined) return undefined;
  const found = nameOfType(value);
  const fits = found === schema.type || (schema.type === "number" && found === "integer");
  return fits ? undefined : wrongType(path, found, schema.type);
}

function nameOfType(value: unknown): string {
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value;
}

function wrongType(path: string, found: string, wanted: string): FieldError {
  return fieldError.type(path, found, `${path} in body must be of type ${wanted}: ${JSON.stringify(found)}`);
}

function valueErrors(value: unknown, schema: Schema, path: string): FieldError[] {
  if (schema.enum !== undefined && !schema.enum.some((allowed) => equalJson(allowed, value))) {
    return [fieldError.notSupported(path, value, schema.enum)];
  }
  const wrong = (detail: string): FieldError => fieldError.invalid(path, value, `${path} in body ${detail}`);
  const errors: FieldError[] = [];
  if (typeof value === "number") {
    const { minimum, maximum, multipleOf } = schema;
    if (minimum !== undefined && (schema.exclusiveMinimum === true ? value <= minimum : value < minimum)) {
      const bound = schema.exclusiveMinimum === true ? "greater than" : "greater than or equal to";
      errors.push(wrong(`should be ${bound} ${minimum}`));
    }
    if (maximum !== undefined && (schema.exclusiveMaximum === true ? value >= maximum : value > maximum)) {
      const bound = schema.exclusiveMaximum === true ? "less than" : "less than or equal to";
      errors.push(wrong(`should be ${bound} ${maximum}`));
    }
    if (multipleOf !== undefined && !Number.isInteger(value / multipleOf)) {
      errors.push(wrong(`should be a multiple of ${multipleOf}`));
    }
  }
  if (typeof value === "string") {
    const length = Array.from(value).length;
    if (schema.maxLength !== undefined && length > schema.maxLength) {
      errors.push(tooLong(path, schema.maxLength));
    }
    if (schema.minLength !== undefined && length < schema.minLength) {
      errors.push(wrong(`should be at least ${schema.minLength} chars long`));
    }
    if (schema.pattern !== undefined && patternOf(schema.pattern)?.test(value) === false) {
      errors.push(wrong(`should match '${schema.pattern}'`));
    }
    if (!hasFormat(value, schema.format)) {
      errors.push(wrong(`must be of type ${schema.format}: ${JSON.stringify(value)}`));
    }
  }
  return errors;
}

function tooLong(path: string, most: number): FieldError {
  const message = `Too long: may not be more than ${most} bytes`;
  return { field: path, reason: "FieldValueTooLong", message };
}

const rfc3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;

// Formats that a real server checks; others mean nothing.
function hasFormat(value: string, format: string | undefined): boolean {
  switch (format ?? "") {
    case "date-time":
      return rfc3339.test(value) && !Number.isNaN(Date.parse(value));
    case "date":
      return /^\d{4}-\d\d-\d\d$/.test(value) && !Number.isNaN(Date.parse(value));
    case "ipv4":
      return isIP(value) === 4;
    case "ipv6":
      return isIP(value) === 6;
    case "uuid":
      return /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i.test(value);
    default:
      return true;
  }
}

function listErrors(list: readonly unknown[], schema: Schema, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (schema.maxItems !== undefined && list.length > schema.maxItems) {
    errors.push(fieldError.tooMany(path, list.length, schema.maxItems));
  }
  if (schema.minItems !== undefined && list.length < schema.minItems) {
    errors.push(
      fieldError.invalid(path, list.length, `${path} in body should have at least ${schema.minItems} items`),
    );
  }
  const { items } = schema;
  if (items !== undefined) {
    for (const [index, element] of list.entries())
      errors.push(...schemaErrors(element, items, `${path}[${index}]`));
  }
  return [...errors, ...duplicateErrors(list, schema, path)];
}

function duplicateErrors(list: readonly unknown[], schema: Schema, path: string): FieldError[] {
  const listType = schema["x-kubernetes-list-type"];
  if (listType !== "set" && listType !== "map" && schema.uniqueItems !== true) return [];
  const keys = schema["x-kubernetes-list-map-keys"] ?? [];
  const seen = new Set<string>();
  return list.flatMap((element, index) => {
    const id =
      listType === "map" && isFields(element)
        ? Object.fromEntries(
            keys.map((key) => [key, element[key] ?? schema.items?.properties?.[key]?.default]),
          )
        : element;
    const text = JSON.stringify(id);
    if (seen.has(text)) return [fieldError.duplicate(`${path}[${index}]`, id)];
    seen.add(text);
    return [];
  });
}

function fieldsErrors(fields: Readonly<Record<string, unknown>>, schema: Schema, path: string): FieldError[] {
  const at = (key: string): string => (path === "" ? key : `${path}.${key}`);
  const errors: FieldError[] = [];
  const count = Object.keys(fields).length;
  if (schema.maxProperties !== undefined && count > schema.maxProperties) {
    errors.push(
      fieldError.invalid(
        path,
        count,
        `${path} in body should have at most ${schema.maxProperties} properties`,
      ),
    );
  }
  if (schema.minProperties !== undefined && count < schema.minProperties) {
    errors.push(
      fieldError.invalid(
        path,
        count,
        `${path} in body should have at least ${schema.minProperties} properties`,
      ),
    );
  }
  for (const [key, value] of Object.entries(fields)) {
    const inner = fieldSchema(schema, key);
    if (inner !== undefined) errors.push(...schemaErrors(value, inner, at(key)));
  }
  const missing = (schema.required ?? []).filter((key) => ownValue(fields, key) === undefined);
  return [...errors, ...missing.map((key) => fieldError.required(at(key)))];
}

function combinationErrors(value: unknown, schema: Schema, path: string): FieldError[] {
  const errors = (schema.allOf ?? []).flatMap((each) => schemaErrors(value, each, path));
  const fits = (each: Schema): boolean => schemaErrors(value, each, path).length === 0;
  const wrong = (detail: string): FieldError =>
    fieldError.invalid(path, "", `${JSON.stringify(path)} ${detail}`);
  if (schema.anyOf !== undefined && !schema.anyOf.some(fits)) {
    errors.push(wrong("must validate at least one schema (anyOf)"));
  }
  if (schema.oneOf !== undefined && schema.oneOf.filter(fits).length !== 1) {
    const found = schema.oneOf.some(fits) ? "Found more than one" : "Found none valid";
    errors.push(wrong(`must validate one and only one schema (oneOf). ${found}`));
  }
  if (schema.not !== undefined && fits(schema.not)) errors.push(wrong("must not validate the schema (not)"));
  return errors;
}
