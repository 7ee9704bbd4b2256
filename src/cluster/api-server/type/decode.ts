import { FieldsText } from "../field-ownership/fields-text.ts";
import { type Fields, isFields } from "../json.ts";
import { Undecodable } from "../scalars.ts";
import type { ObjectType, StructuralType } from "./structural-type.ts";

/** Where in an object a value is: a chain up to the object, written out only for those who must be told. */
interface Place {
  readonly parent: Place | undefined;
  /** A field's name, a map's key, or the index in a list. */
  readonly step: string | number;
  /** The object that it is a field of; undefined for an entry of a map or a list. */
  readonly owner: ObjectType | undefined;
}

/**
 * Reads a JSON value as a type, as the real server does; the result shares nothing with `value`. Unknown fields are dropped. Of
 * a built-in type, nulls are dropped, zero values shown or left out as the type says, quantities and times made canonical, and
 * `Undecodable` is thrown for a value of a wrong type; of a custom type, these are kept for validation to judge.
 *
 * @param unknown takes the paths of dropped unknown fields: `spec.containers[0].nope`.
 */
export function decode(type: StructuralType, value: unknown, unknown: string[] = []): unknown {
  return read(type, value, undefined, unknown);
}

function read(type: StructuralType, value: unknown, place: Place | undefined, unknown: string[]): unknown {
  switch (type.is) {
    case "object":
      if (!isFields(value)) return unfit(type, value, place);
      return type.fields.size === 0 && !type.keepsUnknown && type.further !== undefined
        ? readMap(type, type.further.type, value, place, unknown)
        : readObject(type, value, place, unknown);
    case "list": {
      if (!Array.isArray(value)) return unfit(type, value, place);
      const { element } = type;
      return value.map((one, index) =>
        one === null && isBuiltIn(element)
          ? zeroOf(element)
          : read(element, one, { parent: place, step: index, owner: undefined }, unknown),
      );
    }
    case "open":
      return copied(value);
    case "scalar": {
      if (type.scalar === undefined) return copied(value);
      const scalar = type.scalar.read(value);
      return scalar === undefined ? unfit(type, value, place) : scalar;
    }
  }
}

function copied(value: unknown): unknown {
  // A text is never changed, and no copy of it would be one.
  if (typeof value !== "object" || value === null || value instanceof FieldsText) return value;
  return structuredClone(value);
}

// What validation will refuse stays what it is until then.
function unfit(type: StructuralType, value: unknown, place: Place | undefined): unknown {
  if (type.checks !== undefined) return copied(value);
  throw wrongType(value, place, goTypeOf(type));
}

// An open element keeps the null, a custom one is judged with it.
function isBuiltIn(type: StructuralType): boolean {
  return type.checks === undefined && type.is !== "open";
}

function readMap(
  type: ObjectType,
  element: StructuralType,
  value: Fields,
  place: Place | undefined,
  unknown: string[],
): Fields {
  const isStrict = type.checks === undefined && isBuiltIn(element);
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      inner === null && isStrict
        ? zeroOf(element)
        : read(element, inner, { parent: place, step: key, owner: undefined }, unknown),
    ]),
  );
}

function readObject(type: ObjectType, value: Fields, place: Place | undefined, unknown: string[]): Fields {
  const isCustom = type.checks !== undefined;
  const result: Record<string, unknown> = {};
  for (const name of Object.keys(value)) {
    const inner = value[name];
    const field = type.fields.get(name) ?? type.further;
    if (field === undefined) {
      if (type.keepsUnknown) setField(result, name, copied(inner));
      else unknown.push(pathTo({ parent: place, step: name, owner: type }));
      continue;
    }
    const { checks } = field.type;
    // Metadata of a custom object is built in.
    if (inner === undefined || (inner === null && (!isCustom || checks === undefined))) continue;
    const decoded = read(field.type, inner, { parent: place, step: name, owner: type }, unknown);
    if (field.presence === "omitted" && isZero(decoded)) continue;
    setField(result, name, decoded);
  }
  if (!isCustom) addZeros(type, result);
  return result;
}

const shownWhenZero = new WeakMap<ObjectType, readonly (readonly [string, StructuralType])[]>();

function addZeros(type: ObjectType, result: Record<string, unknown>): void {
  let shown = shownWhenZero.get(type);
  if (shown === undefined) {
    shown = [...type.fields].flatMap(([name, field]) =>
      field.presence === "always" ? [[name, field.type] as const] : [],
    );
    shownWhenZero.set(type, shown);
  }
  for (const [name, fieldType] of shown) {
    if (result[name] !== undefined) continue;
    const zero = zeroOf(fieldType);
    if (zero !== undefined) result[name] = zero;
  }
}

// `__proto__` is a key like any other.
function setField(fields: Record<string, unknown>, name: string, value: unknown): void {
  if (name !== "__proto__") fields[name] = value;
  else Object.defineProperty(fields, name, { value, enumerable: true, writable: true, configurable: true });
}

function isZero(value: unknown): boolean {
  if (value === "" || value === 0 || value === false) return true;
  if (Array.isArray(value)) return value.length === 0;
  if (!isFields(value)) return false;
  for (const _ in value) return false;
  return true;
}

/** What a built-in type is when nothing was sent. Undefined where defaulting fills it in instead. */
export function zeroOf(type: StructuralType): unknown {
  switch (type.is) {
    case "object": {
      if (type.fields.size === 0) return null;
      const zero: Record<string, unknown> = {};
      addZeros(type, zero);
      return zero;
    }
    case "list":
      return null;
    case "open":
      return undefined;
    case "scalar":
      return type.scalar?.zero;
  }
}

function pathTo(place: Place | undefined): string {
  if (place === undefined) return "";
  const before = pathTo(place.parent);
  if (typeof place.step === "number") return `${before}[${place.step}]`;
  return before === "" ? place.step : `${before}.${place.step}`;
}

/** Innermost struct and the way to it, without what lies outside of the built-in type: `DeploymentSpec.spec.replicas`. */
function goPlace(place: Place | undefined): string {
  const steps: string[] = [];
  let struct: string | undefined;
  for (let at = place; at !== undefined && at.owner?.checks === undefined; at = at.parent) {
    if (at.owner === undefined) continue;
    if (typeof at.step === "string") steps.unshift(at.step);
    struct ??= at.owner.name.slice(at.owner.name.lastIndexOf(".") + 1);
  }
  return struct === undefined ? "" : `${struct}.${steps.join(".")}`;
}

function wrongType(value: unknown, place: Place | undefined, goType: string): Undecodable {
  const type = typeof value;
  const shown = Array.isArray(value)
    ? "array"
    : type === "boolean"
      ? "bool"
      : type === "number"
        ? // A number that would have been right but for its size or its fraction is told.
          /^(u?int|float)/.test(goType)
          ? `number ${Number(value)}`
          : "number"
        : type;
  const where = goPlace(place);
  const goes = where === "" ? `Go value of type ${goType}` : `Go struct field ${where} of type ${goType}`;
  return new Undecodable(`json: cannot unmarshal ${shown} into ${goes}`);
}

function goTypeOf(type: StructuralType): string {
  switch (type.is) {
    case "object":
      if (type.name !== "") return type.name.split(".").slice(-2).join(".");
      return `map[string]${goTypeOf(type.further?.type ?? { is: "open", checks: undefined })}`;
    case "list":
      return `[]${goTypeOf(type.element)}`;
    case "open":
      return "interface {}";
    case "scalar":
      return type.scalar?.goType ?? "string";
  }
}
