import tables from "../data/protobuf-fields.json" with { type: "json" };

/** When a field shows in JSON: `pointer` when it is on the wire, `omitempty` when it is not zero. */
export type Presence = "pointer" | "omitempty" | "always" | "value";

/** `inline`: a message of its own on the wire whose fields stand in the parent object in JSON. */
export type Arrangement = "single" | "repeated" | "map" | "inline";

/** Messages that have a JSON form other than an object of their fields. */
export type JsonForm =
  | "time"
  | "microTime"
  | "quantity"
  | "intOrString"
  | "rawJson"
  | "schemaOrArray"
  | "schemaOrBool"
  | "schemaOrStrings";

export interface Field {
  /** The name in JSON. */
  readonly name: string;
  /** `string`, `bytes`, `bool`, `int32`, `int64`, `double`, or the name of a message. */
  readonly type: string;
  readonly arrangement: Arrangement;
  readonly presence: Presence;
}

export interface Message {
  readonly name: string;
  readonly form: JsonForm | undefined;
  readonly byNumber: ReadonlyMap<number, Field>;
  readonly fields: readonly Field[];
}

// The shape of the data file, which is ours: a test walks over all of it.
interface Tables {
  readonly kinds: Readonly<Record<string, string>>;
  readonly jsonForms: Readonly<Record<string, JsonForm>>;
  readonly messages: Readonly<
    Record<string, Readonly<Record<string, [number, string, Arrangement, Presence]>>>
  >;
}

const { kinds, jsonForms, messages } = tables as unknown as Tables;
const read = new Map<string, Message>();

/** The message that carries a kind, undefined for kinds without protobuf (custom resources). */
export function messageOfKind(apiVersion: string, kind: string): Message | undefined {
  // Clients send DeleteOptions with the apiVersion of whatever they delete.
  const name = kinds[`${apiVersion} ${kind}`] ?? kinds[kind];
  return name === undefined ? undefined : messageNamed(name);
}

/** A message by its name in the tables; undefined for the scalar types. */
export function messageNamed(name: string): Message | undefined {
  const known = read.get(name);
  if (known !== undefined) return known;
  const entries = messages[name];
  if (entries === undefined) return undefined;
  const byNumber = new Map<number, Field>();
  for (const [fieldName, [number, type, arrangement, presence]] of Object.entries(entries))
    byNumber.set(number, { name: fieldName, type, arrangement, presence });
  const message = { name, form: jsonForms[name], byNumber, fields: [...byNumber.values()] };
  read.set(name, message);
  return message;
}

/** `apps/v1 Deployment`, ...: every kind with a table, for tests. */
export const kindsWithProtobuf: readonly string[] = Object.keys(kinds);
