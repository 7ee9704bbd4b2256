import type { OwnerReference } from "../../api/core.ts";
import { group, version } from "../../api/names.ts";
import type { Rollout } from "../../api/rollout.ts";
import { standsFor } from "../current.ts";
import { annotate } from "../replica-set.ts";
import type { Situation } from "../situation.ts";
import { templateRecord } from "../template.ts";
import type { Upkeep } from "./upkeep.ts";

// How ReplicaSets that somebody else has made become the Rollout's own, with their pods.

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
