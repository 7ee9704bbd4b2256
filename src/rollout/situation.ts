import { fastRollbackAnnotation } from "../api/names.ts";
import type { Rollout, RolloutStatus } from "../api/rollout.ts";
import { type BlueGreen, defaultReplicas } from "../api/strategy.ts";
import { type Instant, later, parseTime } from "../time/clock.ts";
import type { Role, Route, RouteNote, RouteWrite, Routing } from "../traffic/router.ts";
import { routers } from "../traffic/routers.ts";
import { findCurrent } from "./current.ts";
import type { IdentifiedReplicaSet } from "./identified-replica-set.ts";
import { isGranted, type Memory, memoryOf, memoryOfNextTemplate } from "./memory.ts";
import type { Snapshot } from "./plan-types.ts";
import {
  availableOf,
  deadlineOf,
  firstRevisionOf,
  hashOf,
  revisionOf,
  sizeOf,
  wasLive,
} from "./replica-set.ts";
import { type TemplateIdentity, templateIdentity } from "./template.ts";

/** A route of the Rollout, with what the cluster shows of it. */
export interface ObservedRoute {
  readonly role: Role;
  /** The hash that it is set to. */
  readonly target: string | undefined;
  /** Every hash that may still get requests through it. */
  readonly references: readonly string[];
  /** Whether requests reach at least `wanted` pods of `hash` and no others. */
  verify(hash: string, wanted: number): Routing;
  writes(hash: string): readonly RouteWrite[];
  readonly notes: readonly RouteNote[];
}

/** One blue-green Rollout as the steps see it: the snapshot, read once. */
export interface Situation {
  readonly rollout: Rollout;
  readonly strategy: BlueGreen;
  readonly now: Instant;
  /** Wanted number of pods of the live version. */
  readonly replicas: number;
  /** Newest revision first; those that are being deleted are left out. */
  readonly replicaSets: readonly IdentifiedReplicaSet[];
  /** The ReplicaSet of the template in the spec, if it has been made. */
  readonly current: IdentifiedReplicaSet | undefined;
  readonly currentHash: string;
  /** Of the template in the spec; undefined when there is none. */
  readonly identity: TemplateIdentity | undefined;
  /** The number that the current version has, or gets. */
  readonly revision: number;
  /** The last version brought out completely, if it is still there. */
  readonly stable: IdentifiedReplicaSet | undefined;
  /** Neither current nor stable, newest revision first. */
  readonly others: readonly IdentifiedReplicaSet[];
  readonly memory: Memory;
  /** The template has changed since the status was written. */
  readonly isNewTemplate: boolean;
  /** No version is known to have been brought out yet, so there is nothing to protect and nothing to go back to. */
  readonly isFirst: boolean;
  /** The current version is the stable one: no update is under way. */
  readonly isPromoted: boolean;
  /** A former version that may come back without a pause, and by which rule. */
  readonly rollback: "Rollback within window" | "Fast rollback" | undefined;
  readonly active: ObservedRoute;
  readonly preview: ObservedRoute | undefined;
  /** What people should know of the routes, though nothing waits for it; one of each reason and route. */
  readonly notes: readonly RouteNote[];
  /** Everything that decisions depend on can be read: it is known who gets requests. */
  readonly isSeen: boolean;
  /** The active route carries users to the current version, and rightly so. */
  readonly isSwitched: boolean;
}

export function situationOf(snapshot: Snapshot, strategy: BlueGreen, now: Instant): Situation {
  const { rollout } = snapshot;
  const status = rollout.status ?? {};
  const replicaSets = snapshot.replicaSets
    .filter((replicaSet) => replicaSet.metadata.deletionTimestamp === undefined)
    .toSorted((a, b) => revisionOf(b) - revisionOf(a));
  const { template } = rollout.spec;
  // Without a pod spec the Rollout is invalid, and only its live version is looked after.
  const identity = template?.spec === undefined ? undefined : templateIdentity(template);
  const { replicaSet: current, hash: currentHash } =
    identity === undefined ? noVersion : findCurrent(rollout, identity, replicaSets);
  const active = observe(snapshot, "active", strategy.activeService);
  // A status that has lost the hash (wiped, restored) does not make a version new that has its ReplicaSet already.
  const isNewTemplate =
    status.currentPodHash === undefined ? current === undefined : status.currentPodHash !== currentHash;
  const recorded = memoryOf(status);
  const stableHash =
    confirmedInstead(status, snapshot.replicaSets, recorded, currentHash) ??
    recorded.stableHash ??
    inferStableHash(status, snapshot.replicaSets, replicaSets, active, current);
  const remembered: Memory = { ...recorded, stableHash };
  const interrupted = interruptedHash({ rollout, strategy, now, memory: remembered, replicaSets, active });
  const memory = isNewTemplate
    ? {
        ...memoryOfNextTemplate(remembered),
        stableHash: currentHash === stableHash ? stableHash : (interrupted ?? stableHash),
      }
    : remembered;
  const stable = replicaSets.find((replicaSet) => hashOf(replicaSet) === memory.stableHash);
  const isPromoted = memory.stableHash === currentHash;
  const preview =
    strategy.previewService === undefined ? undefined : observe(snapshot, "preview", strategy.previewService);
  const highest = Math.max(0, ...replicaSets.filter((replicaSet) => replicaSet !== current).map(revisionOf));
  const base = {
    rollout,
    strategy,
    now,
    replicas: wantedReplicas(rollout, stable),
    replicaSets,
    current,
    currentHash,
    identity,
    revision: current !== undefined && revisionOf(current) > highest ? revisionOf(current) : highest + 1,
    stable,
    others: replicaSets.filter((replicaSet) => replicaSet !== current && replicaSet !== stable),
    memory,
    isNewTemplate,
    isFirst: memory.stableHash === undefined,
    isPromoted,
    rollback: rollbackRule(rollout, replicaSets, current, stable, memory),
    active,
    preview,
    notes: [...active.notes, ...(preview?.notes ?? [])],
    isSeen: snapshot.unknown.size === 0,
  };
  return { ...base, isSwitched: isSwitched(base) };
}

const noVersion = { replicaSet: undefined, hash: "" };

/** A size that cannot be is no reason to change the one that is. */
function wantedReplicas({ spec }: Rollout, stable: IdentifiedReplicaSet | undefined): number {
  const { replicas = defaultReplicas } = spec;
  return replicas < 0 ? sizeOf(stable) : replicas;
}

/**
 * Lost memory is no permission: what users are on is protected, also when the status does not say any more what that is, and
 * whether or not it has pods at this moment. So the confirmed version counts, then the one that users are sent to; where
 * nothing is left of the status, then the oldest that serves and is not on its way out.
 */
function inferStableHash(
  status: RolloutStatus,
  all: readonly IdentifiedReplicaSet[],
  replicaSets: readonly IdentifiedReplicaSet[],
  active: ObservedRoute,
  current: IdentifiedReplicaSet | undefined,
): string | undefined {
  const found =
    all.find((replicaSet) => hashOf(replicaSet) === status.blueGreen?.activeSelector) ??
    all.find((replicaSet) => hashOf(replicaSet) === active.target);
  if (found !== undefined || status.currentPodHash !== undefined) return found && hashOf(found);
  const serving = replicaSets.filter((it) => availableOf(it) > 0 && deadlineOf(it) === undefined);
  const oldest = serving.at(-1);
  // Alone it is a first version, which has yet to become complete.
  return oldest === undefined || (oldest === current && serving.length === 1) ? undefined : hashOf(oldest);
}

/**
 * A stable version that has no ReplicaSet is lost memory too, where the status calls another one live that has: that one is
 * where the way back leads. It is not for the current version to be taken for stable, which has its own way there.
 */
function confirmedInstead(
  { blueGreen }: RolloutStatus,
  all: readonly IdentifiedReplicaSet[],
  { stableHash }: Memory,
  currentHash: string,
): string | undefined {
  const live = blueGreen?.activeSelector || undefined;
  const isThere = (hash: string): boolean => all.some((replicaSet) => hashOf(replicaSet) === hash);
  const isLost = stableHash !== undefined && !isThere(stableHash);
  return isLost && live !== undefined && live !== currentHash && isThere(live) ? live : undefined;
}

/**
 * A version whose gates were passed and that users are being moved to when the template changes again. Its switch is taken
 * for done: to send users back to the version before it, and then on to the next one, would move them three times. Where the
 * next template is that of the stable version, to send them back is what is asked for.
 */
function interruptedHash({
  rollout,
  strategy,
  now,
  memory,
  replicaSets,
  active,
}: Pick<Situation, "rollout" | "strategy" | "now" | "memory" | "replicaSets" | "active">):
  | string
  | undefined {
  const hash = rollout.status?.currentPodHash;
  const version = replicaSets.find((replicaSet) => hashOf(replicaSet) === hash);
  if (version === undefined || active.target !== hash || memory.abort || availableOf(version) === 0) {
    return undefined;
  }
  // By hand, while it was held back: the strategy of the next version must not allow it afterwards.
  if (rollout.status?.phase === "Paused") return undefined;
  const stable = replicaSets.find((replicaSet) => hashOf(replicaSet) === memory.stableHash);
  const rollback = rollbackRule(rollout, replicaSets, version, stable, memory);
  return isAllowedToSwitch({ memory, rollback, strategy, now }) ? hash : undefined;
}

/**
 * Whether the current version was live before the stable one, recently enough to come back at once. Revision numbers
 * decide, as creation times have whole seconds only.
 */
function rollbackRule(
  rollout: Rollout,
  replicaSets: readonly IdentifiedReplicaSet[],
  current: IdentifiedReplicaSet | undefined,
  stable: IdentifiedReplicaSet | undefined,
  memory: Memory,
): Situation["rollback"] {
  if (current === undefined || stable === undefined || current === stable || !wasLive(current))
    return undefined;
  const [from, to] = [firstRevisionOf(current), firstRevisionOf(stable)];
  if (from >= to) return undefined;
  const window = rollout.spec.rollbackWindow?.revisions;
  if (window !== undefined) {
    const between = replicaSets.map(firstRevisionOf).filter((revision) => revision > from && revision < to);
    if (between.length < window) return "Rollback within window";
  }
  // The deadline goes with the pods: a version that has both is still warm, also where its end was put off.
  // Once begun it goes on without it, as it is dropped in the write that records the rollback; until an abort ends it.
  const isBegun =
    isGranted(memory) &&
    current.metadata.annotations?.[fastRollbackAnnotation] === String(revisionOf(current));
  const isWarm = deadlineOf(current) !== undefined && sizeOf(current) > 0;
  return isWarm || isBegun ? "Fast rollback" : undefined;
}

function observe(snapshot: Snapshot, role: Role, service: string): ObservedRoute {
  const { rollout, observed } = snapshot;
  const router = routers.service;
  const route: Route = { role, service, namespace: rollout.metadata.namespace ?? "" };
  const [because] = router.reads.flatMap(({ plural }) => snapshot.unknown.get(plural) ?? []);
  return {
    role,
    target: router.target(route, observed),
    // Where it cannot be seen who gets requests, everybody may.
    references: because === undefined ? router.references(route, observed) : snapshot.replicaSets.map(hashOf),
    verify: (hash, wanted) =>
      because === undefined ? router.verify(route, hash, wanted, observed) : { is: "pending", on: because },
    writes: (hash) => router.writes(route, hash, rollout.metadata.name, observed),
    notes: router.notes(route, observed),
  };
}

/**
 * The selector alone is no proof: any tool can write it. The switch counts when the status says that it was confirmed; and
 * before that, when it is allowed and somebody is there to serve, as after a crash between the switch and the status.
 */
function isSwitched(situation: Omit<Situation, "isSwitched">): boolean {
  const { active, currentHash, rollout, memory, current, replicas } = situation;
  if (active.target !== currentHash || memory.abort) return false;
  if (situation.isPromoted || situation.isFirst) return true;
  if (rollout.status?.blueGreen?.activeSelector === currentHash) return true;
  return (
    isAllowedToSwitch(situation) && !situation.isNewTemplate && (availableOf(current) > 0 || replicas === 0)
  );
}

function isAllowedToSwitch(situation: Pick<Situation, "memory" | "rollback" | "strategy" | "now">): boolean {
  const { memory, rollback, strategy, now } = situation;
  if (isGranted(memory) || memory.promoteFull || rollback !== undefined || !needsPause(strategy)) return true;
  const until = pauseEnd(strategy, memory);
  return until !== undefined && now >= until;
}

export function needsPause(strategy: BlueGreen): boolean {
  return !strategy.autoPromotionEnabled || strategy.autoPromotionSeconds > 0;
}

/** When the pause ends by itself; undefined while there is none, or only a person can end it. */
export function pauseEnd(strategy: BlueGreen, memory: Memory): Instant | undefined {
  const pause = memory.pauseConditions.find((condition) => condition.reason === "BlueGreenPause");
  const from = parseTime(pause?.startTime ?? "");
  if (from === undefined || !strategy.autoPromotionEnabled) return undefined;
  return later(from, strategy.autoPromotionSeconds);
}

/** Whether nobody loses anything when users, wherever they are now, are sent to this version. */
export function canTakeOver(s: Situation, version: IdentifiedReplicaSet): boolean {
  const available = availableOf(version);
  if (available === 0) return s.replicaSets.every((replicaSet) => availableOf(replicaSet) === 0);
  const live = s.replicaSets.find((replicaSet) => hashOf(replicaSet) === s.active.target);
  return available >= Math.min(soundSize(s), availableOf(live));
}

/** A version is sound while at least so many of its pods are available: what a Deployment keeps up (maxUnavailable 25 %). */
export function soundSize({ replicas }: Pick<Situation, "replicas">): number {
  return Math.ceil(0.75 * replicas);
}

/** Where users are to be sent now: on an abort and before the switch to the stable version. */
export function wantedActiveHash(situation: Situation): string | undefined {
  return situation.isSwitched ? situation.currentHash : situation.memory.stableHash;
}

/**
 * Whether requests of the route reach `hash`: all its pods that are available now, so that one which fails meanwhile holds
 * nothing up; but one at least, unless the Rollout is to have none.
 */
export function routing({ replicas, replicaSets }: Situation, route: ObservedRoute, hash: string): Routing {
  const target = replicaSets.find((replicaSet) => hashOf(replicaSet) === hash);
  return route.verify(hash, Math.min(replicas, Math.max(1, availableOf(target))));
}
