import { formatTime, type Instant, later, parseTime } from "../../time/clock.ts";
import { fieldsOf, listOf, withFields } from "./json.ts";
import type { Kind } from "./kind.ts";
import { gracePeriodOf } from "./kinds/pod.ts";
import type { ApiObject } from "./kinds/rules.ts";
import type { DeletionOptions } from "./options.ts";
import { deletionConflict } from "./refusal.ts";

/** Whether it is being deleted and nobody holds it any more. */
export function isReadyToGo({ kind, metadata, spec }: ApiObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, finalizers = [] } = metadata;
  if (deletionTimestamp === undefined || deletionGracePeriodSeconds > 0 || finalizers.length > 0)
    return false;
  return kind !== "Namespace" || listOf(fieldsOf(spec).finalizers).length === 0;
}

/** Refuses (409) the deletion of another object than the one meant. */
export function checkPreconditions(
  kind: Kind,
  { metadata }: ApiObject,
  { uid, resourceVersion }: DeletionOptions,
): void {
  if (uid !== undefined && uid !== metadata.uid) {
    throw deletionConflict(
      kind.info,
      metadata.name,
      `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid}). ` +
        "The object might have been deleted and then recreated",
    );
  }
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
    throw deletionConflict(
      kind.info,
      metadata.name,
      `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record ` +
        `(${metadata.resourceVersion}). The object might have been modified`,
    );
  }
}

const foreground = "foregroundDeletion";
const orphan = "orphan";

/** The finalizers with those that leave dependents to the garbage collector. */
export function finalizersFor(
  finalizers: readonly string[],
  policy: DeletionOptions["propagationPolicy"],
): readonly string[] {
  if (policy === undefined) return finalizers;
  const others = finalizers.filter((finalizer) => finalizer !== foreground && finalizer !== orphan);
  if (policy === "Background") return others;
  return [...others, policy === "Foreground" ? foreground : orphan];
}

/** What the answer says of an object that went at once: a pod is marked, other kinds are as they were. */
export function lastState(kind: Kind, old: ApiObject, now: Instant): ApiObject {
  if (kind.collection !== "pods") return old;
  const { generation = 0, deletionTimestamp } = old.metadata;
  const metadata = {
    ...old.metadata,
    deletionTimestamp: deletionTimestamp ?? formatTime(now),
    deletionGracePeriodSeconds: 0,
    generation: deletionTimestamp === undefined ? generation + 1 : generation,
  };
  return { ...old, metadata };
}

/** Seconds that a pod gets to stop. One that is stopping already gets less when asked, never more. */
export function remainingGrace(pod: ApiObject, asked: number | undefined): number {
  const { deletionTimestamp, deletionGracePeriodSeconds: current } = pod.metadata;
  if (deletionTimestamp === undefined || current === undefined) return gracePeriodOf(pod, asked);
  return asked === undefined ? current : Math.min(asked, current);
}

/** The object as it waits for its end: `graceSeconds` from when its deletion began. */
export function markedForDeletion(
  old: ApiObject,
  now: Instant,
  graceSeconds: number,
  finalizers: readonly string[],
): ApiObject {
  const { deletionTimestamp, deletionGracePeriodSeconds: before = 0, generation } = old.metadata;
  const end = deletionTimestamp === undefined ? undefined : parseTime(deletionTimestamp);
  const began = end === undefined ? now : later(end, -before);
  const isFirst = deletionTimestamp === undefined;
  return {
    ...old,
    metadata: withFields(old.metadata, {
      deletionTimestamp: formatTime(later(began, graceSeconds)),
      deletionGracePeriodSeconds: graceSeconds,
      finalizers: finalizers.length === 0 ? undefined : finalizers,
      ...(isFirst && generation !== undefined ? { generation: generation + 1 } : {}),
    }),
  };
}
