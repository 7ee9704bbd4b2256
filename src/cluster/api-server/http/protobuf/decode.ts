import { isGroupOfKubernetes } from "../../schema-data.ts";
import { type Field, type Message, messageNamed, messageOfKind } from "./field-tables.ts";
import { ProtobufError, WireReader, type WireType } from "./wire-reader.ts";

type JsonObject = Record<string, unknown>;

const magic = Uint8Array.of(0x6b, 0x38, 0x73, 0x00);

/**
 * Reads a request body in Kubernetes' protobuf: the bytes `k8s\0` and an envelope that names the kind.
 * Null only appears inside raw JSON: a field that JSON would show as null is left out, which means the same in a request.
 * @throws ProtobufError with a text for the caller when the bytes are damaged or the kind has no protobuf form.
 */
export function decodeProtobuf(body: Uint8Array): JsonObject {
  if (!magic.every((byte, index) => body[index] === byte))
    throw new ProtobufError(
      "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]",
    );
  const envelope = fieldsOf(body.subarray(magic.length), (reader) => reader.bytes());
  const typeMeta = fieldsOf(envelope.get(1) ?? new Uint8Array(), (reader) => reader.text());
  const apiVersion = typeMeta.get(1) ?? "";
  const kind = typeMeta.get(2) ?? "";
  const message = messageOfKind(apiVersion, kind);
  // What it says does not matter: nothing of that kind is taken here, and whoever is asked for it says so.
  if (message === undefined && isGroupOfKubernetes(apiVersion)) return { kind, apiVersion };
  if (message === undefined)
    throw new ProtobufError(`kind "${kind}" of "${apiVersion}" has no protobuf form`);
  return { kind, apiVersion, ...decodeObject(message, new WireReader(envelope.get(2) ?? new Uint8Array())) };
}

/** The length-delimited fields of a message whose table is not needed. */
function fieldsOf<T>(bytes: Uint8Array, read: (reader: WireReader) => T): Map<number, T> {
  const reader = new WireReader(bytes);
  const found = new Map<number, T>();
  while (!reader.atEnd) {
    const { number, wireType } = reader.tag();
    if (wireType === "bytes") found.set(number, read(reader));
    else reader.skip(wireType);
  }
  return found;
}

function decodeObject(message: Message, reader: WireReader): JsonObject {
  const values = decodeFields(message, reader);
  const object: JsonObject = {};
  for (const field of message.fields) {
    const value = values.get(field.name) ?? (field.presence === "always" ? unset(field) : undefined);
    if (field.arrangement === "inline") Object.assign(object, value);
    else if (value !== undefined && !(field.presence === "omitempty" && isZero(value)))
      object[field.name] = value;
  }
  return object;
}

function decodeFields(message: Message, reader: WireReader): Map<string, unknown> {
  const values = new Map<string, unknown>();
  while (!reader.atEnd) {
    const { number, wireType } = reader.tag();
    const field = message.byNumber.get(number);
    // A field that a newer client knows and we do not: dropped, as servers do.
    if (field === undefined) reader.skip(wireType);
    else if (field.arrangement === "map") putEntry(values, field, reader.message());
    else if (field.arrangement === "repeated")
      append(values, field, decodeValue(field.type, wireType, reader));
    else values.set(field.name, decodeValue(field.type, wireType, reader));
  }
  return values;
}

function append(values: Map<string, unknown>, field: Field, value: unknown): void {
  const list = values.get(field.name);
  if (Array.isArray(list)) list.push(value);
  else values.set(field.name, [value]);
}

function putEntry(values: Map<string, unknown>, field: Field, reader: WireReader): void {
  let key = "";
  let value: unknown = zeroOf(field.type);
  while (!reader.atEnd) {
    const { number, wireType } = reader.tag();
    if (number === 1) key = reader.text();
    else if (number === 2) value = decodeValue(field.type, wireType, reader);
    else reader.skip(wireType);
  }
  const entries = values.get(field.name) ?? {};
  // Defined, not assigned, because `__proto__` is a legal key.
  values.set(
    field.name,
    Object.defineProperty(entries, key, { value, enumerable: true, writable: true, configurable: true }),
  );
}

const wireTypeOf: Readonly<Record<string, WireType>> = {
  bool: "varint",
  int32: "varint",
  int64: "varint",
  double: "fixed64",
};

function decodeValue(type: string, wireType: WireType, reader: WireReader): unknown {
  if (wireType !== (wireTypeOf[type] ?? "bytes"))
    throw new ProtobufError(`a field of type ${type} has wire type ${wireType}`);
  if (type === "bool") return reader.unsigned() !== 0n;
  if (type === "int32" || type === "int64") return reader.signed();
  if (type === "double") return reader.double();
  if (type === "string") return reader.text();
  if (type === "bytes") return Buffer.from(reader.bytes()).toString("base64");
  return decodeMessage(type, reader.message());
}

function decodeMessage(type: string, reader: WireReader): unknown {
  const message = messageNamed(type);
  if (message === undefined) throw new ProtobufError(`message ${type} is unknown`);
  if (message.form === undefined) return decodeObject(message, reader);
  const value = decodeFields(message, reader);
  switch (message.form) {
    case "time":
      return timeText(value, 0);
    case "microTime":
      return timeText(value, 6);
    case "quantity":
      return value.get("string") ?? "0";
    case "intOrString":
      return value.get("type") === 1 ? (value.get("strVal") ?? "") : (value.get("intVal") ?? 0);
    case "rawJson":
      return rawJson(value.get("Raw") ?? value.get("raw"));
    case "schemaOrArray":
      return value.get("jSONSchemas") ?? value.get("schema");
    case "schemaOrStrings":
      return value.get("property") ?? value.get("schema");
    case "schemaOrBool":
      return value.get("schema") ?? value.get("allows") ?? false;
  }
}

function rawJson(base64: unknown): unknown {
  if (typeof base64 !== "string" || base64 === "") return undefined;
  try {
    return JSON.parse(Buffer.from(base64, "base64").toString());
  } catch (error) {
    throw new ProtobufError("embedded JSON cannot be read", { cause: error });
  }
}

/** 9999-12-31T23:59:59Z: Kubernetes' text form of a time has no later years. */
const lastSecond = 253_402_300_799;

/** Undefined for Kubernetes' zero time, which is year 1 or no bytes at all. */
function timeText(value: ReadonlyMap<string, unknown>, digits: 0 | 6): string | undefined {
  const seconds = Number(value.get("seconds") ?? 0);
  const microseconds = Math.floor(Number(value.get("nanos") ?? 0) / 1000);
  if (seconds <= -62135596800 || (seconds === 0 && microseconds === 0)) return undefined;
  if (seconds > lastSecond || microseconds < 0 || microseconds > 999_999)
    throw new ProtobufError("a time is out of range");
  const whole = new Date(seconds * 1000).toISOString().slice(0, 19);
  return digits === 0 ? `${whole}Z` : `${whole}.${String(microseconds).padStart(6, "0")}Z`;
}

/** What JSON shows for an `always` field that is not on the wire; undefined where that is null. */
function unset(field: Field): unknown {
  return field.arrangement === "single" ? zeroOf(field.type) : undefined;
}

function zeroOf(type: string): unknown {
  if (type === "string" || type === "bytes") return "";
  if (type === "bool") return false;
  if (wireTypeOf[type] !== undefined) return 0;
  return decodeMessage(type, new WireReader(new Uint8Array()));
}

function isZero(value: unknown): boolean {
  return value === "" || value === 0 || value === false;
}
