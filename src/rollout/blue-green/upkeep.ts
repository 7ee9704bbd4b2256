import { fastRollbackAnnotation } from "../../api/names.ts";
import { defaultRevisionHistoryLimit } from "../../api/strategy.ts";
import { earliest, type Instant, later } from "../../time/clock.ts";
import type { ObservedRoutes } from "../../traffic/observed-routes.ts";
import type { Action } from "../action.ts";
import { recordTemplate } from "../adopt.ts";
import type { IdentifiedReplicaSet } from "../identified-replica-set.ts";
import { isGranted, type Memory } from "../memory.ts";
import {
  availableOf,
  deadlineOf,
  deleteReplicaSet,
  dropDeadline,
  firstDeadlineOf,
  hashOf,
  isIdle,
  patchReplicaSet,
  postponeDeadline,
  recordWasLive,
  scale,
  setDeadline,
  sizeOf,
  wasLive,
} from "../replica-set.ts";
import { isGoingBack, soundSize } from "../situation.ts";
import { type Look, nothingToDo, type Upkeep } from "../strategy.ts";
import { pointTo } from "./route.ts";
import { type BlueGreenSituation, canTakeOver, wantedActiveHash } from "./situation.ts";

/** What must not wait for an update, and for which no update waits. */
export const blueGreenUpkeep: readonly Look<BlueGreenSituation>[] = [
  recordTemplate,
  sizeStable,
  holdActiveRoute,
  holdPreviewRoute,
  dropDeadlines,
  followMinReadySeconds,
  retireOthers,
  trimHistory,
];

// During an update the stable version is always ready to take everybody back.
function sizeStable(situation: BlueGreenSituation): Upkeep {
  return situation.isPromoted ? nothingToDo : sizeLive(situation);
}

/** The stable version has the size that the spec asks for. */
export function sizeLive({ stable, replicas }: BlueGreenSituation): Upkeep {
  if (stable === undefined || sizeOf(stable) === replicas) return nothingToDo;
  return { actions: [scale(stable, replicas, replicas, "the stable version keeps its full size")] };
}

// Other tools write the selector too. A missing or a wrong hash is put right; it is never taken for a permission.
export function holdActiveRoute(situation: BlueGreenSituation): Upkeep {
  const wanted = wantedActiveHash(situation);
  if (
    situation.isFirst ||
    isGoingBack(situation) ||
    wanted === undefined ||
    situation.active.target === wanted
  )
    return nothingToDo;
  if (situation.rollout.spec.paused && situation.active.target !== undefined) return nothingToDo;
  // Rather the wrong version than none, or than too few pods: it is put right as soon as the right one can serve.
  const isServed = situation.replicaSets.some((it) => availableOf(it) > 0);
  if (
    !situation.isSwitched &&
    (situation.stable === undefined ? isServed : !canTakeOver(situation, situation.stable))
  )
    return nothingToDo;
  return point(situation.active, wanted, "the active Service was changed by somebody else");
}

// Without a hash it reaches every version, and so would keep them all from going. With that of another version it waits for
// its step in an update, or, where an abort has ended the update, no longer.
function holdPreviewRoute(situation: BlueGreenSituation): Upkeep {
  const wanted = situation.current === undefined ? situation.memory.stableHash : situation.currentHash;
  if (situation.preview === undefined || wanted === undefined || situation.preview.target === wanted)
    return nothingToDo;
  const isDue =
    situation.preview.target === undefined ||
    (isGoingBack(situation) && situation.rollout.spec.paused !== true);
  return isDue
    ? point(situation.preview, wanted, "the preview Service follows the newest version")
    : nothingToDo;
}

function point(route: ObservedRoutes, hash: string, because: string): Upkeep {
  const result = pointTo(route, hash, because);
  return result.is === "acting" ? { actions: result.actions } : nothingToDo;
}

// A deadline of a version that is needed again, or that requests reach again, must not strike later. One that allows a fast
// rollback stays until the rollback is remembered.
function dropDeadlines(situation: BlueGreenSituation, { stableHash }: Memory): Upkeep {
  const referenced = referencedHashes(situation);
  const needed = situation.isSeen
    ? situation.others.filter((replicaSet) => referenced.has(hashOf(replicaSet)))
    : [];
  // One that is being superseded in this very pass has just got its deadline.
  if (situation.stable !== undefined && hashOf(situation.stable) === stableHash)
    needed.push(situation.stable);
  const isRemembered = situation.rollback === undefined || isGranted(situation.memory);
  if (
    situation.current !== undefined &&
    situation.current !== situation.stable &&
    !isGoingBack(situation) &&
    isRemembered
  )
    needed.push(situation.current);
  return {
    actions: needed
      .filter((replicaSet) => deadlineOf(replicaSet) !== undefined)
      .map((replicaSet) => {
        // With the deadline goes the sign of a fast rollback; the end of the update still has to tell of it.
        const isFast = replicaSet === situation.current && situation.rollback === "Fast rollback";
        const sign = isFast ? { [fastRollbackAnnotation]: String(situation.revision) } : {};
        return dropDeadline(replicaSet, "the version is needed again", sign);
      }),
  };
}

function followMinReadySeconds(situation: BlueGreenSituation): Upkeep {
  const { current } = situation;
  const wanted = situation.rollout.spec.minReadySeconds ?? 0;
  if (current === undefined || (current.spec.minReadySeconds ?? 0) === wanted) return nothingToDo;
  return {
    actions: [patchReplicaSet(current, { spec: { minReadySeconds: wanted } }, "minReadySeconds has changed")],
  };
}

/** How long beyond its delay a superseded version is kept at most, however the live one does. */
const longestPostponementSeconds = 3600;
/** How long the live version must have been sound before the old one goes, where the delay is shorter. */
const leastPostponementSeconds = 30;

/**
 * Superseded versions: warm until the delay has passed since the last route left them, then no pods. A live version that is
 * failing puts this off, while the old one could serve better and for the delay after it has come back: a version that
 * crashes in a loop is whole for moments.
 */
function retireOthers(situation: BlueGreenSituation): Upkeep {
  if (situation.strategy.keepSuperseded) return nothingToDo;
  const referenced = referencedHashes(situation);
  // One that is superseded in this very pass has its turn when the status says so.
  const { stableRS } = situation.rollout.status ?? {};
  const warm = situation.others.filter(
    (it) => sizeOf(it) > 0 && !referenced.has(hashOf(it)) && hashOf(it) !== stableRS,
  );
  const parts = warm.map((replicaSet, n) =>
    retire(situation, replicaSet, n < situation.strategy.scaleDownDelayRevisionLimit),
  );
  return {
    actions: parts.flatMap((part) => part.actions),
    recheckAt: earliest(...parts.map((part) => part.recheckAt)),
  };
}

function retire(
  situation: BlueGreenSituation,
  replicaSet: IdentifiedReplicaSet,
  isWithinLimit: boolean,
): Upkeep {
  const delay = isWithinLimit ? situation.strategy.scaleDownDelaySeconds : 0;
  const deadline = deadlineOf(replicaSet) ?? later(situation.now, delay);
  const isPostponed = firstDeadlineOf(replicaSet) !== undefined;
  const end = isWithinLimit || isPostponed ? deadline : situation.now;
  const postponed = postponement(situation, replicaSet, end);
  if (postponed !== undefined) return postponed;
  if (end > situation.now) {
    const isNew = deadlineOf(replicaSet) === undefined;
    const set = setDeadline(replicaSet, end, "no route leads here any more");
    return { actions: isNew ? [set] : shrink(situation, replicaSet), recheckAt: end };
  }
  const because = !isWithinLimit
    ? "more superseded versions than scaleDownDelayRevisionLimit"
    : delay === 0
      ? "scaleDownDelaySeconds is 0"
      : "scaleDownDelaySeconds have passed";
  return { actions: [scale(replicaSet, 0, situation.replicas, because)] };
}

/** Puts the end off when it is near and the version is still missed; undefined when it may come. */
function postponement(
  situation: BlueGreenSituation,
  replicaSet: IdentifiedReplicaSet,
  end: Instant,
): Upkeep | undefined {
  const isFailing = availableOf(situation.stable) < soundSize(situation);
  const isBetter = Math.min(availableOf(replicaSet), situation.replicas) > availableOf(situation.stable);
  if (!isFailing || !isBetter) return undefined;
  const seconds = Math.max(situation.strategy.scaleDownDelaySeconds, leastPostponementSeconds);
  const first = firstDeadlineOf(replicaSet) ?? end;
  const last = later(first, longestPostponementSeconds);
  // Only when half of the time is gone: a version that flaps must not make a write each time.
  if (end > later(situation.now, seconds / 2)) return undefined;
  // As long again as the trouble has lasted, so that a long one takes few writes.
  const wished = later(situation.now, Math.max(seconds, (situation.now - first) / 1000));
  const until = wished < last ? wished : last;
  if (until <= end || until <= situation.now) return undefined;
  const because = "the live version is failing, and this one could serve better";
  return { actions: [postponeDeadline(replicaSet, until, first, because)], recheckAt: until };
}

/** A warm version never has more pods than the live one is to have. It does not grow: it must not take the live one's room. */
function shrink(situation: BlueGreenSituation, replicaSet: IdentifiedReplicaSet): readonly Action[] {
  return sizeOf(replicaSet) <= situation.replicas
    ? []
    : [scale(replicaSet, situation.replicas, situation.replicas, "spec.replicas has become less")];
}

/**
 * In the pass in which another version becomes stable the former one gets the record that it was live and, unless requests may
 * still reach it, in the same write its deadline.
 */
export function recordFormerStable(situation: BlueGreenSituation, { stableHash }: Memory): Upkeep {
  const { stableRS } = situation.rollout.status ?? {};
  const former = situation.replicaSets.find((replicaSet) => hashOf(replicaSet) === stableRS);
  if (former === undefined || stableHash === stableRS) return nothingToDo;
  const { scaleDownDelaySeconds: delay, keepSuperseded } = situation.strategy;
  const isLeaving =
    !keepSuperseded && sizeOf(former) > 0 && delay > 0 && !referencedHashes(situation).has(hashOf(former));
  const until = later(situation.now, delay);
  // One from a pass whose status could not be written is too short: the delay counts from when people can know of it.
  const isShort = isLeaving && (deadlineOf(former) ?? until) < until;
  if (wasLive(former) && !isShort) return nothingToDo;
  const because = "another version is the stable one now";
  return { actions: [recordWasLive(former, isLeaving ? until : undefined, because)] };
}

function referencedHashes(situation: BlueGreenSituation): ReadonlySet<string> {
  return new Set([...situation.active.references, ...(situation.preview?.references ?? [])]);
}

/** Only versions without pods are deleted, the oldest revisions first. */
function trimHistory(situation: BlueGreenSituation): Upkeep {
  const limit = situation.rollout.spec.revisionHistoryLimit ?? defaultRevisionHistoryLimit;
  const referenced = referencedHashes(situation);
  const surplus = situation.others.slice(limit);
  const idle = surplus.filter((replicaSet) => isIdle(replicaSet) && !referenced.has(hashOf(replicaSet)));
  return {
    actions: idle.map((replicaSet) =>
      deleteReplicaSet(replicaSet, "more revisions than revisionHistoryLimit"),
    ),
  };
}
