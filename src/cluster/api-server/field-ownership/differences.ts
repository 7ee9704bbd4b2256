import { equalJson } from "../../../api/equal-json.ts";
import { type Fields, isFields } from "../json.ts";
import { fieldOf, type ListType, openType, type StructuralType } from "../type/structural-type.ts";
import { type FieldSet, fieldSet, leaf } from "./field-set.ts";
import { elementName } from "./list-keys.ts";

/** What distinguishes two states of an object. */
export interface Differences {
  /** Fields that are new or have another value. */
  readonly changed: FieldSet | undefined;
  /** Fields that are there no longer. */
  readonly removed: FieldSet | undefined;
}

const none: Differences = { changed: undefined, removed: undefined };

/** Compares field by field what has owners of its own, as a whole what has not. Parts that are the very same are not walked. */
export function differences(type: StructuralType, before: unknown, after: unknown): Differences {
  if (before === after) return none;
  if (before === undefined) return { changed: allOf(type, after), removed: undefined };
  if (after === undefined) return { changed: undefined, removed: allOf(type, before) };
  const [left, right] = [partsOf(type, before), partsOf(type, after)];
  // What is empty on both sides may still be null on one.
  if (left === undefined || right === undefined || (left.size === 0 && right.size === 0))
    return equalJson(before, after) ? none : { changed: leaf, removed: undefined };
  return ofParts(type, left, right);
}

function ofParts(type: StructuralType, before: Parts, after: Parts): Differences {
  let changed: Map<string, FieldSet> | undefined;
  let removed: Map<string, FieldSet> | undefined;
  for (const [name, value] of after) {
    const inner = differences(partType(type, name), before.get(name), value);
    if (inner.changed !== undefined) (changed ??= new Map()).set(name, inner.changed);
    if (inner.removed !== undefined) (removed ??= new Map()).set(name, inner.removed);
  }
  for (const [name, value] of before) {
    if (!after.has(name)) (removed ??= new Map()).set(name, allOf(partType(type, name), value));
  }
  return { changed: fieldSet(false, changed), removed: fieldSet(false, removed) };
}

/** A value with all that is in it. */
function allOf(type: StructuralType, value: unknown): FieldSet {
  const parts = partsOf(type, value);
  if (parts === undefined || parts.size === 0) return leaf;
  const children = new Map<string, FieldSet>();
  for (const [name, inner] of parts) children.set(name, allOf(partType(type, name), inner));
  return { isMember: true, children };
}

type Parts = ReadonlyMap<string, unknown>;

const noParts: Parts = new Map();

/** The parts of a value that have owners of their own; undefined for a value that has one owner as a whole. */
function partsOf(type: StructuralType, value: unknown): Parts | undefined {
  const isGranular = (type.is === "object" && !type.isAtomic) || type.is === "open";
  if (isGranular && isFields(value)) return fieldsOf(value);
  if (type.is === "list" && type.listType !== "atomic" && Array.isArray(value))
    return elementsOf(type, value);
  const isContainer =
    (type.is === "object" && !type.isAtomic) || (type.is === "list" && type.listType !== "atomic");
  return value === null && isContainer ? noParts : undefined;
}

function fieldsOf(value: Fields): Parts {
  const parts = new Map<string, unknown>();
  for (const key of Object.keys(value)) if (value[key] !== undefined) parts.set(`f:${key}`, value[key]);
  return parts;
}

function elementsOf(type: ListType, list: readonly unknown[]): Parts {
  const parts = new Map<string, unknown>();
  for (const element of list) {
    const name = elementName(element, type);
    if (name !== undefined) parts.set(name, element);
  }
  return parts;
}

function partType(type: StructuralType, name: string): StructuralType {
  if (type.is === "list") return type.element;
  return fieldOf(type, name.slice(2))?.type ?? openType;
}
