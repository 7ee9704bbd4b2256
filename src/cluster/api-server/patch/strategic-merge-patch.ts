import { canonicalJson, type Fields, fieldsOf, isFields, listOf } from "../json.ts";
import { serverError } from "../refusal.ts";
import { type Field, fieldOf, openType, type StructuralType } from "../type/structural-type.ts";

const orderPrefix = "$setElementOrder/";
const deletePrefix = "$deleteFromPrimitiveList/";

/**
 * Applies a strategic merge patch: as a JSON merge patch, but lists with a merge key in `type` are merged element by element,
 * and directives (`$patch`, `$retainKeys`, `$setElementOrder/x`, `$deleteFromPrimitiveList/x`) are obeyed.
 * `original` is left as it is. Throws a refusal for a directive that is unknown or a merge key that is missing.
 */
export function applyStrategicMergePatch(original: unknown, patch: unknown, type: StructuralType): unknown {
  if (!isFields(patch)) return patch;
  return mergeFields(fieldsOf(original), patch, type);
}

function mergeFields(original: Fields, patch: Fields, type: StructuralType): Fields {
  const directive = patch.$patch;
  if (directive === "replace") return withoutDirectives(patch, type);
  if (directive === "delete") return {};
  if (directive !== undefined && directive !== "merge") throw unknownDirective(patch);

  // A map, because `__proto__` is a key like any other.
  const result = new Map(Object.entries(original));
  if (Array.isArray(patch.$retainKeys)) {
    const kept = new Set(patch.$retainKeys);
    for (const key of result.keys()) if (!kept.has(key)) result.delete(key);
  }
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith("$")) continue;
    if (value === null) result.delete(key);
    else result.set(key, mergeField(result.get(key), value, fieldOf(type, key), patch[orderPrefix + key]));
  }
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith(deletePrefix)) {
      const list = key.slice(deletePrefix.length);
      const gone = new Set(listOf(value).map(canonicalJson));
      const kept = listOf(result.get(list)).filter((element) => !gone.has(canonicalJson(element)));
      // Elements that the same patch adds stay: the deletion means the list as it was.
      const there = new Set(kept.map(canonicalJson));
      const added = listOf(patch[list]).filter((element) => !there.has(canonicalJson(element)));
      result.set(list, [...kept, ...added]);
    }
    if (key.startsWith(orderPrefix)) {
      const list = key.slice(orderPrefix.length);
      const field = fieldOf(type, list);
      const merged = result.get(list);
      // With changed elements the order was already used while merging them.
      if (patch[list] === undefined && Array.isArray(merged)) {
        result.set(list, inOrder(merged, listOf(original[list]), listOf(value), field?.patchMergeKey));
      }
    }
  }
  return Object.fromEntries(result);
}

function mergeField(original: unknown, patch: unknown, field: Field | undefined, order: unknown): unknown {
  const type: StructuralType = field?.type ?? openType;
  const strategy = field?.patchStrategy ?? [];
  if (isFields(patch)) {
    return strategy.includes("replace")
      ? withoutDirectives(patch, type)
      : mergeFields(fieldsOf(original), patch, type);
  }
  if (!Array.isArray(patch) || !strategy.includes("merge") || type.is !== "list") return patch;
  const live = listOf(original);
  const key = field?.patchMergeKey;
  const merged =
    key === undefined ? mergeScalars(live, patch) : mergeElements(live, patch, type.element, key);
  const wanted = Array.isArray(order) ? order : patch.filter((element) => !isDeletion(element));
  return inOrder(merged, live, wanted, key);
}

function mergeScalars(live: readonly unknown[], patch: readonly unknown[]): unknown[] {
  const there = new Set(live);
  return [...live, ...patch.filter((element) => !there.has(element))];
}

function mergeElements(
  live: readonly unknown[],
  patch: readonly unknown[],
  type: StructuralType,
  key: string,
): unknown[] {
  const elements = patch.map((element) => {
    const fields = fieldsOf(element);
    if (fields.$patch === "replace") return fields;
    if (fields[key] === undefined) {
      throw serverError(`map: ${goText(fields)} does not contain declared merge key: ${key}`);
    }
    return fields;
  });
  if (elements.some((element) => element.$patch === "replace")) {
    return elements
      .filter((element) => element[key] !== undefined)
      .map((element) => withoutDirectives(element, type));
  }
  const idOf = (element: unknown): string => canonicalJson(fieldsOf(element)[key] ?? null);
  const merged = new Map<number, unknown>(live.entries());
  // Of several elements of one name the first is meant.
  const places = Map.groupBy(live.keys(), (index) => idOf(live[index]));
  let next = live.length;
  for (const element of elements) {
    const id = idOf(element);
    const [place] = places.get(id) ?? [];
    if (element.$patch === "delete") {
      if (place === undefined) continue;
      merged.delete(place);
      places.get(id)?.shift();
    } else if (place === undefined) {
      merged.set(next, mergeFields({}, element, type));
      places.set(id, [next]);
      next += 1;
    } else {
      merged.set(place, mergeFields(fieldsOf(merged.get(place)), element, type));
    }
  }
  return [...merged.values()];
}

/**
 * Elements that the patch orders come in its order; each other element stands before the first of them that it preceded
 * in the live list.
 */
function inOrder(
  elements: readonly unknown[],
  live: readonly unknown[],
  order: readonly unknown[],
  key: string | undefined,
): unknown[] {
  const idOf = (element: unknown): string =>
    canonicalJson(key === undefined ? element : (fieldsOf(element)[key] ?? null));
  const wanted = new Map(order.map((element, index) => [idOf(element), index]));
  const before = new Map(live.map((element, index) => [idOf(element), index]));
  const all = elements.map((element) => ({ element, id: idOf(element) }));
  const ordered = all
    .filter(({ id }) => wanted.has(id))
    .sort((a, b) => (wanted.get(a.id) ?? 0) - (wanted.get(b.id) ?? 0));
  const others = all.filter(({ id }) => !wanted.has(id));
  const result: unknown[] = [];
  let next = 0;
  for (const { element, id } of ordered) {
    const place = before.get(id);
    while (place !== undefined && next < others.length) {
      const other = others[next];
      const otherPlace = other === undefined ? undefined : before.get(other.id);
      if (other === undefined || otherPlace === undefined || otherPlace > place) break;
      result.push(other.element);
      next += 1;
    }
    result.push(element);
  }
  return [...result, ...others.slice(next).map(({ element }) => element)];
}

function withoutDirectives(patch: Fields, type: StructuralType): Fields {
  const { $patch: _directive, ...content } = patch;
  return mergeFields({}, content, type);
}

function isDeletion(element: unknown): boolean {
  return isFields(element) && (element.$patch === "delete" || element.$patch === "replace");
}

function unknownDirective(patch: Fields): Error {
  return serverError(`unknown patch type: ${String(patch.$patch)} in map: ${goText(patch)}`);
}

// The server prints the offending element in its own notation.
function goText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(goText).join(" ")}]`;
  if (!isFields(value))
    return value === null ? "<nil>" : typeof value === "string" ? value : JSON.stringify(value);
  const entries = Object.keys(value)
    .sort()
    .map((key) => `${key}:${goText(value[key])}`);
  return `map[${entries.join(" ")}]`;
}
