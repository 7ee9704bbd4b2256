import type { ReplicaSet } from "../api/core.ts";
import { type TemplateIdentity, templateIdentity } from "./template.ts";

/** All of a ReplicaSet but its template. */
export interface BareReplicaSet extends Omit<ReplicaSet, "spec"> {
  readonly spec: Omit<ReplicaSet["spec"], "template">;
}

/** A ReplicaSet as decisions need it: which template it has, not what is in it. Whole templates would fill the memory. */
export interface IdentifiedReplicaSet extends BareReplicaSet {
  readonly templateIdentity: TemplateIdentity;
}

export function identified({ spec: { template, ...spec }, ...rest }: ReplicaSet): IdentifiedReplicaSet {
  return { ...rest, spec, templateIdentity: templateIdentity(template) };
}
