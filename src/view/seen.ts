import type { KubernetesObject, Pod, ReplicaSet } from "../api/core.ts";
import { podTemplateHashLabel, revisionAnnotation } from "../api/names.ts";
import type { Rollout } from "../api/rollout.ts";

/** Finds what the owner of a uid owns, at the cost of what it finds. */
export type ByOwner<T> = (uid: string) => readonly T[];

/** Everything that can be said of a Rollout is read off these. */
export interface Seen {
  readonly rollout: Rollout;
  /** Its own, newest first. */
  readonly replicaSets: readonly ReplicaSet[];
  readonly pods: ByOwner<Pod>;
}

/** Looks at each object once, however many owners are asked for afterwards. */
export function byOwner<T extends KubernetesObject>(objects: Iterable<T>): ByOwner<T> {
  const index = new Map<string, T[]>();
  for (const object of objects) {
    for (const uid of ownerUids(object)) {
      const owned = index.get(uid);
      if (owned === undefined) index.set(uid, [object]);
      else owned.push(object);
    }
  }
  return (uid) => index.get(uid) ?? [];
}

export function ownerUids({ metadata }: KubernetesObject): readonly string[] {
  return (metadata.ownerReferences ?? []).map(({ uid }) => uid);
}

/** What `owner` owns. */
export function ownedBy<T>(owner: KubernetesObject, index: ByOwner<T>): readonly T[] {
  return index(owner.metadata.uid ?? "");
}

/** A Rollout among the objects of many. */
export function seenOf(rollout: Rollout, replicaSets: ByOwner<ReplicaSet>, pods: ByOwner<Pod>): Seen {
  return { rollout, replicaSets: ownedBy(rollout, replicaSets).toSorted(newestFirst), pods };
}

/** Its ReplicaSet of this pod template hash. */
export function replicaSetOf({ replicaSets }: Seen, hash: string | undefined): ReplicaSet | undefined {
  return hash === undefined ? undefined : replicaSets.find((replicaSet) => hashOf(replicaSet) === hash);
}

export function hashOf({ metadata }: ReplicaSet): string | undefined {
  return metadata.labels?.[podTemplateHashLabel];
}

export function revisionOf({ metadata }: ReplicaSet): number {
  return Number(metadata.annotations?.[revisionAnnotation] ?? 0) || 0;
}

/** `revision 2 (web:2)` */
export function versionOf(replicaSet: ReplicaSet): string {
  const images = replicaSet.spec.template.spec.containers.map(({ image = "" }) => image);
  return `revision ${revisionOf(replicaSet)} (${images.join(", ")})`;
}

export function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function newestFirst(a: ReplicaSet, b: ReplicaSet): number {
  return revisionOf(b) - revisionOf(a) || compareTexts(a.metadata.name, b.metadata.name);
}
