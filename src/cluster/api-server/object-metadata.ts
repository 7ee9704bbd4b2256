import type { ObjectMeta } from "../../api/core.ts";
import { equalJson } from "../../api/equal-json.ts";
import { withFields } from "./json.ts";
import type { Kind } from "./kind.ts";
import type { ApiObject } from "./kinds/rules.ts";
import { badRequest, conflict, fieldError, invalid, modifiedMeanwhile, serverError } from "./refusal.ts";

export function hasSubresource({ info }: Kind, name: string): boolean {
  return info.subresources.some((subresource) => subresource.name === name);
}

export function checkNamespace({ metadata }: ApiObject, namespace: string): void {
  if ((metadata.namespace ?? namespace) !== namespace) {
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  }
}

export function checkName({ metadata }: ApiObject, name: string): void {
  if (metadata.name === "") {
    throw badRequest(
      `the name of the object (${name} based on URL) was undeterminable: name must be provided`,
    );
  }
  if (metadata.name !== name) {
    throw badRequest(
      `the name of the object (${metadata.name}) does not match the name on the URL (${name})`,
    );
  }
}

/** Refuses (409) a write to another version than the current one. */
export function checkVersion(kind: Kind, { metadata }: ApiObject, sent: ApiObject): void {
  const { resourceVersion } = sent.metadata;
  if (resourceVersion !== undefined && !/^\d+$/.test(resourceVersion)) {
    throw serverError(`strconv.ParseUint: parsing ${JSON.stringify(resourceVersion)}: invalid syntax`);
  }
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
    throw conflict(kind.info, metadata.name, modifiedMeanwhile);
  }
}

/** Refuses (409) a write that means another object of this name. */
export function checkUid(kind: Kind, { metadata }: ApiObject, sent: ApiObject): void {
  const { uid } = sent.metadata;
  if (uid === undefined || uid === metadata.uid) return;
  const { namespace = "", name } = metadata;
  throw conflict(
    kind.info,
    name,
    `StorageError: invalid object, Code: 4, Key: /registry/${kind.info.plural}/${namespace === "" ? "" : `${namespace}/`}${name}, ` +
      "ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: " +
      `${uid}, UID in object meta: ${metadata.uid}`,
  );
}

/** The sent metadata; what a client cannot change is as it was. */
export function metadataOf(sent: ObjectMeta, old: ObjectMeta): ObjectMeta {
  return withFields(sent, {
    namespace: old.namespace,
    uid: old.uid,
    resourceVersion: old.resourceVersion,
    generation: old.generation,
    generateName: old.generateName,
    creationTimestamp: old.creationTimestamp,
    deletionTimestamp: old.deletionTimestamp,
    deletionGracePeriodSeconds: old.deletionGracePeriodSeconds,
    selfLink: undefined,
  });
}

/** Refuses (422) finalizers that are new to an object that is being deleted. */
export function checkNewFinalizers(kind: Kind, old: ApiObject, next: ApiObject): void {
  if (old.metadata.deletionTimestamp === undefined) return;
  const before = new Set(old.metadata.finalizers);
  const added = (next.metadata.finalizers ?? []).filter((finalizer) => !before.has(finalizer));
  if (added.length === 0) return;
  const names = added.map((finalizer) => JSON.stringify(finalizer)).join(", ");
  const error = fieldError.forbidden(
    "metadata.finalizers",
    `no new finalizers can be added if the object is being deleted, found new finalizers []string{${names}}`,
  );
  throw invalid(kind.info, old.metadata.name, [error]);
}

/** Counts the generation on when more than status and metadata differs, or annotations where those count. */
export function withGeneration(kind: Kind, next: ApiObject, old: ApiObject): ApiObject {
  const { generation } = old.metadata;
  if (!kind.rules.hasGeneration || generation === undefined) return next;
  const ignored = { metadata: undefined, ...(hasSubresource(kind, "status") ? { status: undefined } : {}) };
  const isSameContent = equalJson(withFields(next, ignored), withFields(old, ignored));
  const isSameNote =
    !kind.rules.countsAnnotations || equalJson(next.metadata.annotations, old.metadata.annotations);
  if (isSameContent && isSameNote) return next;
  return { ...next, metadata: { ...next.metadata, generation: generation + 1 } };
}
