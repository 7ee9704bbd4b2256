import { isDeepStrictEqual } from "node:util";
import { equalJson } from "../../../api/equal-json.ts";

/** An object of a schema with named fields, as expressions see it. */
export class StructuredValue {
  readonly #json: unknown;

  /** @param json what it was made of. */
  constructor(json: unknown) {
    this.#json = json;
  }

  static equal(a: StructuredValue, b: StructuredValue): boolean {
    return equalJson(a.#json, b.#json);
  }
}

/** Whether two values of the same type are the same, for functions that compare what lists hold. */
export function equalValues(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (a instanceof StructuredValue && b instanceof StructuredValue) return StructuredValue.equal(a, b);
  // Times and durations are numbers inside.
  const number = (value: unknown): unknown =>
    typeof value === "object" && value !== null && !Array.isArray(value) ? value.valueOf() : value;
  return isDeepStrictEqual(number(a), number(b));
}
