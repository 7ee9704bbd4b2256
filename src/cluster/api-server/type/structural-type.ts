import type { Schema } from "../resource-info.ts";
import type { Scalar } from "../scalars.ts";

/**
 * What the values of one place of an object are: made once for each kind, of the data about Kubernetes' own API
 * (`built-in-type.ts`) or of the schema in a CustomResourceDefinition (`custom-type.ts`). Whatever walks an object (reading,
 * pruning, defaults, validation, patches, ownership of fields) walks its type.
 */
export type StructuralType = ObjectType | ListType | ScalarType | OpenType;

interface Checked {
  /**
   * Of a custom kind: what values must keep, which is judged after they were read. Undefined for a built-in kind, of which a
   * value of a wrong type cannot be read at all.
   */
  readonly checks: Schema | undefined;
}

/** An object with named fields, a map of any keys to one type, or both. */
export interface ObjectType extends Checked {
  readonly is: "object";
  /** `io.k8s.api.core.v1.Pod`; empty for what has no name. */
  readonly name: string;
  readonly fields: ReadonlyMap<string, Field>;
  /** What all fields are that have no name here. */
  readonly further: Field | undefined;
  /** Whether fields that are neither named nor further ones are kept rather than dropped. */
  readonly keepsUnknown: boolean;
  /** Whether it has one owner as a whole (`x-kubernetes-map-type: atomic`). */
  readonly isAtomic: boolean;
}

export interface ListType extends Checked {
  readonly is: "list";
  readonly element: StructuralType;
  /** Whether it has one owner as a whole, or each element has: told apart by its value (set) or by `keys` (map). */
  readonly listType: "atomic" | "set" | "map";
  readonly keys: readonly string[];
}

export interface ScalarType extends Checked {
  readonly is: "scalar";
  /** How the text or number is read; undefined where it is kept as sent. */
  readonly scalar: Scalar | undefined;
}

/** Any JSON value, kept as it is. */
export interface OpenType extends Checked {
  readonly is: "open";
}

export interface Field {
  readonly type: StructuralType;
  /** `always` is shown when zero, `omitted` is left out when zero, `optional` is kept as sent. */
  readonly presence: "always" | "omitted" | "optional";
  /** What the schema says a missing value means. Built-in kinds have their defaults elsewhere; this is for keys of lists. */
  readonly default: unknown;
  /** As strategic merge patches go: `merge`, `replace`, `retainKeys`. */
  readonly patchStrategy: readonly string[];
  readonly patchMergeKey: string | undefined;
}

export const openType: OpenType = { is: "open", checks: undefined };

const noPatch = { patchStrategy: [], patchMergeKey: undefined } as const;

/** A field about which there is nothing particular. */
export function plainField(type: StructuralType, value?: unknown): Field {
  return { type, presence: "optional", default: value, ...noPatch };
}

/** The field of this name, be it a named or a further one; undefined for an unknown one. */
export function fieldOf(type: StructuralType, name: string): Field | undefined {
  return type.is === "object" ? (type.fields.get(name) ?? type.further) : undefined;
}
