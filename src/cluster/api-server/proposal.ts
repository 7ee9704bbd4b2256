import type { KubernetesObject, ObjectMeta } from "../../api/core.ts";
import { type Fields, withFields } from "./json.ts";
import type { Kind } from "./kind.ts";
import type { ApiObject, WriteContext } from "./kinds/rules.ts";
import { metadataErrors } from "./names.ts";
import { checkNewFinalizers, hasSubresource, withGeneration } from "./object-metadata.ts";
import type { WriteOptions } from "./options.ts";
import { type FieldError, invalid } from "./refusal.ts";

/** A write that has been asked for and read, and not yet been judged. */
export interface Draft {
  readonly kind: Kind;
  /** Empty for kinds without. */
  readonly namespace: string;
  readonly name: string;
  /** The object that was looked at; undefined for one that is new. */
  readonly old: ApiObject | undefined;
  /** What it shall be, with defaults and owners. */
  readonly object: ApiObject;
  readonly subresource: string | undefined;
  readonly options: WriteOptions;
  readonly warnings: readonly string[];
}

/** What is to be stored, if the object is still the one that was looked at. */
export interface Proposal {
  readonly draft: Draft;
  readonly next: ApiObject;
}

/**
 * Makes of a draft what is to be stored: adds what the server decides, leaves what this way of writing does not touch, counts
 * the generation. Changes nothing; throws the refusal of an object that cannot be.
 */
export function propose(draft: Draft, context: WriteContext): Proposal {
  const { kind, old } = draft;
  if (old === undefined) {
    const next = kind.rules.beforeCreate(draft.object, context);
    validate(kind, next, (one) => kind.rules.validate(one));
    return { draft, next };
  }
  const isStatus = draft.subresource === "status";
  const next = isStatus ? withStatus(draft, old) : withContent(draft, old, context);
  checkNewFinalizers(kind, old, next);
  const { rules } = kind;
  const errorsOf = (one: ApiObject): readonly FieldError[] => {
    const before = one === next ? old : undefined;
    return isStatus ? rules.validateStatus(one, before) : rules.validate(one, before);
  };
  validate(kind, next, errorsOf, old);
  return { draft, next: isStatus ? next : withGeneration(kind, next, old) };
}

function withContent({ kind, object }: Draft, old: ApiObject, context: WriteContext): ApiObject {
  const kept = hasSubresource(kind, "status")
    ? (withFields(object, { status: old.status }) as ApiObject)
    : object;
  return kind.rules.beforeUpdate(kept, old, context);
}

function withStatus({ kind, object }: Draft, old: ApiObject): ApiObject {
  const { managedFields } = object.metadata as ObjectMeta & Fields;
  const metadata = kind.info.custom ? withFields(old.metadata, { managedFields }) : object.metadata;
  const next = withFields(old, { status: object.status, metadata }) as ApiObject;
  return kind.rules.beforeStatusUpdate(next, old);
}

/** Refuses what `errorsOf` finds, unless it finds the same in `old`: what was let in once must not keep the rest from being changed. */
function validate(
  kind: Kind,
  object: ApiObject,
  errorsOf: (object: ApiObject) => readonly FieldError[],
  old?: ApiObject,
): void {
  const all = (one: ApiObject, errors: readonly FieldError[]): readonly FieldError[] => [
    ...metadataErrors(one.metadata as unknown as Fields, kind.rules.nameRule),
    ...errors,
  ];
  const errors = all(object, errorsOf(object));
  if (errors.length === 0) return;
  // Custom kinds compare field by field themselves.
  const knownOf = (before: ApiObject) => all(before, kind.info.custom ? [] : errorsOf(before));
  const known = new Set(old === undefined ? [] : knownOf(old).map(identityOf));
  const own = errors.filter((error) => !known.has(identityOf(error)));
  if (own.length > 0) throw invalid(kind.info, object.metadata.name, own);
}

function identityOf({ field, message }: FieldError): string {
  return `${field}\0${message}`;
}

/** What a write came to. */
export interface Written {
  readonly object: KubernetesObject;
  readonly warnings: readonly string[];
  readonly created: boolean;
}
