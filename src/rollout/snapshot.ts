import type { KubernetesObject } from "../api/core.ts";
import { podTemplateHashLabel } from "../api/names.ts";
import { resources } from "../api/resources.ts";
import type { Rollout } from "../api/rollout.ts";
import type { Instant } from "../time/clock.ts";
import { type Objects, objectsIn } from "../traffic/objects.ts";
import type { Sight } from "../traffic/observed-routes.ts";
import type { Claim, Owner, Tenant } from "../traffic/router.ts";
import { readKinds } from "../traffic/routers.ts";
import type { IdentifiedReplicaSet } from "./identified-replica-set.ts";
import { hashOf } from "./replica-set.ts";

/** Everything that a decision about one Rollout may depend on, besides the time. */
export interface Snapshot {
  readonly rollout: Rollout;
  /** The ReplicaSets whose controller is this Rollout, and ownerless ones that it is to adopt, in any order. */
  readonly replicaSets: readonly IdentifiedReplicaSet[];
  /** What its routes look at, and the templates of its analyses, in any order. */
  readonly objects: readonly KubernetesObject[];
  /** Of all Rollouts of the namespace that name one of its routes and could use it. */
  readonly claims: readonly Claim[];
  /**
   * Why kinds that a decision about this Rollout depends on are not known, such as `endpointslices`: nothing can be said
   * of objects of such a kind, not even that there are none. ReplicaSets and Services are always known.
   */
  readonly unknown: readonly UnknownKind[];
}

export interface UnknownKind {
  readonly plural: string;
  readonly because: string;
}

export function objectsOf({ objects }: Snapshot): Objects {
  return objectsIn(objects, readKinds);
}

/** What the Rollout's routes are looked at with. */
export function sightOf(snapshot: Snapshot, now: Instant): Sight {
  const { rollout, replicaSets, unknown } = snapshot;
  return {
    owner: ownerOf(rollout),
    label: podTemplateHashLabel,
    objects: objectsOf(snapshot),
    unknownBecause: (kind) => unknown.find(({ plural }) => plural === kind)?.because,
    versions: replicaSets.map(hashOf),
    now,
  };
}

export function tenantOf({ rollout, claims }: Snapshot): Tenant {
  const podLabels = rollout.spec.template?.metadata?.labels ?? {};
  return { owner: ownerOf(rollout), podLabels, label: podTemplateHashLabel, claims };
}

function ownerOf({ metadata: { namespace = "", name } }: Rollout): Owner {
  return { kind: resources.rollouts.kind, namespace, name };
}
