import type { Rollout } from "../api/rollout.ts";
import type { IdentifiedReplicaSet } from "./identified-replica-set.ts";
import { hashOf } from "./replica-set.ts";
import { findCondition } from "./status/conditions.ts";
import { type TemplateIdentity, templateHash } from "./template.ts";

/** The version that the spec's template is, or becomes. */
export interface CurrentVersion {
  /** Undefined when it is still to be made. */
  readonly replicaSet: IdentifiedReplicaSet | undefined;
  readonly hash: string;
}

/**
 * The ReplicaSet of the template in the spec, among those of the Rollout, newest revision first.
 *
 * When the status has observed the spec, the one that it calls current is current: whatever a webhook, a newer API server
 * or Argo's controller did to its template, it was made for this one; and where it is gone it comes back under its hash, which
 * Services may select. Otherwise it is one that stands for the template; where several do, the one that was current last, then
 * the newest.
 */
export function findCurrent(
  rollout: Rollout,
  identity: TemplateIdentity,
  replicaSets: readonly IdentifiedReplicaSet[],
): CurrentVersion {
  const { currentPodHash, collisionCount = 0 } = rollout.status ?? {};
  const last = replicaSets.find((replicaSet) => hashOf(replicaSet) === currentPodHash);
  const same = replicaSets.filter((replicaSet) => standsFor(replicaSet, identity));
  const current = last !== undefined && (isObserved(rollout) || same.includes(last)) ? last : same[0];
  if (current !== undefined) return { replicaSet: current, hash: hashOf(current) };
  if (currentPodHash !== undefined && hash.test(currentPodHash) && isObserved(rollout))
    return { replicaSet: undefined, hash: currentPodHash };
  return { replicaSet: undefined, hash: freeHash(identity, collisionCount, replicaSets) };
}

/** What a controller may have made; the status can be written by anybody. */
const hash = /^[a-z0-9]{1,63}$/;

export function standsFor({ templates }: IdentifiedReplicaSet, identity: TemplateIdentity): boolean {
  return templates.includes(identity);
}

/** While a spec is invalid, its generation is observed but its template is not looked at. */
function isObserved({ metadata, status = {} }: Rollout): boolean {
  return (
    status.observedGeneration === String(metadata.generation ?? 0) &&
    findCondition(status.conditions ?? [], "InvalidSpec")?.status !== "True"
  );
}

/** Two versions with one hash would share the requests of every Service that selects it. */
function freeHash(
  identity: TemplateIdentity,
  collisionCount: number,
  replicaSets: readonly IdentifiedReplicaSet[],
): string {
  const taken = new Set(replicaSets.map(hashOf));
  for (let count = collisionCount; ; count += 1) {
    const hash = templateHash(identity, count);
    if (!taken.has(hash)) return hash;
  }
}
