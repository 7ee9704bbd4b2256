import { isIP } from "node:net";
import { equalJson } from "../../../api/equal-json.ts";
import { canonicalJson, type Fields, fieldsOf, isFields, ownValue } from "../json.ts";
import { type FieldError, fieldError } from "../refusal.ts";
import type { Schema } from "../resource-info.ts";
import { customType } from "./custom-type.ts";
import { patternOf } from "./pattern.ts";
import { fieldOf, type ListType, type ObjectType, type StructuralType } from "./structural-type.ts";

// More are of no use to anybody, and cost time in a list of a hundred thousand bad elements.
const mostErrors = 100;

/**
 * What a value breaks of its custom type, in the server's words. Rules in CEL (`x-kubernetes-validations`) stand elsewhere (`cel/`).
 *
 * @param old what was there before: a part that is as it was is not judged again, since the schema may have become stricter.
 */
export function typeErrors(value: unknown, type: StructuralType, path = "", old?: unknown): FieldError[] {
  const { checks } = type;
  // Built-in parts have rules of their own.
  if (checks === undefined || (old !== undefined && equalJson(value, old))) return [];
  if (value === null) {
    return checks.nullable === true ? [] : [wrongType(path, "null", checks.type ?? "object")];
  }
  const unfit = typeError(value, checks, path);
  if (unfit !== undefined) return [unfit];
  const errors = [...valueErrors(value, checks, path), ...combinationErrors(value, checks, path)];
  if (Array.isArray(value) && type.is === "list")
    return [...errors, ...listErrors(value, type, checks, path, old)];
  if (isFields(value) && type.is === "object")
    return [...errors, ...fieldsErrors(value, type, checks, path, fieldsOf(old))];
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

const allowed = new WeakMap<readonly unknown[], ReadonlySet<string>>();

function allowedBy(values: readonly unknown[]): ReadonlySet<string> {
  let texts = allowed.get(values);
  if (texts === undefined) {
    texts = new Set(values.map(canonicalJson));
    allowed.set(values, texts);
  }
  return texts;
}

function valueErrors(value: unknown, schema: Schema, path: string): FieldError[] {
  if (schema.enum !== undefined && !allowedBy(schema.enum).has(canonicalJson(value))) {
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
      errors.push(fieldError.tooLong(path, schema.maxLength));
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

function listErrors(
  list: readonly unknown[],
  type: ListType,
  checks: Schema,
  path: string,
  old: unknown,
): FieldError[] {
  const errors: FieldError[] = [];
  const before = sameElements(type, old);
  for (const [index, element] of list.entries()) {
    if (errors.length >= mostErrors) break;
    errors.push(...typeErrors(element, type.element, `${path}[${index}]`, before?.get(keyOf(element, type))));
  }
  if (checks.maxItems !== undefined && list.length > checks.maxItems) {
    errors.push(fieldError.tooMany(path, list.length, checks.maxItems));
  }
  if (checks.minItems !== undefined && list.length < checks.minItems) {
    errors.push(
      fieldError.invalid(path, list.length, `${path} in body should have at least ${checks.minItems} items`),
    );
  }
  return [...errors, ...duplicateErrors(list, type, path)];
}

/** The elements that were there before by their keys; those of other lists cannot be told apart. */
function sameElements(type: ListType, old: unknown): ReadonlyMap<string, unknown> | undefined {
  if (type.listType !== "map" || !Array.isArray(old)) return undefined;
  return new Map(old.map((element) => [keyOf(element, type), element]));
}

/** What an element of a list is told apart by. */
function keyOf(element: unknown, type: ListType): string {
  if (type.listType !== "map" || !isFields(element)) return canonicalJson(element);
  return canonicalJson(idOf(element, type));
}

function idOf(element: Fields, { keys, element: type }: ListType): Fields {
  return Object.fromEntries(keys.map((key) => [key, ownValue(element, key) ?? fieldOf(type, key)?.default]));
}

function duplicateErrors(list: readonly unknown[], type: ListType, path: string): FieldError[] {
  if (type.listType === "atomic" && type.checks?.uniqueItems !== true) return [];
  const seen = new Set<string>();
  return list.flatMap((element, index) => {
    const key = keyOf(element, type);
    if (!seen.has(key)) {
      seen.add(key);
      return [];
    }
    const id = type.listType === "map" && isFields(element) ? idOf(element, type) : element;
    return [fieldError.duplicate(`${path}[${index}]`, id)];
  });
}

function fieldsErrors(
  fields: Fields,
  type: ObjectType,
  checks: Schema,
  path: string,
  old: Fields,
): FieldError[] {
  const at = (key: string): string => (path === "" ? key : `${path}.${key}`);
  const errors: FieldError[] = [];
  const count = Object.keys(fields).length;
  const { maxProperties, minProperties, required = [] } = checks;
  if (maxProperties !== undefined && count > maxProperties) {
    const why = `${path} in body should have at most ${maxProperties} properties`;
    errors.push(fieldError.invalid(path, count, why));
  }
  if (minProperties !== undefined && count < minProperties) {
    const why = `${path} in body should have at least ${minProperties} properties`;
    errors.push(fieldError.invalid(path, count, why));
  }
  for (const [key, value] of Object.entries(fields)) {
    if (errors.length >= mostErrors) break;
    const inner = fieldOf(type, key)?.type;
    if (inner !== undefined) errors.push(...typeErrors(value, inner, at(key), ownValue(old, key)));
  }
  const missing = required.filter((key) => ownValue(fields, key) === undefined);
  return [...errors, ...missing.map((key) => fieldError.required(at(key)))];
}

function combinationErrors(value: unknown, schema: Schema, path: string): FieldError[] {
  const errors = (schema.allOf ?? []).flatMap((each) => typeErrors(value, customType(each), path));
  const fits = (each: Schema): boolean => typeErrors(value, customType(each), path).length === 0;
  const wrong = (detail: string): FieldError =>
    fieldError.invalid(path, "", `${JSON.stringify(path)} ${detail}`);
  if (schema.anyOf !== undefined && !schema.anyOf.some(fits)) {
    errors.push(wrong("must validate at least one schema (anyOf)"));
  }
  const fitting = schema.oneOf?.filter(fits).length ?? 1;
  if (fitting !== 1) {
    const found = fitting > 1 ? "Found more than one" : "Found none valid";
    errors.push(wrong(`must validate one and only one schema (oneOf). ${found}`));
  }
  if (schema.not !== undefined && fits(schema.not)) errors.push(wrong("must not validate the schema (not)"));
  return errors;
}
