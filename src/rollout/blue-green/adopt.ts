import type { OwnerReference } from "../../api/core.ts";
import { controllerOf } from "../../api/metadata.ts";
import { group, version } from "../../api/names.ts";
import type { Rollout } from "../../api/rollout.ts";
import { standsFor } from "../current.ts";
import { type Action, type Snapshot, seen } from "../plan-types.ts";
import { annotate } from "../replica-set.ts";
import type { Situation } from "../situation.ts";
import { templateRecord } from "../template.ts";
import type { Upkeep } from "./upkeep.ts";

// How ReplicaSets that somebody else has made become the Rollout's own, with their pods.

/** Makes the Rollout the controller of ownerless ReplicaSets. Before anything else: they may be the version that is live. */
export function adoptOrphans({ rollout, replicaSets }: Snapshot): readonly Action[] {
  return replicaSets
    .filter((replicaSet) => controllerOf(replicaSet) === undefined)
    .map((replicaSet) => {
      const { name, ownerReferences = [] } = replicaSet.metadata;
      return {
        do: "adoptReplicaSet",
        seen: seen(replicaSet),
        patch: { metadata: { ownerReferences: [...ownerReferences, controllerReference(rollout)] } },
        because: "the Rollout selects it, and it has no owner",
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
  if (current === undefined || identity === undefined || standsFor(current, identity)) return { actions: [] };
  return { actions: [annotate(current, templateRecord(identity), "its template was changed by others")] };
}
