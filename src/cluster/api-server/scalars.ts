import { canonicalQuantity } from "../../api/quantity.ts";

/** A value that does not fit its type, in the server's words. */
export class Undecodable extends Error {
  constructor(message: string) {
    super(message);
    this.name = "Undecodable";
  }
}

export interface Scalar {
  /** Its name where the server tells of a wrong type. */
  readonly goType: string;
  /** Undefined where defaulting fills it in. */
  readonly zero: unknown;
  /** The value in canonical form; undefined for one of a wrong type. Throws `Undecodable` for a text that says nothing. */
  read(value: unknown): unknown;
}

const text = (value: unknown): unknown => (typeof value === "string" ? value : undefined);
const integer = (value: unknown): unknown => (Number.isSafeInteger(value) ? value : undefined);
const largestInt32 = 2 ** 31 - 1;

/** The scalar types of the built-in API. */
export const scalars = {
  string: { goType: "string", zero: "", read: text },
  bytes: { goType: "[]uint8", zero: "", read: text },
  bool: { goType: "bool", zero: false, read: (value) => (typeof value === "boolean" ? value : undefined) },
  int32: {
    goType: "int32",
    zero: 0,
    read: (value) => (Math.abs(Number(value)) <= largestInt32 ? integer(value) : undefined),
  },
  int64: { goType: "int64", zero: 0, read: integer },
  double: { goType: "float64", zero: 0, read: (value) => (typeof value === "number" ? value : undefined) },
  intOrString: { goType: "int32", zero: undefined, read: (value) => text(value) ?? integer(value) },
  quantity: { goType: "resource.Quantity", zero: "0", read: readQuantity },
  time: { goType: "string", zero: null, read: (value) => readTime(value, false) },
  microTime: { goType: "string", zero: null, read: (value) => readTime(value, true) },
} as const satisfies Record<string, Scalar>;

function readQuantity(value: unknown): string {
  const isText = typeof value === "string" || typeof value === "number";
  const canonical = isText ? canonicalQuantity(String(value)) : undefined;
  if (canonical !== undefined) return canonical;
  throw new Undecodable(
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
  );
}

const rfc3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.(\d+))?([Zz]|[+-]\d\d:\d\d)$/;

function readTime(value: unknown, isMicro: boolean): string | undefined {
  if (typeof value !== "string") return undefined;
  const match = rfc3339.exec(value);
  const milliseconds = Date.parse(value);
  if (match === null || Number.isNaN(milliseconds)) {
    const layout = isMicro ? "2006-01-02T15:04:05.000000Z07:00" : "2006-01-02T15:04:05Z07:00";
    const quoted = JSON.stringify(value);
    throw new Undecodable(`parsing time ${quoted} as "${layout}": cannot parse ${quoted}`);
  }
  const seconds = new Date(milliseconds).toISOString().slice(0, 19);
  return isMicro ? `${seconds}.${(match[2] ?? "").slice(0, 6).padEnd(6, "0")}Z` : `${seconds}Z`;
}
