import type { KubernetesObject } from "../../../api/core.ts";
import type { Instant } from "../../../time/clock.ts";
import type { Random } from "../identity.ts";
import type { Fields } from "../json.ts";
import type { NameRule } from "../names.ts";
import type { FieldError } from "../refusal.ts";
import type { SelectableFields } from "../selectors.ts";
import type { ServiceAddresses } from "../service-addresses.ts";

/** An object with all its fields. */
export type ApiObject = KubernetesObject & Fields;

export interface WriteContext {
  readonly now: Instant;
  readonly serviceAddresses: ServiceAddresses;
  /** For generated names. */
  readonly random: Random;
  /** Another object, as it is stored. */
  find(collection: string, namespace: string, name: string): ApiObject | undefined;
}

/** What is particular to one kind. Everything else is the same for all. */
export interface Rules {
  /** Whether objects have `metadata.generation`. */
  readonly hasGeneration: boolean;
  /** Whether another annotation counts the generation on as another spec does. */
  readonly countsAnnotations: boolean;
  /** Paths besides `spec` that a write to `/status` leaves as they are. */
  readonly untouchedByStatus: readonly (readonly string[])[];
  /** What DELETE answers when the object is gone at once. */
  readonly deletionAnswer: "object" | "status";
  /** Whether PUT of a name that does not exist creates it. */
  readonly createsOnUpdate: boolean;
  /** Whether PUT must carry `metadata.resourceVersion`. */
  readonly needsVersionOnUpdate: boolean;
  readonly nameRule: NameRule;
  readonly selectable: SelectableFields;
  /** What whoever creates this object is told, although it is accepted. */
  creationWarnings(object: ApiObject): readonly string[];
  /** Adds what the server adds to every object it reads from a client, at creation and later. */
  withDefaults(object: ApiObject): ApiObject;
  /** Adds what is decided once; drops what a client cannot set. */
  beforeCreate(object: ApiObject, context: WriteContext): ApiObject;
  /** As `beforeCreate`, for a change of `old`; the status is `old`'s already when the kind has a status subresource. */
  beforeUpdate(object: ApiObject, old: ApiObject, context: WriteContext): ApiObject;
  /** For a write to `/status`; everything but status and metadata is `old`'s already. */
  beforeStatusUpdate(object: ApiObject, old: ApiObject): ApiObject;
  /** What is wrong with the object, metadata aside. `old` is there for an update. */
  validate(object: ApiObject, old?: ApiObject): readonly FieldError[];
  /** What is wrong with the status that is written to `/status`. */
  validateStatus(object: ApiObject, old?: ApiObject): readonly FieldError[];
}
