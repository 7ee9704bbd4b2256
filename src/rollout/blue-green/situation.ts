import { fastRollbackAnnotation } from "../../api/names.ts";
import type { Rollout, RolloutStatus } from "../../api/rollout.ts";
import type { BlueGreen } from "../../api/strategy.ts";
import { earliest, type Instant, later, parseTime } from "../../time/clock.ts";
import { type ObservedRoutes, observeRoutes } from "../../traffic/observed-routes.ts";
import type { Routing } from "../../traffic/router.ts";
import type { IdentifiedReplicaSet } from "../identified-replica-set.ts";
import { isGranted, type Memory, memoryOf, memoryOfNextTemplate } from "../memory.ts";
import {
  availableOf,
  deadlineOf,
  firstRevisionOf,
  hashOf,
  revisionOf,
  sizeOf,
  wasLive,
} from "../replica-set.ts";
import {
  isGoingBack,
  type Situation,
  situationOf,
  soundSize,
  type Versions,
  versionsOf,
} from "../situation.ts";
import { type Snapshot, sightOf } from "../snapshot.ts";

/** One blue-green Rollout as its steps see it. */
export interface BlueGreenSituation extends Situation {
  readonly strategy: BlueGreen;
  /** A former version that may come back without a pause, and by which rule. */
  readonly rollback: "Rollback within window" | "Fast rollback" | undefined;
  readonly active: ObservedRoutes;
  readonly preview: ObservedRoutes | undefined;
  /** The active route carries users to the current version, and rightly so. */
  readonly isSwitched: boolean;
}

export function blueGreenSituation(
  snapshot: Snapshot,
  strategy: BlueGreen,
  now: Instant,
): BlueGreenSituation {
  const versions = versionsOf(snapshot);
  const { rollout, replicaSets, current } = versions;
  const sight = sightOf(snapshot, now);
  // An invalid spec may name none; its live version is looked after all the same.
  const active = observeRoutes("active", strategy.routes, sight) ?? noRoutes;
  const preview = observeRoutes("preview", strategy.routes, sight);
  const memory = rememberedOf(snapshot, versions, strategy, active, now);
  const isSeen = active.isSeen && (preview?.isSeen ?? true);
  const recheckAt = earliest(active.recheckAt, preview?.recheckAt);
  const reach = {
    recheckAt,
    isSeen,
    usersReach: active.references,
    notes: [...active.notes, ...(preview?.notes ?? [])],
  };
  const situation = situationOf(versions, memory, reach, now);
  const rollback = rollbackRule(rollout, replicaSets, current, situation.stable, memory);
  const base = { ...situation, strategy, rollback, active, preview };
  return { ...base, isSwitched: isSwitched(base) };
}

/** What is remembered of the template that the spec has now. */
function rememberedOf(
  { rollout, replicaSets: all }: Snapshot,
  { replicaSets, current, currentHash, isNewTemplate }: Versions,
  strategy: BlueGreen,
  active: ObservedRoutes,
  now: Instant,
): Memory {
  const status = rollout.status ?? {};
  const recorded = memoryOf(status);
  const stableHash =
    confirmedInstead(status, all, recorded, currentHash) ??
    recorded.stableHash ??
    inferStableHash(status, all, replicaSets, active, current);
  const memory = { ...recorded, stableHash };
  if (!isNewTemplate) return memory;
  const interrupted = interruptedHash({ rollout, strategy, now, memory, replicaSets, active });
  return {
    ...memoryOfNextTemplate(memory),
    stableHash: currentHash === stableHash ? stableHash : (interrupted ?? stableHash),
  };
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
  active: ObservedRoutes,
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
}: Pick<BlueGreenSituation, "rollout" | "strategy" | "now" | "memory" | "replicaSets" | "active">):
  | string
  | undefined {
  const hash = rollout.status?.currentPodHash;
  const version = replicaSets.find((replicaSet) => hashOf(replicaSet) === hash);
  if (version === undefined || active.target !== hash || memory.abort || availableOf(version) === 0) {
    return undefined;
  }
  // By hand, while it was held back: the strategy of the next version must not allow it afterwards. Who was promoted is not held
  // back any more, also when the status that says so could not be written before the template changed.
  if (rollout.status?.phase === "Paused" && !isGranted(memory)) return undefined;
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
): BlueGreenSituation["rollback"] {
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

const noRoutes: ObservedRoutes = {
  role: "active",
  name: "no route",
  isSeen: true,
  target: undefined,
  references: [],
  recheckAt: undefined,
  verify: () => ({ is: "pending", on: "a route of users to be named" }),
  prepare: () => [],
  switchTo: () => [],
  notes: [],
};

/**
 * The selector alone is no proof: any tool can write it. The switch counts when the status says that it was confirmed; and
 * before that, when it is allowed and somebody is there to serve, as after a crash between the switch and the status.
 */
function isSwitched(situation: Omit<BlueGreenSituation, "isSwitched">): boolean {
  const { active, currentHash, rollout, current, replicas } = situation;
  if (active.target !== currentHash || isGoingBack(situation)) return false;
  if (situation.isPromoted || situation.isFirst) return true;
  if (rollout.status?.blueGreen?.activeSelector === currentHash) return true;
  return (
    isAllowedToSwitch(situation) && !situation.isNewTemplate && (availableOf(current) > 0 || replicas === 0)
  );
}

function isAllowedToSwitch(
  situation: Pick<BlueGreenSituation, "memory" | "rollback" | "strategy" | "now">,
): boolean {
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
export function canTakeOver(situation: BlueGreenSituation, version: IdentifiedReplicaSet): boolean {
  const available = availableOf(version);
  if (available === 0) return situation.replicaSets.every((replicaSet) => availableOf(replicaSet) === 0);
  const live = situation.replicaSets.find((replicaSet) => hashOf(replicaSet) === situation.active.target);
  return available >= Math.min(soundSize(situation), availableOf(live));
}

/** Where users are to be sent now: on an abort and before the switch to the stable version. */
export function wantedActiveHash(situation: BlueGreenSituation): string | undefined {
  return situation.isSwitched ? situation.currentHash : situation.memory.stableHash;
}

/**
 * Whether requests of the route reach `hash`: all its pods that are available now, so that one which fails meanwhile holds
 * nothing up; but one at least, unless the Rollout is to have none.
 */
export function routing({ replicas, replicaSets }: Situation, route: ObservedRoutes, hash: string): Routing {
  const target = replicaSets.find((replicaSet) => hashOf(replicaSet) === hash);
  return route.verify(hash, Math.min(replicas, Math.max(1, availableOf(target))));
}
