import type { ObjectMeta, ReplicaSet } from "../api/core.ts";
import type { AnalysisTemplate, Rollout, RolloutStatus, TemplateReference } from "../api/rollout.ts";
import type { Instant } from "../time/clock.ts";
import type { Observed, Role, RouteWrite } from "../traffic/router.ts";
import type { IdentifiedReplicaSet } from "./identified-replica-set.ts";

/** Everything that a decision about one Rollout may depend on, besides the time. */
export interface Snapshot {
  readonly rollout: Rollout;
  /** The ReplicaSets whose controller is this Rollout, and ownerless ones that it is to adopt, in any order. */
  readonly replicaSets: readonly IdentifiedReplicaSet[];
  readonly observed: Observed;
  /** Absent where no analysis is asked for. */
  readonly analysisTemplates?: AnalysisTemplates;
  /** Names of the other Rollouts of the namespace that name one of this Rollout's Services, by Service; sorted. */
  readonly rivals: ReadonlyMap<string, readonly string[]>;
  /** The Rollout whose status says that it is live on a Service, by Service; the first by name where several do. */
  readonly holders?: ReadonlyMap<string, string>;
  /**
   * Why kinds that a decision about this Rollout depends on are not known, by plural (`endpointslices`): nothing can be said
   * of objects of such a kind, not even that there are none. ReplicaSets and Services are always known.
   */
  readonly unknown: ReadonlyMap<string, string>;
}

/** The templates of analyses. */
export interface AnalysisTemplates {
  /** Undefined when there is none; "unknown" when nobody may look. */
  find(reference: TemplateReference, namespace: string): AnalysisTemplate | "unknown" | undefined;
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

/** A ReplicaSet that has to have so many available pods of its present generation. */
export interface LiveTarget {
  readonly name: string;
  readonly uid: string;
  readonly available: number;
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
    /** Only while the Rollout lives: pods of an owner that is gone are collected as garbage. */
    | { readonly do: "adoptReplicaSet"; readonly seen: Seen; readonly patch: object }
    | { readonly do: "deleteReplicaSet"; readonly seen: Seen }
    | { readonly do: "annotateRollout"; readonly seen: Seen; readonly patch: object }
    | { readonly do: "setReplicas"; readonly seen: Seen; readonly patch: object }
    | {
        readonly do: "route";
        readonly role: Role;
        readonly from: string | undefined;
        readonly to: string;
        readonly write: RouteWrite;
        /** What must be so at the very moment of the call, whatever the caches say. */
        readonly provided?: LiveTarget;
      }
  );

export interface Plan {
  /** To be carried out in this order; the first failure ends the pass, the next pass plans anew. */
  readonly actions: readonly Action[];
  /** The whole status as it should read after the actions; the writer patches the difference. */
  readonly status: RolloutStatus;
  /** Acts that were planned but would break an invariant, and so are left out: what, and why. */
  readonly refused: readonly string[];
  /** Recorded after the status has been written, in this order. */
  readonly events: readonly PlannedEvent[];
  /** When to plan again although nothing has changed. */
  readonly recheckAt?: Instant;
  /** Where the rollout stands: the first step that is not done. Absent when all are. */
  readonly standing?: Standing;
}

export interface Standing {
  readonly step: string;
  /** What it waits for, or why it acts. */
  readonly on: string;
  /** How far it is: `1 of 2 are available`. */
  readonly detail?: string | undefined;
  readonly since?: Instant;
  /** When it ends by itself. */
  readonly until?: Instant | undefined;
  /** What would end it. */
  readonly end?: string;
}
