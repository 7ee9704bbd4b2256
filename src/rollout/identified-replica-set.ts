import type { ReplicaSet } from "../api/core.ts";
import { type TemplateIdentity, templatesOf } from "./template.ts";

/** All of a ReplicaSet but its template. */
export interface BareReplicaSet extends Omit<ReplicaSet, "spec"> {
  readonly spec: Omit<ReplicaSet["spec"], "template">;
}

/** A ReplicaSet as decisions need it: which templates it stands for, not what is in them. Those would fill the memory. */
export interface IdentifiedReplicaSet extends BareReplicaSet {
  /** One, unless something else than its Rollout has had a hand in what is stored. */
  readonly templates: readonly TemplateIdentity[];
}

export function identified(replicaSet: ReplicaSet): IdentifiedReplicaSet {
  const { template: _, ...spec } = replicaSet.spec;
  return { ...replicaSet, spec, templates: templatesOf(replicaSet) };
}
