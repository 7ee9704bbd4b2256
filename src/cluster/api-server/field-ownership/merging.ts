import { isFields } from "../json.ts";
import { fieldOf, type ListType, openType, type StructuralType } from "../type/structural-type.ts";
import type { FieldSet } from "./field-set.ts";
import { elementName } from "./list-keys.ts";

/** What is there with what is applied on top. Parts with owners of their own are merged, others replaced. */
export function merged(type: StructuralType, live: unknown, applied: unknown): unknown {
  if (applied === undefined || (applied === null && typeof live === "object")) return live;
  if (live === undefined || live === null) return applied;
  if (Array.isArray(applied)) {
    if (type.is !== "list" || type.listType === "atomic" || !Array.isArray(live)) return applied;
    return mergedList(type, live, applied);
  }
  const isGranular = type.is === "open" || (type.is === "object" && !type.isAtomic);
  if (!isGranular || !isFields(applied) || !isFields(live)) return applied;
  const fields = new Map(Object.entries(live));
  for (const [key, inner] of Object.entries(applied))
    fields.set(key, merged(fieldOf(type, key)?.type ?? openType, fields.get(key), inner));
  return Object.fromEntries(fields);
}

/**
 * Applied elements come in their order; each live element that is not applied stays behind the ones it followed, as far as these
 * have kept theirs.
 */
function mergedList(type: ListType, live: readonly unknown[], applied: readonly unknown[]): unknown[] {
  const liveByName = new Map(live.map((element) => [elementName(element, type), element]));
  const names = applied.map((element) => elementName(element, type));
  const appliedNames = new Set(names);
  const shared = names.filter((name) => liveByName.has(name)).values();
  let nextShared = shared.next().value;
  const result: unknown[] = [];
  let next = 0;
  const takeApplied = (until: number): void => {
    for (; next < until; next += 1)
      result.push(merged(type.element, liveByName.get(names[next]), applied[next]));
  };
  for (const element of live) {
    const name = elementName(element, type);
    if (!appliedNames.has(name)) result.push(element);
    else if (name === nextShared) {
      takeApplied(names.indexOf(name) + 1);
      nextShared = shared.next().value;
    }
  }
  takeApplied(applied.length);
  return result;
}

/**
 * A merged value without what its applier has given up: what it applied `before` and nobody owns now. Null where nothing is left
 * of something, as on a real server, which refuses that in a custom object when the field must not be null.
 *
 * @param owned of all managers together, the applier's new fields included.
 */
export function withoutGivenUp(
  type: StructuralType,
  value: unknown,
  before: FieldSet | undefined,
  owned: FieldSet | undefined,
): unknown {
  const given = before?.children;
  if (given === undefined) return value;
  if (Array.isArray(value) && type.is === "list" && type.listType !== "atomic") {
    const kept = value.flatMap((element) => {
      const name = elementName(element, type) ?? "";
      const inner = given.get(name);
      if (inner === undefined) return [element];
      const now = owned?.children?.get(name);
      if (inner.isMember && now?.isMember !== true) return [];
      return [withoutGivenUp(type.element, element, inner, now)];
    });
    return kept.length === 0 && value.length > 0 ? null : kept;
  }
  const isGranular = type.is === "open" || (type.is === "object" && !type.isAtomic);
  if (!isGranular || !isFields(value)) return value;
  const kept: [string, unknown][] = [];
  for (const [key, part] of Object.entries(value)) {
    const inner = given.get(`f:${key}`);
    const now = owned?.children?.get(`f:${key}`);
    // A field with a name of its own is owned by whoever owns something in it, an entry of a map is not.
    const isNamed = type.is === "object" && type.fields.has(key);
    const isGiven = inner !== undefined && (isNamed || inner.isMember);
    const isOwned = now !== undefined && (isNamed || now.isMember);
    if (isGiven && !isOwned) continue;
    kept.push([
      key,
      inner === undefined ? part : withoutGivenUp(fieldOf(type, key)?.type ?? openType, part, inner, now),
    ]);
  }
  return kept.length === 0 && Object.keys(value).length > 0 ? null : Object.fromEntries(kept);
}
