import type { KubernetesObject } from "../../api/core.ts";
import { equalJson } from "../../api/equal-json.ts";
import type { User } from "../../kubernetes/transport.ts";
import { type Clock, formatTime } from "../../time/clock.ts";
import { freeze } from "../store/freeze.ts";
import type { Store } from "../store/store.ts";
import type { Admission, Attempt, Reviewers } from "./admission/admission.ts";
import { BodyReader } from "./body-reader.ts";
import {
  checkPreconditions,
  finalizersFor,
  isReadyToGo,
  lastState,
  markedForDeletion,
  remainingGrace,
} from "./deletion.ts";
import { applied, checkApplied, withOldTimes, withOwners } from "./field-ownership/owners.ts";
import { generatedName, newUid, type Random } from "./identity.ts";
import { fieldsOf, isFields, withFields } from "./json.ts";
import type { Kind } from "./kind.ts";
import type { ApiObject } from "./kinds/rules.ts";
import { checkNamespace, checkUid, checkVersion, hasSubresource, metadataOf } from "./object-metadata.ts";
import type { DeletionOptions, WriteOptions } from "./options.ts";
import type { SentChange } from "./patch/patch.ts";
import { type Draft, type Proposal, propose, type Written } from "./proposal.ts";
import {
  alreadyExists,
  badRequest,
  conflict,
  fieldError,
  forbidden,
  internalError,
  invalid,
  modifiedMeanwhile,
  notFound,
  serverError,
} from "./refusal.ts";
import type { SentObject } from "./sent-object.ts";
import type { ServiceAddresses } from "./service-addresses.ts";
import { withUnchangedParts } from "./unchanged-parts.ts";

/** Which object a write means. */
export interface Place {
  readonly kind: Kind;
  /** Empty for kinds without. */
  readonly namespace: string;
  readonly name: string;
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
  /** Throws a refusal of a user who may change such an object, and not create it. */
  readonly checkCreation: (place: Place, user: User | undefined) => void;
  /** Who is asked before a write; nobody without. */
  readonly admission?: Admission | undefined;
}

const terminatingCause = "NamespaceTerminating";
const protectedNamespaces = new Set(["default", "kube-system", "kube-public"]);

/** At once, unless somebody has to be asked before. */
export type Soon<T> = T | Promise<T>;

/** How often a write starts anew when its object has changed while somebody was asked. */
const mostTries = 5;

/**
 * Every way in which an object can change, the same for all kinds, in three steps. A *draft* says what is asked for, given the
 * object as it is; `propose` makes of it what would be stored; a *commit* stores it if the object is still the one that was looked
 * at. Those who have a say in it (admission) are asked in between, and without any all three happen in one turn.
 * Throws a `Refusal` for what cannot be.
 */
export class Writer {
  readonly bodies: BodyReader;
  readonly #options: WriterOptions;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.bodies = new BodyReader(options.isServed);
  }

  create(kind: Kind, namespace: string, body: unknown, options: WriteOptions): Soon<Written> {
    const { object: sent, warnings } = this.bodies.object(kind, body, options);
    checkNamespace(sent, namespace);
    return this.#carryOut(() => this.#creation(kind, namespace, sent, warnings, options));
  }

  update(place: Place, body: unknown, options: WriteOptions, subresource?: string): Soon<Written> {
    const { kind, name } = place;
    const sent = this.bodies.change(kind, place, { body }, options);
    if (this.#get(place) === undefined && kind.rules.createsOnUpdate && subresource === undefined) {
      this.#options.checkCreation(place, options.user);
      return this.create(kind, place.namespace, body, options);
    }
    const toWanted = (old: ApiObject): SentObject => {
      if (sent.object.metadata.resourceVersion === undefined && kind.rules.needsVersionOnUpdate) {
        const error = fieldError.invalid("metadata.resourceVersion", 0, "must be specified for an update");
        throw invalid({ ...kind.info, kind: kind.info.plural }, name, [error]);
      }
      checkUid(kind, old, sent.object);
      return sent;
    };
    return this.change(place, toWanted, options, subresource);
  }

  patch(place: Place, change: SentChange, options: WriteOptions, subresource?: string): Soon<Written> {
    const { kind, name } = place;
    const toPatched = (old: ApiObject): SentObject => {
      const sent = this.bodies.change(kind, place, change, options, () => kind.show(old));
      const { uid } = sent.object.metadata;
      if (uid === undefined || uid === old.metadata.uid) return sent;
      throw invalid(kind.info, name, [fieldError.invalid("metadata.uid", uid, "field is immutable")]);
    };
    return this.change(place, toPatched, options, subresource);
  }

  /** Server-side apply: `body` says what of the object shall be so, and belongs to whoever applies it. */
  apply(place: Place, body: unknown, options: WriteOptions, subresource?: string): Soon<Written> {
    const { kind, namespace, name } = place;
    if (!isFields(body)) throw badRequest("the body of an apply must be an object");
    checkApplied(kind, body);
    const { clock } = this.#options;
    return this.#carryOut(() => {
      const old = this.#get(place);
      if (old === undefined && subresource !== undefined) throw notFound(kind.info, name);
      if (old === undefined) this.#options.checkCreation(place, options.user);
      const shown = applied({ kind, subresource, options, clock, old }, body);
      const { object: sent } = this.bodies.change(
        kind,
        place,
        { body: shown },
        { fieldValidation: "Ignore" },
      );
      return old === undefined
        ? this.#creation(kind, namespace, sent, [], options, true)
        : this.#changeOf(kind, old, { object: sent, warnings: [] }, options, subresource, true);
    });
  }

  /** Makes of a stored object what `wantedFrom` says, as far as a client may: its status, or all but that. */
  change(
    place: Place,
    wantedFrom: (old: ApiObject) => SentObject,
    options: WriteOptions,
    subresource?: string,
  ): Soon<Written> {
    return this.#carryOut(() => {
      const old = this.#existing(place);
      return this.#changeOf(place.kind, old, wantedFrom(old), options, subresource);
    });
  }

  /** Replaces the whole stored object as it is; for subresources, which check themselves what they change. */
  replace(kind: Kind, old: ApiObject, object: ApiObject, options: WriteOptions): KubernetesObject {
    checkVersion(kind, old, object);
    const next = { ...object, metadata: metadataOf(object.metadata, old.metadata) };
    return this.#store(kind, old, next, options.dryRun);
  }

  delete(place: Place, options: DeletionOptions): Soon<Deleted> {
    const old = this.#existing(place);
    const { kind, namespace, name } = place;
    const { dryRun, user } = options;
    const about = { operation: "DELETE", kind, namespace, name, subresource: undefined } as const;
    const attempt: Attempt = { ...about, object: undefined, old, dryRun, user };
    const reviewers = this.#options.admission?.reviewersOf(attempt);
    if (reviewers === undefined) return this.#deleteNow(place, options);
    const afterReview = async (): Promise<Deleted> => {
      await reviewers.change(attempt);
      await reviewers.judge(attempt);
      return this.#deleteNow(place, options);
    };
    return afterReview();
  }

  /** Drafts, proposes and commits; again if the object has changed while somebody was asked. */
  #carryOut(draftNow: () => Draft): Soon<Written> {
    const draft = draftNow();
    const reviewers = this.#options.admission?.reviewersOf(attemptOf(draft, draft.object));
    if (reviewers === undefined) return this.#commit(this.#propose(draft));
    return this.#carryOutReviewed(draftNow, draft, reviewers);
  }

  async #carryOutReviewed(draftNow: () => Draft, first: Draft, reviewers: Reviewers): Promise<Written> {
    let draft = first;
    for (let tries = 1; ; tries += 1) {
      const changed = await reviewers.change(attemptOf(draft, draft.object));
      const admitted = this.#admitted(draft, changed.object ?? draft.object);
      const { next } = this.#propose(admitted);
      const told = await reviewers.judge(attemptOf(admitted, next));
      if (this.#get(draft) === draft.old) {
        // Anew, because what it stands beside may have changed: addresses that are given away once.
        const written = this.#commit(this.#propose(admitted));
        return { ...written, warnings: [...written.warnings, ...changed.warnings, ...told] };
      }
      if (tries === mostTries) throw conflict(draft.kind.info, draft.name, modifiedMeanwhile);
      draft = draftNow();
    }
  }

  /** A draft as reviewers have changed it: read and given its defaults like any other. */
  #admitted(draft: Draft, object: ApiObject): Draft {
    if (object === draft.object) return draft;
    const { kind } = draft;
    const { object: read } = this.bodies.object(kind, object, { fieldValidation: "Ignore" });
    return { ...draft, object: kind.rules.withDefaults({ ...read, metadata: read.metadata }) };
  }

  #propose(draft: Draft): Proposal {
    const { kind, object, old, options } = draft;
    this.#options.check(kind, object, old, options.user);
    const { clock, serviceAddresses, random, store } = this.#options;
    return propose(draft, {
      now: clock.now(),
      serviceAddresses,
      random,
      find: (collection, namespace, name) => store.get(collection, namespace, name) as ApiObject | undefined,
    });
  }

  #commit({ draft, next }: Proposal): Written {
    const { kind, old, options } = draft;
    if (old !== undefined) {
      const object = this.#store(kind, old, next, options.dryRun);
      return { object, warnings: draft.warnings, created: false };
    }
    const { name } = next.metadata;
    if (this.#get({ ...draft, name }) !== undefined) throw alreadyExists(kind.info, name);
    const warnings = [...draft.warnings, ...kind.rules.creationWarnings(next)];
    return { object: this.#put(kind, next, options.dryRun), warnings, created: true };
  }

  #creation(
    kind: Kind,
    namespace: string,
    sent: ApiObject,
    warnings: readonly string[],
    options: WriteOptions,
    isOwned = false,
  ): Draft {
    if (sent.metadata.resourceVersion !== undefined) {
      throw serverError("resourceVersion should not be set on objects to be created");
    }
    const named = this.#withNewMetadata(kind, sent, namespace);
    const { name } = named.metadata;
    this.#checkNamespaceTakesContent(kind, namespace, name);
    // Built-in kinds say themselves what becomes of a status that comes with a new object.
    const dropsStatus = kind.info.custom && hasSubresource(kind, "status");
    const bare = dropsStatus ? (withFields(named, { status: undefined }) as ApiObject) : named;
    const wanted = kind.rules.withDefaults(bare);
    const about = { kind, old: undefined, subresource: undefined, options };
    const object = isOwned ? wanted : withOwners({ ...about, clock: this.#options.clock }, wanted);
    return { ...about, namespace, name, object, warnings };
  }

  #changeOf(
    kind: Kind,
    old: ApiObject,
    { object: sent, warnings }: SentObject,
    options: WriteOptions,
    subresource: string | undefined,
    isOwned = false,
  ): Draft {
    checkVersion(kind, old, sent);
    const { namespace = "", name } = old.metadata;
    const bare = { ...sent, metadata: metadataOf(sent.metadata, old.metadata) };
    const wanted = subresource === "status" ? bare : kind.rules.withDefaults(bare);
    const shared = withUnchangedParts<ApiObject>(old, wanted);
    const about = { kind, old, subresource, options };
    const owned = isOwned ? shared : withOwners({ ...about, clock: this.#options.clock }, shared);
    return { ...about, namespace, name, object: owned, warnings };
  }

  #deleteNow(place: Place, options: DeletionOptions): Deleted {
    const { kind } = place;
    const old = this.#existing(place);
    checkPreconditions(kind, old, options);
    if (kind.collection === "namespaces") return this.#deleteNamespace(kind, old, options);
    const finalizers = finalizersFor(old.metadata.finalizers ?? [], options.propagationPolicy);
    const grace = kind.collection === "pods" ? remainingGrace(old, options.gracePeriodSeconds) : 0;
    const now = this.#options.clock.now();
    if (grace === 0 && finalizers.length === 0) {
      return { object: this.#remove(place, lastState(kind, old, now), options.dryRun), gone: true };
    }
    const marked = markedForDeletion(old, now, grace, finalizers);
    if (equalJson(marked, old)) return { object: old, gone: false };
    return { object: this.#put(kind, marked, options.dryRun), gone: false };
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

  /** What the object is from now on; the very `old` when nothing is new. */
  #store(kind: Kind, old: ApiObject, wanted: ApiObject, dryRun: boolean): KubernetesObject {
    const { namespace = "", name } = old.metadata;
    const next = withOldTimes(wanted, old);
    if (isReadyToGo(next)) return this.#remove({ kind, namespace, name }, next, dryRun);
    return equalJson(next, old) ? old : this.#put(kind, next, dryRun);
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

  #existing(place: Place): ApiObject {
    const object = this.#get(place);
    if (object === undefined) throw notFound(place.kind.info, place.name);
    return object;
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

  #remove({ kind, namespace, name }: Place, last: ApiObject, dryRun: boolean): KubernetesObject {
    if (dryRun) return last;
    const removed = this.#options.store.remove(kind.collection, namespace, name);
    const { resourceVersion } = removed?.metadata ?? last.metadata;
    return freeze({ ...last, metadata: withFields(last.metadata, { resourceVersion }) });
  }

  #now(): string {
    return formatTime(this.#options.clock.now());
  }
}

function attemptOf({ kind, namespace, name, old, subresource, options }: Draft, object: ApiObject): Attempt {
  const { dryRun, user } = options;
  const operation = old === undefined ? "CREATE" : "UPDATE";
  return { operation, kind, namespace, name, subresource, object, old, dryRun, user };
}
