import type { ObjectMeta, ReplicaSet } from "../api/core.ts";
import type { Rollout, RolloutStatus } from "../api/rollout.ts";
import type { Instant } from "../time/clock.ts";
import type { Observed, Role, RouteWrite } from "../traffic/router.ts";
import type { IdentifiedReplicaSet } from "./identified-replica-set.ts";

/** Everything that a decision about one Rollout may depend on, besides the time. */
export interface Snapshot {
  readonly rollout: Rollout;
  /** The ReplicaSets whose controller is this Rollout, in any order. */
  readonly replicaSets: readonly IdentifiedReplicaSet[];
  readonly observed: Observed;
  /** Names of the other Rollouts of the namespace that name one of this Rollout's Services, by Service. */
  readonly rivals: ReadonlyMap<string, string>;
  /**
   * Why kinds that a decision about this Rollout depends on are not known, by plural (`endpointslices`): nothing can be said
   * of objects of such a kind, not even that there are none. ReplicaSets and Services are always known.
   */
  readonly unknown: ReadonlyMap<string, string>;
}

export interface PlannedEvent {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
}

interface Described {
  /** For logs and people: why the planner wants it. */
  readonly because: string;
  /** Recorded when the call has succeeded. */
  readonly event?: PlannedEvent;
}

/** Identity and version of the object that the planner looked at: the precondition of the call. */
export interface Seen {
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
}

export function seen({ metadata }: { readonly metadata: ObjectMeta }): Seen {
  const { name, uid = "", resourceVersion = "" } = metadata;
  return { name, uid, resourceVersion };
}

/** One API call. All objects are in the Rollout's namespace; every call but a creation carries its precondition. */
export type Action = Described &
  (
    | { readonly do: "createReplicaSet"; readonly replicaSet: ReplicaSet }
    | {
        readonly do: "scaleReplicaSet";
        readonly seen: Seen;
        readonly from: number;
        readonly to: number;
        readonly patch: object;
      }
    | { readonly do: "annotateReplicaSet"; readonly seen: Seen; readonly patch: object }
    | { readonly do: "deleteReplicaSet"; readonly seen: Seen }
    | { readonly do: "annotateRollout"; readonly seen: Seen; readonly patch: object }
    | { readonly do: "setReplicas"; readonly seen: Seen; readonly patch: object }
    | {
        readonly do: "route";
        readonly role: Role;
        readonly from: string | undefined;
        readonly to: string;
        readonly write: RouteWrite;
      }
  );

export interface Plan {
  /** To be carried out in this order; the first failure ends the pass, the next pass plans anew. */
  readonly actions: readonly Action[];
  /** The whole status as it should read after the actions; the writer patches the difference. */
  readonly status: RolloutStatus;
  /** Recorded after the status has been written, in this order. */
  readonly events: readonly PlannedEvent[];
  /** When to plan again although nothing has changed. */
  readonly recheckAt?: Instant;
  /** Where the rollout stands: the first step that is not done, and what it waits for. Absent when all are done. */
  readonly standing?: { readonly step: string; readonly on: string };
}
