import type { Action } from "./plan-types.ts";
import { availableOf, hashOf } from "./replica-set.ts";
import type { Situation } from "./situation.ts";

/** A plan that must never be carried out: a bug of the planner, not of the user. */
class BrokenInvariant extends Error {
  constructor(what: string) {
    super(`refused to carry out a plan that breaks an invariant: ${what}`);
    this.name = "BrokenInvariant";
  }
}

/** What holds for every plan, however it came about. Checked before anything is carried out. */
export function assertInvariants(situation: Situation, actions: readonly Action[]): void {
  for (const action of actions) {
    if (action.do === "scaleReplicaSet" && action.to === 0) assertUnreferenced(situation, action.seen.name);
    if (action.do === "deleteReplicaSet") assertUnreferenced(situation, action.seen.name);
    if (action.do === "route" && action.role === "active") assertServes(situation, action.to);
  }
}

function assertUnreferenced(s: Situation, name: string): void {
  const replicaSet = s.replicaSets.find((candidate) => candidate.metadata.name === name);
  if (replicaSet === undefined || s.replicas === 0) return;
  if (s.active.references.includes(hashOf(replicaSet))) {
    throw new BrokenInvariant(
      `ReplicaSet ${name} would lose its pods while the active Service sends users to it`,
    );
  }
  if (replicaSet === s.stable)
    throw new BrokenInvariant(`ReplicaSet ${name} is the stable version and would lose its pods`);
}

function assertServes(s: Situation, hash: string): void {
  const target = s.replicaSets.find((replicaSet) => hashOf(replicaSet) === hash);
  if (availableOf(target) > 0 || s.replicas === 0) return;
  const better = s.replicaSets.find((replicaSet) => availableOf(replicaSet) > 0);
  if (better === undefined) return;
  throw new BrokenInvariant(
    `the active Service would select ${hash}, which has no available pod, while ReplicaSet ${better.metadata.name} has some`,
  );
}
