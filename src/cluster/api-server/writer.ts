import type { KubernetesObject, ObjectMeta } from "../../api/core.ts";
import { equalJson } from "../../api/equal-json.ts";
import type { User } from "../../kubernetes/transport.ts";
import { type Clock, formatTime } from "../../time/clock.ts";
import { freeze } from "../store/freeze.ts";
import type { Store } from "../store/store.ts";
import {
  checkPreconditions,
  finalizersFor,
  isReadyToGo,
  lastState,
  markedForDeletion,
  remainingGrace,
} from "./deletion.ts";
import { generatedName, newUid, type Random } from "./identity.ts";
import { type Fields, fieldsOf, withFields } from "./json.ts";
import type { Kind } from "./kind.ts";
import type { ApiObject, WriteContext } from "./kinds/rules.ts";
import { metadataErrors } from "./names.ts";
import {
  checkName,
  checkNamespace,
  checkNewFinalizers,
  checkUid,
  checkVersion,
  hasSubresource,
  metadataOf,
  withGeneration,
} from "./object-metadata.ts";
import type { DeletionOptions, WriteOptions } from "./options.ts";
import { applyPatch, type SentChange } from "./patch/patch.ts";
import {
  alreadyExists,
  badRequest,
  type FieldError,
  fieldError,
  forbidden,
  internalError,
  invalid,
  notFound,
  serverError,
} from "./refusal.ts";
import { type BodyType, readBody, readPatched, type SentObject } from "./sent-object.ts";
import type { ServiceAddresses } from "./service-addresses.ts";

/** Which object a write means. */
export interface Place {
  readonly kind: Kind;
  /** Empty for kinds without. */
  readonly namespace: string;
  readonly name: string;
}

/** What a write came to. */
export interface Written {
  readonly object: KubernetesObject;
  readonly warnings: readonly string[];
  readonly created: boolean;
}

/** What a deletion came to: the object's state now, and whether it is gone. */
export interface Deleted {
  readonly object: KubernetesObject;
  readonly gone: boolean;
}

interface WriterOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly serviceAddresses: ServiceAddresses;
  readonly random: Random;
  /** Whether any version of the API has such a kind. */
  readonly isServed: (apiVersion: string, kind: string) => boolean;
  /** Throws a refusal of what is well formed, and yet not for this user to write. */
  readonly check: (kind: Kind, object: ApiObject, old: ApiObject | undefined, user: User | undefined) => void;
}

const terminatingCause = "NamespaceTerminating";
const protectedNamespaces = new Set(["default", "kube-system", "kube-public"]);

/** Every way in which an object can change, the same for all kinds. Throws a `Refusal` for what cannot be. */
export class Writer {
  readonly #options: WriterOptions;

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  create(kind: Kind, namespace: string, body: unknown, options: WriteOptions): Written {
    const { object: sent, warnings } = readBody(kind, body, options.fieldValidation, this.#options.isServed);
    if (sent.metadata.resourceVersion !== undefined) {
      throw serverError("resourceVersion should not be set on objects to be created");
    }
    checkNamespace(sent, namespace);
    const named = this.#withNewMetadata(kind, sent, namespace);
    this.#checkNamespaceTakesContent(kind, namespace, named.metadata.name);
    // Built-in kinds say themselves what becomes of a status that comes with a new object.
    const dropsStatus = kind.info.custom && hasSubresource(kind, "status");
    const bare = dropsStatus ? (withFields(named, { status: undefined }) as ApiObject) : named;
    const object = kind.rules.beforeCreate(kind.rules.withDefaults(bare), this.#context());
    this.#options.check(kind, object, undefined, options.user);
    this.#validate(kind, object, (one) => kind.rules.validate(one));
    if (this.#get({ kind, namespace, name: object.metadata.name }) !== undefined) {
      throw alreadyExists(kind.info, object.metadata.name);
    }
    return {
      object: this.#put(kind, object, options.dryRun),
      warnings: [...warnings, ...kind.rules.creationWarnings(object)],
      created: true,
    };
  }

  /**
   * An object as a client wants it, checked to be the one at `place`: from the body of a PUT or POST, or what a patch makes of
   * `shown`. Throws a refusal for what is no such object.
   */
  readChange(
    type: BodyType,
    { namespace, name }: Pick<Place, "namespace" | "name">,
    { body, patchType }: SentChange,
    { fieldValidation }: WriteOptions,
    shown: () => KubernetesObject | Fields = () => ({}),
  ): SentObject {
    const { isServed } = this.#options;
    const sent =
      patchType === undefined
        ? readBody(type, body, fieldValidation, isServed)
        : readPatched(type, applyPatch(type, shown(), body, patchType), fieldValidation, isServed);
    checkNamespace(sent.object, namespace);
    checkName(sent.object, name);
    return sent;
  }

  /** The body of a POST to a kind that is answered, not stored. Throws a refusal for what is none. */
  readReview(
    type: BodyType,
    namespace: string,
    body: unknown,
    { fieldValidation }: WriteOptions,
  ): SentObject {
    const { object, warnings } = readBody(type, body, fieldValidation, this.#options.isServed);
    if (namespace !== "") checkNamespace(object, namespace);
    const metadata = withFields(object.metadata, {
      name: object.metadata.name === "" ? undefined : object.metadata.name,
      namespace: namespace === "" ? object.metadata.namespace : namespace,
    });
    return { object: { ...object, metadata }, warnings };
  }

  /** The body of a POST to a subresource that has a kind of its own. Throws a refusal for what is none, or one of another object. */
  readSubresource(
    type: BodyType,
    { namespace, name }: Place,
    body: unknown,
    { fieldValidation }: WriteOptions,
  ): SentObject {
    const sent = readBody(type, body, fieldValidation, this.#options.isServed);
    checkNamespace(sent.object, namespace);
    if (sent.object.metadata.name === name) return sent;
    throw badRequest(`name in URL does not match name in ${type.info.kind} object`);
  }

  update(place: Place, body: unknown, options: WriteOptions, subresource?: string): Written {
    const { kind, namespace, name } = place;
    const { object: sent, warnings } = this.readChange(kind, place, { body }, options);
    const old = this.#get(place);
    if (old === undefined) {
      if (!kind.rules.createsOnUpdate || subresource !== undefined) throw notFound(kind.info, name);
      return this.create(kind, namespace, body, options);
    }
    if (sent.metadata.resourceVersion === undefined && kind.rules.needsVersionOnUpdate) {
      const error = fieldError.invalid("metadata.resourceVersion", 0, "must be specified for an update");
      throw invalid({ ...kind.info, kind: kind.info.plural }, name, [error]);
    }
    checkUid(kind, old, sent);
    return { object: this.change(kind, old, sent, options, subresource), warnings, created: false };
  }

  patch(
    place: Place,
    patch: unknown,
    contentType: string,
    options: WriteOptions,
    subresource?: string,
  ): Written {
    const { kind, name } = place;
    const old = this.#get(place);
    if (old === undefined) throw notFound(kind.info, name);
    const change = { body: patch, patchType: contentType };
    const { object: sent, warnings } = this.readChange(kind, place, change, options, () => kind.show(old));
    const { uid } = sent.metadata;
    if (uid !== undefined && uid !== old.metadata.uid) {
      const error = fieldError.invalid("metadata.uid", uid, "field is immutable");
      throw invalid(kind.info, name, [error]);
    }
    return { object: this.change(kind, old, sent, options, subresource), warnings, created: false };
  }

  /** Replaces the whole stored object as it is; for subresources, which check themselves what they change. */
  replace(kind: Kind, old: ApiObject, object: ApiObject, options: WriteOptions): KubernetesObject {
    checkVersion(kind, old, object);
    const next = { ...object, metadata: metadataOf(object.metadata, old.metadata) };
    return this.#commit(kind, old, next, options);
  }

  delete(place: Place, options: DeletionOptions): Deleted {
    const { kind, name } = place;
    const old = this.#get(place);
    if (old === undefined) throw notFound(kind.info, name);
    checkPreconditions(kind, old, options);
    if (kind.collection === "namespaces") return this.#deleteNamespace(kind, old, options);
    const finalizers = finalizersFor(old.metadata.finalizers ?? [], options.propagationPolicy);
    const grace = kind.collection === "pods" ? remainingGrace(old, options.gracePeriodSeconds) : 0;
    const now = this.#options.clock.now();
    if (grace === 0 && finalizers.length === 0) {
      return { object: this.#remove(place, lastState(kind, old, now), options), gone: true };
    }
    const marked = markedForDeletion(old, now, grace, finalizers);
    if (equalJson(marked, old)) return { object: old, gone: false };
    return { object: this.#put(kind, marked, options.dryRun), gone: false };
  }

  /** Makes of a stored object what `sent` wants, as far as a client may: its status, or all but that. */
  change(
    kind: Kind,
    old: ApiObject,
    sent: ApiObject,
    options: WriteOptions,
    subresource?: string,
  ): KubernetesObject {
    checkVersion(kind, old, sent);
    const metadata = metadataOf(sent.metadata, old.metadata);
    const isStatus = subresource === "status";
    const next = isStatus
      ? this.#withStatus(kind, old, sent, metadata)
      : this.#withContent(kind, old, sent, metadata);
    checkNewFinalizers(kind, old, next);
    const { rules } = kind;
    const errorsOf = (one: ApiObject): readonly FieldError[] => {
      const before = one === next ? old : undefined;
      return isStatus ? rules.validateStatus(one, before) : rules.validate(one, before);
    };
    this.#options.check(kind, next, old, options.user);
    this.#validate(kind, next, errorsOf, old);
    return this.#commit(kind, old, isStatus ? next : withGeneration(kind, next, old), options);
  }

  #deleteNamespace(kind: Kind, old: ApiObject, options: DeletionOptions): Deleted {
    const { name } = old.metadata;
    if (protectedNamespaces.has(name)) throw forbidden(kind.info, name, "this namespace may not be deleted");
    if (old.metadata.deletionTimestamp !== undefined) return { object: old, gone: false };
    const terminating = {
      ...old,
      metadata: { ...old.metadata, deletionTimestamp: this.#now() },
      status: { ...fieldsOf(old.status), phase: "Terminating" },
    };
    return { object: this.#put(kind, terminating, options.dryRun), gone: false };
  }

  #commit(kind: Kind, old: ApiObject, next: ApiObject, options: WriteOptions): KubernetesObject {
    const { namespace = "", name } = old.metadata;
    if (isReadyToGo(next)) return this.#remove({ kind, namespace, name }, next, options);
    return equalJson(next, old) ? old : this.#put(kind, next, options.dryRun);
  }

  #withContent(kind: Kind, old: ApiObject, sent: ApiObject, metadata: ObjectMeta): ApiObject {
    const object = kind.rules.withDefaults({ ...sent, metadata });
    const kept = hasSubresource(kind, "status")
      ? (withFields(object, { status: old.status }) as ApiObject)
      : object;
    return kind.rules.beforeUpdate(kept, old, this.#context());
  }

  #withStatus(kind: Kind, old: ApiObject, sent: ApiObject, metadata: ObjectMeta): ApiObject {
    const object = withFields(old, {
      status: sent.status,
      metadata: kind.info.custom ? old.metadata : metadata,
    }) as ApiObject;
    return kind.rules.beforeStatusUpdate(object, old);
  }

  #withNewMetadata(kind: Kind, sent: ApiObject, namespace: string): ApiObject {
    const { name, generateName = "" } = sent.metadata;
    return {
      ...sent,
      metadata: withFields(sent.metadata, {
        name: name === "" && generateName !== "" ? this.#freeName(kind, namespace, generateName) : name,
        namespace: namespace === "" ? undefined : namespace,
        uid: newUid(this.#options.random),
        creationTimestamp: this.#now(),
        generation: kind.rules.hasGeneration ? 1 : undefined,
        deletionTimestamp: undefined,
        deletionGracePeriodSeconds: undefined,
        selfLink: undefined,
        managedFields: undefined,
      }),
    };
  }

  #freeName(kind: Kind, namespace: string, prefix: string): string {
    for (let tries = 0; tries < 8; tries += 1) {
      const name = generatedName(prefix, this.#options.random);
      if (this.#get({ kind, namespace, name }) === undefined) return name;
    }
    throw internalError(`no free name for generateName ${prefix}`);
  }

  #checkNamespaceTakesContent(kind: Kind, namespace: string, name: string): void {
    if (!kind.info.namespaced) return;
    const owner = this.#options.store.get("namespaces", "", namespace);
    if (owner === undefined) throw notFound({ group: "", plural: "namespaces" }, namespace);
    if (owner.metadata.deletionTimestamp === undefined) return;
    const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
    throw forbidden(kind.info, name, why, [
      {
        reason: terminatingCause,
        message: `namespace ${namespace} is being terminated`,
        field: "metadata.namespace",
      },
    ]);
  }

  /** Refuses what `validate` finds, unless it finds the same in `old`: what was let in once must not keep the rest from being changed. */
  #validate(
    kind: Kind,
    object: ApiObject,
    validate: (object: ApiObject) => readonly FieldError[],
    old?: ApiObject,
  ): void {
    const errorsOf = (one: ApiObject, errors: readonly FieldError[]): readonly FieldError[] => [
      ...metadataErrors(one.metadata as unknown as Fields, kind.rules.nameRule),
      ...errors,
    ];
    const errors = errorsOf(object, validate(object));
    if (errors.length === 0) return;
    // Custom kinds compare field by field themselves.
    const knownOf = (before: ApiObject) => errorsOf(before, kind.info.custom ? [] : validate(before));
    const known = new Set(old === undefined ? [] : knownOf(old).map(identityOf));
    const own = errors.filter((error) => !known.has(identityOf(error)));
    if (own.length > 0) throw invalid(kind.info, object.metadata.name, own);
  }

  /** All objects of a collection in one namespace. */
  stored(collection: string, namespace: string): readonly ApiObject[] {
    return this.#options.store.list(collection, namespace) as readonly ApiObject[];
  }

  #get({ kind, namespace, name }: Place): ApiObject | undefined {
    return this.#options.store.get(kind.collection, namespace, name) as ApiObject | undefined;
  }

  #put(kind: Kind, object: ApiObject, dryRun: boolean): KubernetesObject {
    return dryRun ? freeze(object) : this.#options.store.put(kind.collection, object);
  }

  #remove(
    { kind, namespace, name }: Place,
    last: ApiObject,
    { dryRun }: { readonly dryRun: boolean },
  ): KubernetesObject {
    if (dryRun) return last;
    const removed = this.#options.store.remove(kind.collection, namespace, name);
    const { resourceVersion } = removed?.metadata ?? last.metadata;
    return freeze({ ...last, metadata: withFields(last.metadata, { resourceVersion }) });
  }

  #context(): WriteContext {
    return { now: this.#options.clock.now(), serviceAddresses: this.#options.serviceAddresses };
  }

  #now(): string {
    return formatTime(this.#options.clock.now());
  }
}

function identityOf({ field, message }: FieldError): string {
  return `${field}\0${message}`;
}
