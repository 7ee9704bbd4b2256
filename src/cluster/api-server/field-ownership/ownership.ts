import type { StructuralType } from "../type/structural-type.ts";
import { appliedFields } from "./applied-fields.ts";
import { type Conflict, FieldConflict } from "./conflicts.ts";
import { differences } from "./differences.ts";
import { difference, type FieldSet, fieldSetOf, intersection, union, without } from "./field-set.ts";
import { capped, isSameManager, type Manager, type ManagerId } from "./managers.ts";
import { merged, withoutGivenUp } from "./merging.ts";

/** Who writes, when, and what of the object this way of writing does not touch. */
export interface FieldWrite {
  readonly type: StructuralType;
  readonly by: ManagerId;
  /** As on the wire. */
  readonly now: string;
  /** What belongs to another subresource: `status` in writes to the object itself, `spec` in writes to `/status`. */
  readonly untouched: FieldSet | undefined;
}

/** Nobody owns what names an object, and what the server alone counts. */
const ownerless = fieldSetOf([
  ["f:apiVersion"],
  ["f:kind"],
  ["f:metadata"],
  ...[
    "name",
    "namespace",
    "creationTimestamp",
    "selfLink",
    "uid",
    "clusterName",
    "generation",
    "managedFields",
    "resourceVersion",
  ].map((field) => ["f:metadata", `f:${field}`]),
]);

/**
 * The managers after a create, an update or a patch: whoever writes owns what changed, and nobody else does.
 *
 * @param before the object as it was, or of its type with nothing in it for one that is new.
 */
export function afterUpdate(
  write: FieldWrite,
  managers: readonly Manager[],
  before: unknown,
  after: unknown,
): readonly Manager[] {
  const found = touched(write, before, after);
  const rest = withoutFields(managers, found);
  const own = difference(found.changed, ownerless);
  if (own === undefined) return rest;
  const known = rest.find((one) => isSameManager(one, write.by));
  const entry: Manager = { ...write.by, time: write.now, set: union(known?.set, own) };
  return capped([...rest.filter((one) => one !== known), entry]);
}

/** What an apply comes to. */
export interface Applied {
  readonly object: unknown;
  readonly managers: readonly Manager[];
}

/** An applied object that is none of its type, with all that is wrong. */
export class Untyped extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.problems = problems;
  }
}

/**
 * Applies an object: what it says becomes the applier's, what the applier said before and says no longer goes, unless somebody
 * else owns it.
 *
 * @param live the object as it is, or of its type with nothing in it for one that is new.
 * @param force takes fields from others, where otherwise a `FieldConflict` is thrown.
 * @throws Untyped
 */
export function afterApply(
  write: FieldWrite,
  managers: readonly Manager[],
  live: unknown,
  applied: unknown,
  force: boolean,
): Applied {
  const { type, by } = write;
  const problems: string[] = [];
  const said = appliedFields(type, applied, problems);
  if (problems.length > 0) throw new Untyped(problems);
  const set = difference(without(said, write.untouched), ownerless);
  const last = managers.find((one) => isSameManager(one, by));
  const others = managers.filter((one) => one !== last);
  // Whatever names the object is said again, too, and so not given up.
  const owned = others.reduce<FieldSet | undefined>((all, one) => union(all, one.set), said);
  const object = withoutGivenUp(type, merged(type, live, applied), last?.set, owned);
  const found = touched(write, live, object);
  if (!force) refuseConflicts(others, found.changed);
  const isSame = found.changed === undefined && found.removed === undefined;
  const entry: Manager = { ...by, set, time: isSame ? last?.time : write.now };
  return { object, managers: [...withoutFields(others, found), entry] };
}

/** What is as it was in `live`, and as an earlier apply by other means says it: fields that may be taken over without force. */
export function unchangedSince(type: StructuralType, applied: unknown, live: unknown): FieldSet | undefined {
  const said = appliedFields(type, applied, []);
  const { changed, removed } = differences(type, live, applied);
  return difference(difference(said, changed), removed);
}

function touched({ type, untouched }: FieldWrite, before: unknown, after: unknown) {
  const { changed, removed } = differences(type, before, after);
  return { changed: without(changed, untouched), removed: without(removed, untouched) };
}

function withoutFields(
  managers: readonly Manager[],
  { changed, removed }: { readonly changed: FieldSet | undefined; readonly removed: FieldSet | undefined },
): readonly Manager[] {
  if (changed === undefined && removed === undefined) return managers;
  return managers.flatMap((one) => {
    const set = difference(difference(one.set, changed), removed);
    return set === undefined ? [] : [set === one.set ? one : { ...one, set }];
  });
}

function refuseConflicts(others: readonly Manager[], changed: FieldSet | undefined): void {
  const conflicts = others.flatMap((manager): Conflict[] => {
    const fields = intersection(manager.set, changed);
    return fields === undefined ? [] : [{ manager, fields }];
  });
  if (conflicts.length > 0) throw new FieldConflict(conflicts);
}
