import type { OwnerReference } from "../api/core.ts";
import { controllerOf } from "../api/metadata.ts";
import { group, version } from "../api/names.ts";
import { resources } from "../api/resources.ts";
import type { Rollout } from "../api/rollout.ts";
import type { Action } from "./action.ts";
import { standsFor } from "./current.ts";
import { annotate, patchReplicaSet } from "./replica-set.ts";
import type { Situation } from "./situation.ts";
import type { Snapshot } from "./snapshot.ts";
import { nothingToDo, type Upkeep } from "./strategy.ts";
import { templateRecord } from "./template.ts";

// How ReplicaSets that somebody else has made become the Rollout's own, with their pods.

/** Makes the Rollout the controller of ownerless ReplicaSets. Before anything else: they may be the version that is live. */
export function adoptOrphans({ rollout, replicaSets }: Snapshot): readonly Action[] {
  return replicaSets
    .filter((replicaSet) => controllerOf(replicaSet) === undefined)
    .map((replicaSet) => {
      const { name, ownerReferences = [] } = replicaSet.metadata;
      const patch = { metadata: { ownerReferences: [...ownerReferences, controllerReference(rollout)] } };
      const { name: owner, uid = "" } = rollout.metadata;
      return {
        ...patchReplicaSet(replicaSet, patch, "the Rollout selects it, and it has no owner"),
        what: `adopt ReplicaSet ${name}`,
        // Pods of an owner that is gone or going are collected as garbage. A Rollout that is deleted so that its ReplicaSets
        // stay is the very case in which there is something to adopt.
        provided: { resource: resources.rollouts, name: owner, uid },
        event: {
          type: "Normal",
          reason: "ReplicaSetAdopted",
          message: `Adopted ReplicaSet ${name}, which had no owner`,
        },
      };
    });
}

export function controllerReference({ metadata }: Rollout): OwnerReference {
  return {
    apiVersion: `${group}/${version}`,
    kind: "Rollout",
    name: metadata.name,
    uid: metadata.uid ?? "",
    controller: true,
    blockOwnerDeletion: true,
  };
}

/**
 * A ReplicaSet that is current although its stored template says otherwise is marked as what it was made for, so that it
 * stays current when the spec changes elsewhere, as with every step of an autoscaler.
 */
export function recordTemplate({ current, identity }: Situation): Upkeep {
  if (current === undefined || identity === undefined || standsFor(current, identity)) return nothingToDo;
  return { actions: [annotate(current, templateRecord(identity), "its template was changed by others")] };
}
