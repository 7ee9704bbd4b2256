import type { KubernetesObject, ObjectMeta } from "../../../api/core.ts";
import { equalJson } from "../../../api/equal-json.ts";
import { apiVersionOf } from "../../../api/resources.ts";
import { type Clock, formatTime } from "../../../time/clock.ts";
import { canonicalJson, type Fields, fieldsOf, textOf, withFields } from "../json.ts";
import type { Kind } from "../kind.ts";
import type { ApiObject } from "../kinds/rules.ts";
import { hasSubresource } from "../object-metadata.ts";
import type { WriteOptions } from "../options.ts";
import { badRequest, serverError } from "../refusal.ts";
import { zeroOf } from "../type/decode.ts";
import { conflictRefusal, FieldConflict } from "./conflicts.ts";
import { difference, type FieldSet, fieldSetOf, isEqualSet } from "./field-set.ts";
import { entriesOf, type ManagedFields, type Manager, managersOf } from "./managers.ts";
import { afterApply, afterUpdate, type FieldWrite, Untyped, unchangedSince } from "./ownership.ts";

/** A write of one object, by somebody. */
export interface OwnedWrite {
  readonly kind: Kind;
  readonly subresource: string | undefined;
  readonly options: WriteOptions;
  readonly clock: Clock;
  /** Undefined for an object that is new. */
  readonly old: ApiObject | undefined;
}

/** The object with its owners after a create, an update or a patch; `object` may bring its own `managedFields`. */
export function withOwners(write: OwnedWrite, object: ApiObject): ApiObject {
  const { old } = write;
  const sent = managedFieldsOf(object.metadata);
  const known = old === undefined ? [] : managersOf(managedFieldsOf(old.metadata));
  const isSubresource = write.subresource !== undefined;
  const managers = isSubresource ? (known ?? []) : startingManagers(write.kind, sent, known ?? []);
  // An object that nobody has an entry in is not followed, unless it is new.
  if (managers.length === 0 && old !== undefined) return withEntries(object, []);
  const after = afterUpdate(
    fieldWrite(write, "Update"),
    managers,
    old === undefined ? nothingOf(write.kind) : shownBare(write.kind, old),
    shownBare(write.kind, object),
  );
  return withEntries(object, entriesOf(after));
}

/** An empty list, or one with an empty entry, is how clients say: forget all owners. One that cannot be read says nothing. */
function startingManagers({ info }: Kind, sent: unknown, known: readonly Manager[]): readonly Manager[] {
  // Of custom kinds, an empty list is as good as none.
  if (!Array.isArray(sent) || (info.custom && sent.length === 0)) return known;
  const [first, ...more] = sent as unknown[];
  if (more.length === 0 && Object.keys(withoutEmpty(fieldsOf(first))).length === 0) return [];
  const managers = managersOf(sent);
  return managers === undefined || managers.length === 0 ? known : managers;
}

function withoutEmpty(entry: Fields): Fields {
  return Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== "" && value !== undefined));
}

const clientSideApply = "kubectl.kubernetes.io/last-applied-configuration";

/**
 * What an apply makes of an object as it is shown, with its owners. Throws the refusal of conflicts, and of what is no such
 * object.
 */
export function applied(write: OwnedWrite, sent: Fields): Fields {
  const { kind, old, options } = write;
  const known = (old === undefined ? [] : managersOf(managedFieldsOf(old.metadata))) ?? [];
  const live = old === undefined ? nothingOf(kind) : shownBare(kind, old);
  const asUpdate = fieldWrite(write, "Update");
  const before = { ...asUpdate, by: { ...asUpdate.by, manager: "before-first-apply" } };
  const managers = known.length === 0 ? afterUpdate(before, [], nothingOf(kind), live) : known;
  const apply = (force: boolean) => afterApply(fieldWrite(write, "Apply"), managers, live, sent, force);
  try {
    const { object, managers: after } = apply(options.force);
    return withEntries(
      withClientSideApply(object as ApiObject, sent, live, options.manager),
      entriesOf(after),
    );
  } catch (error) {
    if (error instanceof Untyped) throw untyped(kind, sent, error.problems);
    if (!(error instanceof FieldConflict)) throw error;
    const rest = options.manager === "kubectl" ? conflictsLeft(kind, error, live) : error.conflicts;
    if (rest.length > 0) throw conflictRefusal(rest);
    const { object, managers: after } = apply(true);
    return withEntries(
      withClientSideApply(object as ApiObject, sent, live, options.manager),
      entriesOf(after),
    );
  }
}

/** What kubectl has applied from its own side, and nobody has changed since, it may take over from there. */
function conflictsLeft(kind: Kind, { conflicts }: FieldConflict, live: Fields): FieldConflict["conflicts"] {
  const earlier = lastAppliedOf(live);
  if (earlier === undefined) return conflicts;
  const own = unchangedSince(kind.type, earlier, live);
  return conflicts.flatMap(({ manager, fields }) => {
    const rest = difference(fields, own);
    return rest === undefined ? [] : [{ manager, fields: rest }];
  });
}

function lastAppliedOf(live: Fields): unknown {
  const text = fieldsOf(fieldsOf(live.metadata).annotations)[clientSideApply];
  if (typeof text !== "string" || text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    // Whatever it is, nothing can be taken over by it.
    return undefined;
  }
}

// Kept up for the day on which somebody applies from the client's side again.
function withClientSideApply(object: ApiObject, sent: Fields, live: Fields, manager: string): ApiObject {
  if (manager !== "kubectl" || lastAppliedOf(live) === undefined) return object;
  const metadata = fieldsOf(sent.metadata);
  const { [clientSideApply]: _own, ...annotations } = fieldsOf(metadata.annotations);
  const bare = withFields(metadata, {
    annotations: metadata.annotations === undefined ? undefined : annotations,
    managedFields: undefined,
  });
  const text = `${canonicalJson({ ...sent, metadata: bare })}\n`;
  const all = { ...fieldsOf(fieldsOf(object.metadata).annotations), [clientSideApply]: text };
  return { ...object, metadata: { ...object.metadata, annotations: all as Record<string, string> } };
}

function untyped({ info }: Kind, sent: Fields, problems: readonly string[]): Error {
  const { namespace, name } = fieldsOf(sent.metadata);
  const type = `${info.group}/${info.version}, Kind=${info.kind}`;
  const where = `${textOf(namespace)}/${textOf(name)}; ${type}`;
  const [only = ""] = problems;
  const text = problems.length === 1 ? only : `errors:\n${problems.map((one) => `  ${one}`).join("\n")}`;
  return serverError(`failed to create typed patch object (${where}): ${text}`);
}

/** Refuses (400) what is not to be applied here. */
export function checkApplied({ info }: Kind, sent: Fields): void {
  const [apiVersion, kind] = [textOf(sent.apiVersion), textOf(sent.kind)];
  if (apiVersion !== apiVersionOf(info) || kind !== info.kind) {
    const type = apiVersion.includes("/") || apiVersion === "" ? apiVersion || "/" : apiVersion;
    throw badRequest(`invalid object type: ${type}, Kind=${kind}`);
  }
  const { managedFields } = fieldsOf(sent.metadata);
  if (Array.isArray(managedFields) && managedFields.length > 0)
    throw badRequest("metadata.managedFields must be nil");
}

/** The object with the owners of `old` where nothing but their times would be new. */
export function withOldTimes(object: ApiObject, old: ApiObject): ApiObject {
  const [now, before] = [managedFieldsOf(object.metadata), managedFieldsOf(old.metadata)];
  if (now === before || before === undefined) return object;
  const [managers, known] = [managersOf(now) ?? [], managersOf(before) ?? []];
  const isSame =
    managers.length === known.length && managers.every((one) => known.some((two) => isAlike(one, two)));
  return isSame ? withEntries(object, before as ManagedFields) : object;
}

function isAlike(
  { set, time: _time, ...id }: Manager,
  { set: other, time: _other, ...otherId }: Manager,
): boolean {
  return equalJson(id, otherId) && isEqualSet(set, other);
}

function fieldWrite(
  { kind, subresource, options, clock }: OwnedWrite,
  operation: "Apply" | "Update",
): FieldWrite {
  return {
    type: kind.type,
    by: {
      manager: options.manager,
      operation,
      apiVersion: apiVersionOf(kind.info),
      subresource: subresource ?? "",
    },
    now: formatTime(clock.now()),
    untouched: untouchedBy(kind, subresource),
  };
}

const status = fieldSetOf([["f:status"]]);
const untouchedByStatus = new WeakMap<Kind, FieldSet | undefined>();

function untouchedBy(kind: Kind, subresource: string | undefined): FieldSet | undefined {
  if (subresource !== "status") return hasSubresource(kind, "status") ? status : undefined;
  if (!untouchedByStatus.has(kind)) {
    const paths = [["spec"], ...kind.rules.untouchedByStatus];
    untouchedByStatus.set(kind, fieldSetOf(paths.map((path) => path.map((field) => `f:${field}`))));
  }
  return untouchedByStatus.get(kind);
}

/** An object of the kind with nothing in it. */
function nothingOf({ type, info }: Kind): Fields {
  return info.custom ? {} : fieldsOf(zeroOf(type));
}

/** As clients see it, without its owners. */
function shownBare(kind: Kind, object: ApiObject): Fields {
  const { metadata, ...content } = kind.form?.(object) ?? object;
  return { ...content, metadata: withFields(metadata, { managedFields: undefined }) };
}

function managedFieldsOf(metadata: ObjectMeta): unknown {
  return (metadata as Fields & ObjectMeta).managedFields;
}

function withEntries<T extends KubernetesObject | ApiObject>(object: T, entries: ManagedFields): T {
  const managedFields = entries.length === 0 ? undefined : entries;
  return { ...object, metadata: withFields(object.metadata, { managedFields }) };
}
