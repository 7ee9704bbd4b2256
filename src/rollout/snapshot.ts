import type { AnalysisTemplate, Rollout, TemplateReference } from "../api/rollout.ts";
import type { Observed } from "../traffic/router.ts";
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
