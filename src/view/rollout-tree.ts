import type { KubernetesObject, Pod, ReplicaSet } from "../api/core.ts";
import { scaleDownDeadlineAnnotation } from "../api/names.ts";
import type { Rollout } from "../api/rollout.ts";
import { type Instant, parseTime } from "../time/clock.ts";
import { type Icon, icons } from "./icons.ts";
import { type PodStatusView, podProblemOf, podStatusOf } from "./pod-status.ts";
import { type PhaseView, phaseOf } from "./rollout-phase.ts";
import { type ByOwner, compareTexts, hashOf, ownedBy, revisionOf, type Seen } from "./seen.ts";
import { type Role, roles, strategyView } from "./strategies.ts";
import { type WaitingView, waitingOf } from "./waiting.ts";

/** Everything that people see of one Rollout, in the terminal and on the dashboard. Its times are moments: who shows them knows when. */
export interface RolloutView extends PhaseView {
  /** Absent when nothing is waited for. */
  readonly waiting?: WaitingView;
  readonly name: string;
  readonly namespace: string;
  readonly created: Instant | undefined;
  readonly strategy: string;
  readonly images: readonly ImageView[];
  readonly replicas: {
    readonly desired: number;
    readonly current: number;
    readonly updated: number;
    readonly ready: number;
    readonly available: number;
  };
  /** Newest first. */
  readonly revisions: readonly RevisionView[];
}

/** An image of which pods run, and the roles of the ReplicaSets that run it. */
export interface ImageView {
  readonly image: string;
  readonly roles: readonly Role[];
}

export interface RevisionView {
  readonly revision: number;
  readonly replicaSets: readonly ReplicaSetView[];
}

export interface ReplicaSetView {
  readonly name: string;
  readonly status: "Healthy" | "Progressing" | "ScaledDown" | "ReplicaFailure";
  readonly icon: Icon;
  readonly created: Instant | undefined;
  readonly roles: readonly Role[];
  /** When it is scaled down, unless it is needed then. */
  readonly scaleDownAt?: Instant;
  readonly pods: readonly PodView[];
}

export interface PodView extends PodStatusView {
  readonly name: string;
  readonly created: Instant | undefined;
  /** What holds it up, and often the way out. */
  readonly problem?: string;
}

export function rolloutTree(seen: Seen): RolloutView {
  const { rollout, replicaSets, pods } = seen;
  const { spec, status = {}, metadata } = rollout;
  const waiting = waitingOf(seen);
  return {
    name: metadata.name,
    namespace: metadata.namespace ?? "",
    created: createdAt(rollout),
    ...phaseOf(rollout),
    ...(waiting === undefined ? {} : { waiting }),
    strategy: strategyView(rollout).name,
    images: imagesOf(rollout, replicaSets),
    replicas: {
      desired: spec.replicas ?? 1,
      current: status.replicas ?? 0,
      updated: status.updatedReplicas ?? 0,
      ready: status.readyReplicas ?? 0,
      available: status.availableReplicas ?? 0,
    },
    revisions: revisionsOf(replicaSets, (replicaSet) => replicaSetView(rollout, replicaSet, pods)),
  };
}

function oldestFirst(a: Pod, b: Pod): number {
  const [aKey, bKey] = [a, b].map(({ metadata }) => `${metadata.creationTimestamp ?? ""} ${metadata.name}`);
  return compareTexts(aKey ?? "", bKey ?? "");
}

function revisionsOf(
  replicaSets: readonly ReplicaSet[],
  view: (replicaSet: ReplicaSet) => ReplicaSetView,
): readonly RevisionView[] {
  const byRevision = Map.groupBy(replicaSets, revisionOf);
  return [...byRevision].map(([revision, members]) => ({ revision, replicaSets: members.map(view) }));
}

function replicaSetView(rollout: Rollout, replicaSet: ReplicaSet, pods: ByOwner<Pod>): ReplicaSetView {
  const scaleDownAt = parseTime(replicaSet.metadata.annotations?.[scaleDownDeadlineAnnotation] ?? "");
  return {
    name: replicaSet.metadata.name,
    ...replicaSetStatus(replicaSet),
    created: createdAt(replicaSet),
    roles: rolesOf(rollout, replicaSet),
    ...(scaleDownAt === undefined ? {} : { scaleDownAt }),
    pods: ownedBy(replicaSet, pods).toSorted(oldestFirst).map(podView),
  };
}

function podView(pod: Pod): PodView {
  const problem = podProblemOf(pod);
  return {
    name: pod.metadata.name,
    created: createdAt(pod),
    ...podStatusOf(pod),
    ...(problem === undefined ? {} : { problem }),
  };
}

function replicaSetStatus({
  metadata,
  spec,
  status = {},
}: ReplicaSet): Pick<ReplicaSetView, "status" | "icon"> {
  const wanted = spec.replicas ?? 1;
  const isSeen = (status.observedGeneration ?? 0) >= (metadata.generation ?? 0);
  const fails = (status.conditions ?? []).some((it) => it.type === "ReplicaFailure" && it.status === "True");
  if (isSeen && fails) return { status: "ReplicaFailure", icon: icons.bad };
  if (!isSeen || (status.availableReplicas ?? 0) < wanted)
    return { status: "Progressing", icon: icons.progressing };
  return wanted === 0
    ? { status: "ScaledDown", icon: icons.neutral }
    : { status: "Healthy", icon: icons.healthy };
}

function rolesOf(rollout: Rollout, replicaSet: ReplicaSet): readonly Role[] {
  const hash = hashOf(replicaSet);
  if (hash === undefined) return [];
  const others = strategyView(rollout).roles(rollout, hash);
  return rollout.status?.stableRS === hash ? ["stable", ...others] : others;
}

function imagesOf(rollout: Rollout, replicaSets: readonly ReplicaSet[]): readonly ImageView[] {
  const rolesByImage = new Map<string, ReadonlySet<Role>>();
  for (const replicaSet of replicaSets.filter(({ status }) => (status?.replicas ?? 0) > 0)) {
    for (const { image = "" } of replicaSet.spec.template.spec.containers) {
      const known = rolesByImage.get(image) ?? [];
      rolesByImage.set(image, new Set([...known, ...rolesOf(rollout, replicaSet)]));
    }
  }
  return [...rolesByImage]
    .sort(([a], [b]) => compareTexts(a, b))
    .map(([image, known]) => ({ image, roles: roles.filter((role) => known.has(role)) }));
}

function createdAt({ metadata }: KubernetesObject): Instant | undefined {
  return parseTime(metadata.creationTimestamp ?? "");
}
