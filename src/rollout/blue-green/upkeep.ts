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
function sizeStable(s: BlueGreenSituation): Upkeep {
  return s.isPromoted ? nothingToDo : sizeLive(s);
}

/** The stable version has the size that the spec asks for. */
export function sizeLive({ stable, replicas }: BlueGreenSituation): Upkeep {
  if (stable === undefined || sizeOf(stable) === replicas) return nothingToDo;
  return { actions: [scale(stable, replicas, replicas, "the stable version keeps its full size")] };
}

// Other tools write the selector too. A missing or a wrong hash is put right; it is never taken for a permission.
export function holdActiveRoute(s: BlueGreenSituation): Upkeep {
  const wanted = wantedActiveHash(s);
  if (s.isFirst || isGoingBack(s) || wanted === undefined || s.active.target === wanted) return nothingToDo;
  if (s.rollout.spec.paused && s.active.target !== undefined) return nothingToDo;
  // Rather the wrong version than none, or than too few pods: it is put right as soon as the right one can serve.
  const isServed = s.replicaSets.some((it) => availableOf(it) > 0);
  if (!s.isSwitched && (s.stable === undefined ? isServed : !canTakeOver(s, s.stable))) return nothingToDo;
  return point(s.active, wanted, "the active Service was changed by somebody else");
}

// Without a hash it reaches every version, and so would keep them all from going. With that of another version it waits for
// its step in an update, or, where an abort has ended the update, no longer.
function holdPreviewRoute(s: BlueGreenSituation): Upkeep {
  const wanted = s.current === undefined ? s.memory.stableHash : s.currentHash;
  if (s.preview === undefined || wanted === undefined || s.preview.target === wanted) return nothingToDo;
  const isDue = s.preview.target === undefined || (isGoingBack(s) && s.rollout.spec.paused !== true);
  return isDue ? point(s.preview, wanted, "the preview Service follows the newest version") : nothingToDo;
}

function point(route: ObservedRoutes, hash: string, because: string): Upkeep {
  const result = pointTo(route, hash, because);
  return result.is === "acting" ? { actions: result.actions } : nothingToDo;
}

// A deadline of a version that is needed again, or that requests reach again, must not strike later. One that allows a fast
// rollback stays until the rollback is remembered.
function dropDeadlines(s: BlueGreenSituation, { stableHash }: Memory): Upkeep {
  const referenced = referencedHashes(s);
  const needed = s.isSeen ? s.others.filter((replicaSet) => referenced.has(hashOf(replicaSet))) : [];
  // One that is being superseded in this very pass has just got its deadline.
  if (s.stable !== undefined && hashOf(s.stable) === stableHash) needed.push(s.stable);
  const isRemembered = s.rollback === undefined || isGranted(s.memory);
  if (s.current !== undefined && s.current !== s.stable && !isGoingBack(s) && isRemembered)
    needed.push(s.current);
  return {
    actions: needed
      .filter((replicaSet) => deadlineOf(replicaSet) !== undefined)
      .map((replicaSet) => {
        // With the deadline goes the sign of a fast rollback; the end of the update still has to tell of it.
        const isFast = replicaSet === s.current && s.rollback === "Fast rollback";
        const sign = isFast ? { [fastRollbackAnnotation]: String(s.revision) } : {};
        return dropDeadline(replicaSet, "the version is needed again", sign);
      }),
  };
}

function followMinReadySeconds(s: BlueGreenSituation): Upkeep {
  const { current } = s;
  const wanted = s.rollout.spec.minReadySeconds ?? 0;
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
function retireOthers(s: BlueGreenSituation): Upkeep {
  if (s.strategy.keepSuperseded) return nothingToDo;
  const referenced = referencedHashes(s);
  // One that is superseded in this very pass has its turn when the status says so.
  const { stableRS } = s.rollout.status ?? {};
  const warm = s.others.filter(
    (it) => sizeOf(it) > 0 && !referenced.has(hashOf(it)) && hashOf(it) !== stableRS,
  );
  const parts = warm.map((replicaSet, n) =>
    retire(s, replicaSet, n < s.strategy.scaleDownDelayRevisionLimit),
  );
  return {
    actions: parts.flatMap((part) => part.actions),
    recheckAt: earliest(...parts.map((part) => part.recheckAt)),
  };
}

function retire(s: BlueGreenSituation, replicaSet: IdentifiedReplicaSet, isWithinLimit: boolean): Upkeep {
  const delay = isWithinLimit ? s.strategy.scaleDownDelaySeconds : 0;
  const deadline = deadlineOf(replicaSet) ?? later(s.now, delay);
  const isPostponed = firstDeadlineOf(replicaSet) !== undefined;
  const end = isWithinLimit || isPostponed ? deadline : s.now;
  const postponed = postponement(s, replicaSet, end);
  if (postponed !== undefined) return postponed;
  if (end > s.now) {
    const isNew = deadlineOf(replicaSet) === undefined;
    const set = setDeadline(replicaSet, end, "no route leads here any more");
    return { actions: isNew ? [set] : shrink(s, replicaSet), recheckAt: end };
  }
  const because = !isWithinLimit
    ? "more superseded versions than scaleDownDelayRevisionLimit"
    : delay === 0
      ? "scaleDownDelaySeconds is 0"
      : "scaleDownDelaySeconds have passed";
  return { actions: [scale(replicaSet, 0, s.replicas, because)] };
}

/** Puts the end off when it is near and the version is still missed; undefined when it may come. */
function postponement(
  s: BlueGreenSituation,
  replicaSet: IdentifiedReplicaSet,
  end: Instant,
): Upkeep | undefined {
  const isFailing = availableOf(s.stable) < soundSize(s);
  const isBetter = Math.min(availableOf(replicaSet), s.replicas) > availableOf(s.stable);
  if (!isFailing || !isBetter) return undefined;
  const seconds = Math.max(s.strategy.scaleDownDelaySeconds, leastPostponementSeconds);
  const first = firstDeadlineOf(replicaSet) ?? end;
  const last = later(first, longestPostponementSeconds);
  // Only when half of the time is gone: a version that flaps must not make a write each time.
  if (end > later(s.now, seconds / 2)) return undefined;
  // As long again as the trouble has lasted, so that a long one takes few writes.
  const wished = later(s.now, Math.max(seconds, (s.now - first) / 1000));
  const until = wished < last ? wished : last;
  if (until <= end || until <= s.now) return undefined;
  const because = "the live version is failing, and this one could serve better";
  return { actions: [postponeDeadline(replicaSet, until, first, because)], recheckAt: until };
}

/** A warm version never has more pods than the live one is to have. It does not grow: it must not take the live one's room. */
function shrink(s: BlueGreenSituation, replicaSet: IdentifiedReplicaSet): readonly Action[] {
  return sizeOf(replicaSet) <= s.replicas
    ? []
    : [scale(replicaSet, s.replicas, s.replicas, "spec.replicas has become less")];
}

/**
 * In the pass in which another version becomes stable the former one gets the record that it was live and, unless requests may
 * still reach it, in the same write its deadline.
 */
export function recordFormerStable(s: BlueGreenSituation, { stableHash }: Memory): Upkeep {
  const { stableRS } = s.rollout.status ?? {};
  const former = s.replicaSets.find((replicaSet) => hashOf(replicaSet) === stableRS);
  if (former === undefined || stableHash === stableRS) return nothingToDo;
  const { scaleDownDelaySeconds: delay, keepSuperseded } = s.strategy;
  const isLeaving =
    !keepSuperseded && sizeOf(former) > 0 && delay > 0 && !referencedHashes(s).has(hashOf(former));
  const until = later(s.now, delay);
  // One from a pass whose status could not be written is too short: the delay counts from when people can know of it.
  const isShort = isLeaving && (deadlineOf(former) ?? until) < until;
  if (wasLive(former) && !isShort) return nothingToDo;
  const because = "another version is the stable one now";
  return { actions: [recordWasLive(former, isLeaving ? until : undefined, because)] };
}

function referencedHashes(s: BlueGreenSituation): ReadonlySet<string> {
  return new Set([...s.active.references, ...(s.preview?.references ?? [])]);
}

/** Only versions without pods are deleted, the oldest revisions first. */
function trimHistory(s: BlueGreenSituation): Upkeep {
  const limit = s.rollout.spec.revisionHistoryLimit ?? defaultRevisionHistoryLimit;
  const referenced = referencedHashes(s);
  const surplus = s.others.slice(limit);
  const idle = surplus.filter((replicaSet) => isIdle(replicaSet) && !referenced.has(hashOf(replicaSet)));
  return {
    actions: idle.map((replicaSet) =>
      deleteReplicaSet(replicaSet, "more revisions than revisionHistoryLimit"),
    ),
  };
}
