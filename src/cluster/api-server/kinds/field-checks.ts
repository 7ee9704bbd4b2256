import { isIP } from "node:net";
import { type Fields, fieldsOf, textOf } from "../json.ts";
import { portNameProblems, subdomainName } from "../names.ts";
import { type FieldError, fieldError } from "../refusal.ts";

const largestInt32 = 2 ** 31 - 1;

export function portNumberErrors(port: unknown, field: string): FieldError[] {
  return inRange(port, 1, 65535, field);
}

/** A port by number or by name. */
export function portErrors(port: unknown, field: string): FieldError[] {
  if (typeof port !== "string") return portNumberErrors(port ?? 0, field);
  return portNameProblems(port).map((text) => fieldError.invalid(field, port, text));
}

export function inRange(value: unknown, least: number, most: number, field: string): FieldError[] {
  return typeof value === "number" && value >= least && value <= most
    ? []
    : [fieldError.invalid(field, value, `must be between ${least} and ${most}, inclusive`)];
}

/** The number of a user or group. Absent is fine. */
export function accountNumber(value: unknown, field: string): FieldError[] {
  return value === undefined ? [] : inRange(value, 0, largestInt32, field);
}

/** A number that must not be 0 either. Absent is fine. */
export function positiveInt32(value: unknown, field: string): FieldError[] {
  return value === undefined ? [] : inRange(value, 1, largestInt32, field);
}

export function notNegative(value: unknown, field: string): FieldError[] {
  return typeof value === "number" && value < 0
    ? [fieldError.invalid(field, value, "must be greater than or equal to 0")]
    : [];
}

/** Absent is fine. */
export function oneOf(value: unknown, supported: readonly string[], field: string): FieldError[] {
  return value === undefined || supported.includes(textOf(value))
    ? []
    : [fieldError.notSupported(field, value, supported)];
}

/** Each of the named fields of `object` must say something. */
export function allRequired(object: Fields, names: readonly string[], path: string): FieldError[] {
  return names.flatMap((name) => {
    const value = object[name];
    const isMissing = value === undefined || value === null || value === "";
    return isMissing || (Array.isArray(value) && value.length === 0)
      ? [fieldError.required(`${path}.${name}`)]
      : [];
  });
}

/** The name of an object of some other kind. Absent and empty are fine. */
export function optionalName(name: unknown, field: string): FieldError[] {
  const text = textOf(name);
  return text === "" ? [] : subdomainErrors(text, field);
}

const ownFinalizers = ["kubernetes", "orphan", "foregroundDeletion"];

/** A finalizer says whose it is, unless it is Kubernetes' own. */
export function finalizerErrors(name: string, field: string): FieldError[] {
  const text = "name is neither a standard finalizer name nor is it fully qualified";
  return name.includes("/") || ownFinalizers.includes(name) ? [] : [fieldError.invalid(field, name, text)];
}

export function subdomainErrors(name: string, field: string): FieldError[] {
  return subdomainName(name).map((text) => fieldError.invalid(field, name, text));
}

export function ipErrors(address: unknown, field: string): FieldError[] {
  return isIP(textOf(address)) === 0
    ? [
        fieldError.invalid(
          field,
          textOf(address),
          "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",
        ),
      ]
    : [];
}

/** `10.0.0.0/8`. */
export function cidrErrors(value: unknown, field: string): FieldError[] {
  const [address = "", length = ""] = textOf(value).split("/");
  const version = isIP(address);
  const isBlock = version !== 0 && /^\d+$/.test(length) && Number(length) <= (version === 4 ? 32 : 128);
  const text = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
  return isBlock ? [] : [fieldError.invalid(field, value, text)];
}

/** A path inside something else, which must not lead out of it. */
export function relativePathErrors(path: string, field: string): FieldError[] {
  return [
    ...(path.startsWith("/") ? [fieldError.invalid(field, path, "must be a relative path")] : []),
    ...noWayUpErrors(path, field),
  ];
}

export function noWayUpErrors(path: string, field: string): FieldError[] {
  return path.split("/").includes("..") ? [fieldError.invalid(field, path, "must not contain '..'")] : [];
}

/** Where each of the names is for the first time. One look at them: a request may have a hundred thousand. */
export function firstPlaces(names: readonly string[]): readonly number[] {
  const first = new Map<string, number>();
  return names.map((name, index) => {
    const place = first.get(name) ?? index;
    first.set(name, place);
    return place;
  });
}

/** Which of the names were there before. */
export function repetitions(names: readonly string[]): readonly boolean[] {
  return firstPlaces(names).map((place, index) => place < index);
}

/** Names that were there before, once each. */
export function duplicates(names: readonly string[]): string[] {
  const isRepeated = repetitions(names);
  return [...new Set(names.filter((name, index) => name !== "" && isRepeated[index]))];
}

/** An error of the field of each name that was there before. */
export function duplicateErrors(names: readonly string[], fieldAt: (index: number) => string): FieldError[] {
  const isRepeated = repetitions(names);
  return names.flatMap((name, index) =>
    name !== "" && isRepeated[index] ? [fieldError.duplicate(fieldAt(index), name)] : [],
  );
}

/** The sources of which exactly one is to be named, as far as they are. */
export function named(object: Fields, sources: readonly string[]): string[] {
  return sources.filter((source) => object[source] !== undefined);
}

/** Errors of a part that may be absent. */
export function ifThere(
  object: Fields,
  name: string,
  path: string,
  errorsOf: (part: Fields, path: string) => FieldError[],
): FieldError[] {
  return object[name] === undefined ? [] : errorsOf(fieldsOf(object[name]), `${path}.${name}`);
}

/** `3` or `"25%"`. Absent is fine. */
export function countOrPercentErrors(value: unknown, field: string): FieldError[] {
  if (typeof value === "string" && !/^[0-9]+%$/.test(value)) {
    const text =
      "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for " +
      "validation is '[0-9]+%')";
    return [fieldError.invalid(field, value, text)];
  }
  return notNegative(value, field);
}
