import { isFields } from "../json.ts";
import { scalars } from "../scalars.ts";
import { fieldOf, openType, type StructuralType } from "../type/structural-type.ts";
import { type FieldSet, fieldSet, leaf } from "./field-set.ts";
import { elementName } from "./list-keys.ts";
import { pathText } from "./path-text.ts";

/** What an applied object says, and so what whoever applies it owns. `errors` takes what does not fit the type. */
export function appliedFields(type: StructuralType, value: unknown, errors: string[]): FieldSet | undefined {
  return read(type, value, [], errors);
}

type Path = readonly string[];

function read(type: StructuralType, value: unknown, path: Path, errors: string[]): FieldSet | undefined {
  if (value === null) return undefined;
  if (type.is === "open") return isFields(value) ? readFields(type, value, path, errors) : leaf;
  const problem = problemOf(type, value);
  if (problem !== undefined) {
    errors.push(`${pathText(path)}: ${problem}`);
    return undefined;
  }
  if (type.is === "scalar") return leaf;
  // Errors are looked for within what has one owner, too.
  if (Array.isArray(value) && type.is === "list") {
    if (type.listType !== "atomic") return readElements(type, value, path, errors);
    for (const [index, element] of value.entries())
      read(type.element, element, [...path, `i:${index}`], errors);
    return leaf;
  }
  if (type.is !== "object" || !isFields(value)) return undefined;
  const fields = readFields(type, value, path, errors);
  return type.isAtomic ? leaf : fields;
}

function readFields(
  type: StructuralType,
  value: Readonly<Record<string, unknown>>,
  path: Path,
  errors: string[],
): FieldSet | undefined {
  const children = new Map<string, FieldSet>();
  const isClosed = type.is === "object" && !type.keepsUnknown && type.further === undefined;
  const unknown = isClosed ? Object.keys(value).find((key) => !type.fields.has(key)) : undefined;
  if (unknown !== undefined) {
    // The server looks no further in this object.
    errors.push(`${pathText([...path, `f:${unknown}`])}: field not declared in schema`);
    return undefined;
  }
  for (const [key, inner] of Object.entries(value)) {
    const field = fieldOf(type, key);
    const innerPath = [...path, `f:${key}`];
    const fields = read(field?.type ?? openType, inner, innerPath, errors);
    const isEmpty = inner === null || (isFields(inner) && Object.keys(inner).length === 0);
    const isEntry = type.is !== "object" || !type.fields.has(key);
    const owned = fieldSet(isEmpty || isEntry || fields?.isMember === true, fields?.children);
    if (owned !== undefined) children.set(`f:${key}`, owned);
  }
  return fieldSet(false, children);
}

function readElements(
  type: StructuralType & { is: "list" },
  list: readonly unknown[],
  path: Path,
  errors: string[],
): FieldSet | undefined {
  const children = new Map<string, FieldSet>();
  for (const [index, element] of list.entries()) {
    const name = elementName(element, type);
    if (name === undefined) {
      const keys = `["${type.keys.join('" "')}"]`;
      errors.push(
        `${pathText(path)}: element ${index}: associative list with keys has an element that omits all key fields ${keys} ` +
          "(and doesn't have default values for any key fields)",
      );
      continue;
    }
    if (children.has(name)) {
      errors.push(`${pathText(path)}: duplicate entries for key ${pathText([name])}`);
      continue;
    }
    const fields = read(type.element, element, [...path, name], errors);
    children.set(name, { isMember: true, children: fields?.children });
  }
  return fieldSet(false, children);
}

const scalarNames: Readonly<Record<string, { readonly types: readonly string[]; readonly words: string }>> = {
  string: { types: ["string"], words: "string" },
  bool: { types: ["boolean"], words: "boolean" },
  boolean: { types: ["boolean"], words: "boolean" },
  int32: { types: ["number"], words: "numeric (int or float)" },
  int64: { types: ["number"], words: "numeric (int or float)" },
  integer: { types: ["number"], words: "numeric (int or float)" },
  float64: { types: ["number"], words: "numeric (int or float)" },
  number: { types: ["number"], words: "numeric (int or float)" },
};

function problemOf(type: StructuralType, value: unknown): string | undefined {
  if (type.is === "object") return isFields(value) ? undefined : `expected map, got ${goPointer(value)}`;
  if (type.is === "list") return Array.isArray(value) ? undefined : `expected list, got ${goPointer(value)}`;
  if (type.is !== "scalar") return undefined;
  const isIntOrText =
    type.checks?.["x-kubernetes-int-or-string"] === true || type.scalar === scalars.intOrString;
  const expected = isIntOrText ? undefined : scalarNames[type.scalar?.goType ?? type.checks?.type ?? ""];
  if (expected === undefined || expected.types.includes(typeof value)) return undefined;
  return `expected ${expected.words}, got ${goValue(value)}`;
}

// The server tells the type of a text, and prints anything else in its own notation.
function goValue(value: unknown): string {
  if (typeof value === "string") return "string";
  const text = Array.isArray(value) || isFields(value) ? goText(value) : String(value);
  return `&value.valueUnstructured{Value:${text}}`;
}

function goPointer(value: unknown): string {
  return `&{${typeof value === "string" ? value : goText(value)}}`;
}

function goText(value: unknown): string {
  if (Array.isArray(value)) return `[]interface {}{${value.map(goText).join(", ")}}`;
  if (isFields(value)) {
    const entries = Object.entries(value).map(([key, inner]) => `${JSON.stringify(key)}:${goText(inner)}`);
    return `map[string]interface {}{${entries.join(", ")}}`;
  }
  return value === null ? "interface {}(nil)" : JSON.stringify(value);
}
