import type { KubernetesObject, Pod, ReplicaSet } from "../api/core.ts";
import { podTemplateHashLabel, revisionAnnotation, scaleDownDeadlineAnnotation } from "../api/names.ts";
import type { Rollout } from "../api/rollout.ts";
import { type Instant, parseTime } from "../time/clock.ts";
import { humanDuration } from "../time/human-duration.ts";
import { type Icon, icons } from "./icons.ts";
import { type PodStatusView, podProblemOf, podStatusOf } from "./pod-status.ts";
import { type PhaseView, phaseOf } from "./rollout-phase.ts";
import { type WaitingView, waitingOf } from "./waiting.ts";

/** What a ReplicaSet is to its Rollout, in the order in which the roles are named. */
const roles = ["canary", "stable", "active", "preview"] as const;
export type Role = (typeof roles)[number];

/** Everything that people see of one Rollout, in the terminal and on the dashboard. */
export interface RolloutView extends PhaseView {
  /** Absent when nothing is waited for. */
  readonly waiting?: WaitingView;
  readonly name: string;
  readonly namespace: string;
  readonly age: string;
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
  readonly age: string;
  readonly roles: readonly Role[];
  /** Time left until it is scaled down, or `passed`. */
  readonly scaleDownDelay?: string;
  readonly pods: readonly PodView[];
}

export interface PodView extends PodStatusView {
  readonly name: string;
  readonly age: string;
  /** What holds it up, and often the way out. */
  readonly problem?: string;
}

/** ReplicaSets and pods of other owners are left out. */
export function rolloutTree(
  rollout: Rollout,
  replicaSets: readonly ReplicaSet[],
  pods: readonly Pod[],
  now: Instant,
): RolloutView {
  const owned = replicaSets.filter((replicaSet) => isOwnedBy(replicaSet, rollout)).sort(newestFirst);
  const { spec, status = {}, metadata } = rollout;
  const waiting = waitingOf(rollout, owned, pods, now);
  return {
    name: metadata.name,
    namespace: metadata.namespace ?? "",
    age: ageOf(rollout, now),
    ...phaseOf(rollout),
    ...(waiting === undefined ? {} : { waiting }),
    strategy: strategyName(rollout),
    images: imagesOf(rollout, owned),
    replicas: {
      desired: spec.replicas ?? 1,
      current: status.replicas ?? 0,
      updated: status.updatedReplicas ?? 0,
      ready: status.readyReplicas ?? 0,
      available: status.availableReplicas ?? 0,
    },
    revisions: revisionsOf(owned, (replicaSet) => replicaSetView(rollout, replicaSet, pods, now)),
  };
}

export function strategyName({ spec }: Rollout): string {
  if (spec.strategy?.canary !== undefined) return "Canary";
  return spec.strategy?.blueGreen === undefined ? "unknown" : "BlueGreen";
}

export function revisionOf({ metadata }: ReplicaSet): number {
  return Number(metadata.annotations?.[revisionAnnotation] ?? 0) || 0;
}

export function isOwnedBy({ metadata }: KubernetesObject, owner: KubernetesObject): boolean {
  return (metadata.ownerReferences ?? []).some(({ uid }) => uid === owner.metadata.uid);
}

function newestFirst(a: ReplicaSet, b: ReplicaSet): number {
  return revisionOf(b) - revisionOf(a) || compare(a.metadata.name, b.metadata.name);
}

function oldestFirst(a: Pod, b: Pod): number {
  const [aKey, bKey] = [a, b].map(({ metadata }) => `${metadata.creationTimestamp ?? ""} ${metadata.name}`);
  return compare(aKey ?? "", bKey ?? "");
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function revisionsOf(
  replicaSets: readonly ReplicaSet[],
  view: (replicaSet: ReplicaSet) => ReplicaSetView,
): readonly RevisionView[] {
  const byRevision = Map.groupBy(replicaSets, revisionOf);
  return [...byRevision].map(([revision, members]) => ({ revision, replicaSets: members.map(view) }));
}

function replicaSetView(
  rollout: Rollout,
  replicaSet: ReplicaSet,
  pods: readonly Pod[],
  now: Instant,
): ReplicaSetView {
  const deadline = replicaSet.metadata.annotations?.[scaleDownDeadlineAnnotation];
  return {
    name: replicaSet.metadata.name,
    ...replicaSetStatus(replicaSet),
    age: ageOf(replicaSet, now),
    roles: rolesOf(rollout, replicaSet),
    ...(deadline === undefined || deadline === "" ? {} : { scaleDownDelay: timeLeft(deadline, now) }),
    pods: pods
      .filter((pod) => isOwnedBy(pod, replicaSet))
      .sort(oldestFirst)
      .map((pod) => podView(pod, now)),
  };
}

function podView(pod: Pod, now: Instant): PodView {
  const problem = podProblemOf(pod);
  return {
    name: pod.metadata.name,
    age: ageOf(pod, now),
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

function rolesOf({ spec, status = {} }: Rollout, { metadata }: ReplicaSet): readonly Role[] {
  const hash = metadata.labels?.[podTemplateHashLabel];
  if (hash === undefined) return [];
  const isStable = status.stableRS === hash;
  if (spec.strategy?.canary !== undefined) {
    if (isStable) return ["stable"];
    return status.currentPodHash === hash ? ["canary"] : [];
  }
  const { activeSelector, previewSelector } = status.blueGreen ?? {};
  const routed: readonly Role[] =
    activeSelector === hash ? ["active"] : previewSelector === hash ? ["preview"] : [];
  return isStable ? ["stable", ...routed] : routed;
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
    .sort(([a], [b]) => compare(a, b))
    .map(([image, known]) => ({ image, roles: roles.filter((role) => known.has(role)) }));
}

function ageOf({ metadata }: KubernetesObject, now: Instant): string {
  const created = parseTime(metadata.creationTimestamp ?? "");
  return created === undefined ? "<unknown>" : humanDuration((now - created) / 1000);
}

function timeLeft(deadline: string, now: Instant): string {
  const at = parseTime(deadline);
  if (at === undefined) return "";
  return at < now ? "passed" : humanDuration((at - now) / 1000);
}
