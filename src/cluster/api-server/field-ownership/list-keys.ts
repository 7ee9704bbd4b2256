import { isFields, ownValue } from "../json.ts";
import { fieldOf, type ListType } from "../type/structural-type.ts";

/**
 * What an element of a list of type `set` or `map` is called among the fields: `v:"x"`, `k:{"name":"web"}`. A key that is not
 * there has its default (`protocol` of a port). Undefined for an element without any key.
 */
export function elementName(element: unknown, type: ListType): string | undefined {
  if (type.listType === "set") return `v:${JSON.stringify(element)}`;
  if (!isFields(element)) return undefined;
  let text = "";
  for (const key of sortedKeys(type)) {
    const value = ownValue(element, key) ?? fieldOf(type.element, key)?.default;
    if (value === undefined || value === null) continue;
    text += `${text === "" ? "" : ","}${JSON.stringify(key)}:${JSON.stringify(value)}`;
  }
  return text === "" ? undefined : `k:{${text}}`;
}

const sorted = new WeakMap<ListType, readonly string[]>();

function sortedKeys(type: ListType): readonly string[] {
  let keys = sorted.get(type);
  if (keys === undefined) {
    keys = type.keys.toSorted();
    sorted.set(type, keys);
  }
  return keys;
}
