import { type Fields, isFields, textOf } from "../json.ts";
import type { FieldSet } from "./field-set.ts";
import { union } from "./field-set.ts";
import { FieldsText, setOfText, textOfFields, textOfSet } from "./fields-text.ts";

/** Who wrote some fields, and how. */
export interface ManagerId {
  readonly manager: string;
  readonly operation: "Apply" | "Update";
  readonly apiVersion: string;
  /** Empty for the object itself. */
  readonly subresource: string;
}

/** One entry of `metadata.managedFields`, to compute with. */
export interface Manager extends ManagerId {
  /** When its fields changed last, as on the wire; undefined for one that has changed nothing. */
  readonly time: string | undefined;
  readonly set: FieldSet | undefined;
}

/** An entry of `metadata.managedFields` as it is kept, and with its text made an object as on the wire. */
interface Entry {
  readonly manager: string;
  readonly operation: string;
  readonly apiVersion: string;
  readonly time?: string;
  readonly fieldsType: "FieldsV1";
  readonly fieldsV1: FieldsText;
  readonly subresource?: string;
}

export type ManagedFields = readonly Entry[];

/** The managers of kept or sent entries; undefined when one of them is none. */
export function managersOf(entries: unknown): readonly Manager[] | undefined {
  if (entries === undefined || entries === null) return [];
  if (!Array.isArray(entries)) return undefined;
  const managers = entries.map(managerOf);
  return managers.includes(undefined) ? undefined : (managers as Manager[]);
}

function managerOf(entry: unknown): Manager | undefined {
  if (!isFields(entry)) return undefined;
  const { operation } = entry;
  const fields = textOfFields(entry.fieldsV1);
  if ((operation !== "Apply" && operation !== "Update") || fields === undefined) return undefined;
  if (entry.fieldsType !== "FieldsV1" || textOf(entry.apiVersion) === "") return undefined;
  return {
    manager: textOf(entry.manager),
    operation,
    apiVersion: textOf(entry.apiVersion),
    subresource: textOf(entry.subresource),
    time: typeof entry.time === "string" ? entry.time : undefined,
    set: setOfText(fields),
  };
}

/** The entries of some managers: those that apply first, then by time and name. */
export function entriesOf(managers: readonly Manager[]): ManagedFields {
  return managers.toSorted(compare).flatMap(({ manager, operation, apiVersion, time, subresource, set }) =>
    set === undefined
      ? []
      : [
          {
            manager,
            operation,
            apiVersion,
            ...(time === undefined ? {} : { time }),
            fieldsType: "FieldsV1" as const,
            fieldsV1: textOfSet(set),
            ...(subresource === "" ? {} : { subresource }),
          },
        ],
  );
}

const order = ["operation", "time", "manager", "apiVersion", "subresource"] as const;

function compare(a: Manager, b: Manager): number {
  for (const field of order) {
    const [left, right] = [a[field] ?? "", b[field] ?? ""];
    if (left !== right) return left < right ? -1 : 1;
  }
  return 0;
}

export function isSameManager(a: ManagerId, b: ManagerId): boolean {
  return (
    a.manager === b.manager &&
    a.operation === b.operation &&
    a.apiVersion === b.apiVersion &&
    a.subresource === b.subresource
  );
}

const mostUpdaters = 10;
const ancient = "ancient-changes";

/** Puts the oldest of too many managers that update together, one for each version of the API. */
export function capped(managers: readonly Manager[]): readonly Manager[] {
  const updaters = managers.filter(({ operation }) => operation === "Update");
  if (updaters.length <= mostUpdaters) return managers;
  let excess = updaters.length - mostUpdaters;
  const buckets = new Map<string, Manager>();
  const gone = new Set<Manager>();
  // The most recent ones stay.
  for (const old of updaters.toSorted(compare)) {
    if (excess < 0) break;
    const bucket = buckets.get(old.apiVersion);
    if (bucket === undefined) {
      buckets.set(old.apiVersion, old);
      continue;
    }
    const set = union(bucket.set, old.set);
    buckets.set(old.apiVersion, { ...old, manager: ancient, subresource: "", set });
    gone.add(old).add(bucket);
    excess -= 1;
    if (excess <= 0) break;
  }
  const joined = [...buckets.values()].filter(({ manager }) => manager === ancient);
  return [...managers.filter((one) => !gone.has(one)), ...joined];
}

/** Stored objects as they come from a journal, with their fields as texts. */
export function withFieldsAsText<T extends { readonly metadata: object }>(object: T): T {
  const { managedFields } = object.metadata as Fields;
  if (!Array.isArray(managedFields)) return object;
  const entries = managedFields.map((entry: unknown) =>
    isFields(entry) ? { ...entry, fieldsV1: textOfFields(entry.fieldsV1) ?? new FieldsText("{}") } : entry,
  );
  return { ...object, metadata: { ...object.metadata, managedFields: entries } };
}
