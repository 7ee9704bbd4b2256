import { type Fields, isFields } from "./json.ts";
import { Undecodable } from "./scalars.ts";
import type { FieldShape, Shape } from "./shape.ts";

interface Place {
  /** With list indexes, for unknown fields: `spec.containers[0].nope`. */
  readonly path: string;
  /** Innermost type, for wrong types: `DeploymentSpec`. */
  readonly struct: string;
  /** Without list indexes, for wrong types: `spec.replicas`. */
  readonly fields: string;
}

/**
 * Reads a JSON value as a type of the built-in API, as the real server does: unknown fields and nulls are dropped, zero
 * values shown or left out as the type says, quantities and times made canonical. The result shares nothing with `value`.
 * Throws `Undecodable`.
 *
 * @param unknown takes the paths of dropped unknown fields.
 */
export function decode(shape: Shape, value: unknown, unknown: string[] = []): unknown {
  return read(shape, value, { path: "", struct: "", fields: "" }, unknown);
}

function read(shape: Shape, value: unknown, place: Place, unknown: string[]): unknown {
  switch (shape.is) {
    case "struct":
      if (!isFields(value)) throw wrongType(value, place, goTypeOf(shape));
      return readStruct(shape.fields, value, { ...place, struct: shortName(shape.name) }, unknown);
    case "list":
      if (!Array.isArray(value)) throw wrongType(value, place, goTypeOf(shape));
      return value.map((element, index) =>
        element === null && shape.element.is !== "open"
          ? zeroOf(shape.element)
          : read(shape.element, element, { ...place, path: `${place.path}[${index}]` }, unknown),
      );
    case "map":
      if (!isFields(value)) throw wrongType(value, place, goTypeOf(shape));
      return Object.fromEntries(
        Object.entries(value).map(([key, element]) => [
          key,
          element === null && shape.element.is !== "open"
            ? zeroOf(shape.element)
            : read(shape.element, element, { ...place, path: `${place.path}.${key}` }, unknown),
        ]),
      );
    case "open":
      return structuredClone(value);
    case "scalar": {
      const scalar = shape.scalar.read(value);
      if (scalar === undefined) throw wrongType(value, place, shape.scalar.goType);
      return scalar;
    }
  }
}

function readStruct(
  fields: ReadonlyMap<string, FieldShape>,
  value: Fields,
  place: Place,
  unknown: string[],
): Fields {
  const result: Record<string, unknown> = {};
  for (const [name, inner] of Object.entries(value)) {
    const path = place.path === "" ? name : `${place.path}.${name}`;
    const field = fields.get(name);
    if (field === undefined) {
      unknown.push(path);
      continue;
    }
    if (inner === null || inner === undefined) continue;
    const fieldPlace = {
      path,
      struct: place.struct,
      fields: place.fields === "" ? name : `${place.fields}.${name}`,
    };
    const decoded = read(field.shape, inner, fieldPlace, unknown);
    if (field.presence === "omitted" && isZero(decoded)) continue;
    result[name] = decoded;
  }
  for (const [name, field] of fields) {
    if (field.presence === "always" && result[name] === undefined) {
      const zero = zeroOf(field.shape);
      if (zero !== undefined) result[name] = zero;
    }
  }
  return result;
}

function isZero(value: unknown): boolean {
  if (value === "" || value === 0 || value === false) return true;
  if (Array.isArray(value)) return value.length === 0;
  return isFields(value) && Object.keys(value).length === 0;
}

// Undefined for types whose zero is filled in by defaulting instead.
function zeroOf(shape: Shape): unknown {
  switch (shape.is) {
    case "struct":
      return readStruct(shape.fields, {}, { path: "", struct: "", fields: "" }, []);
    case "list":
    case "map":
      return null;
    case "open":
      return undefined;
    case "scalar":
      return shape.scalar.zero;
  }
}

function wrongType(value: unknown, { struct, fields }: Place, goType: string): Undecodable {
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
  const place =
    struct === "" ? `Go value of type ${goType}` : `Go struct field ${struct}.${fields} of type ${goType}`;
  return new Undecodable(`json: cannot unmarshal ${shown} into ${place}`);
}

function goTypeOf(shape: Shape): string {
  switch (shape.is) {
    case "struct":
      return shape.name.split(".").slice(-2).join(".");
    case "list":
      return `[]${goTypeOf(shape.element)}`;
    case "map":
      return `map[string]${goTypeOf(shape.element)}`;
    case "open":
      return "interface {}";
    case "scalar":
      return shape.scalar.goType;
  }
}

function shortName(schemaName: string): string {
  return schemaName.slice(schemaName.lastIndexOf(".") + 1);
}
