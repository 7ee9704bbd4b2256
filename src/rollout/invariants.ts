import type { Action } from "./action.ts";
import { availableOf, hashOf } from "./replica-set.ts";
import type { Situation } from "./situation.ts";

/**
 * Why an action must not be carried out, however the planner came to want it; undefined when it may. An action that is
 * refused is a bug of the planner, not of the user, and must not stop the other ones.
 */
export function brokenInvariant(situation: Situation, action: Action): string | undefined {
  const { effect } = action;
  if (effect?.on === "pods" && effect.to === 0) return stillNeeded(situation, effect.replicaSet);
  if (effect?.on === "requests" && effect.role === "active") return cannotServe(situation, effect.to);
  return undefined;
}

function stillNeeded(situation: Situation, name: string): string | undefined {
  const replicaSet = situation.replicaSets.find((candidate) => candidate.metadata.name === name);
  if (replicaSet === undefined || situation.replicas === 0) return undefined;
  if (situation.usersReach.includes(hashOf(replicaSet)))
    return `ReplicaSet ${name} would lose its pods while the active Service sends users to it`;
  if (replicaSet === situation.stable)
    return `ReplicaSet ${name} is the stable version and would lose its pods`;
  return undefined;
}

function cannotServe(situation: Situation, hash: string): string | undefined {
  const target = situation.replicaSets.find((replicaSet) => hashOf(replicaSet) === hash);
  if (availableOf(target) > 0 || situation.replicas === 0) return undefined;
  const better = situation.replicaSets.find((replicaSet) => availableOf(replicaSet) > 0);
  if (better === undefined) return undefined;
  return `the active Service would select ${hash}, which has no available pod, while ReplicaSet ${better.metadata.name} has some`;
}
