import { fastRollbackAnnotation, scaleDownDeadlineAnnotation } from "../../api/names.ts";
import { defaultRevisionHistoryLimit } from "../../api/strategy.ts";
import { earliest, type Instant, instant, later, parseTime } from "../../time/clock.ts";
import { isGranted } from "../memory.ts";
import { type Action, seen } from "../plan-types.ts";
import {
  annotate,
  availableOf,
  deadlineOf,
  hashOf,
  isAvailable,
  scale,
  setDeadline,
  sizeOf,
} from "../replica-set.ts";
import { type Situation, wantedActiveHash } from "../situation.ts";
import { find } from "../status/conditions.ts";
import { pointTo } from "./route.ts";

export interface Upkeep {
  readonly actions: readonly Action[];
  readonly recheckAt?: Instant | undefined;
}

/** What must not wait for an update, and for which no update waits. All of them run in every pass. */
export const blueGreenUpkeep: readonly ((situation: Situation) => Upkeep)[] = [
  sizeStable,
  holdActiveRoute,
  dropDeadlines,
  followMinReadySeconds,
  retireOthers,
  shrinkOthers,
  trimHistory,
];

const nothing: Upkeep = { actions: [] };

// During an update the stable version is always ready to take everybody back.
function sizeStable(s: Situation): Upkeep {
  const { stable } = s;
  if (stable === undefined || s.isPromoted || sizeOf(stable) === s.replicas) return nothing;
  return { actions: [scale(stable, s.replicas, s.replicas, "the stable version keeps its full size")] };
}

// Other tools write the selector too. A missing or a wrong hash is put right; it is never taken for a permission.
function holdActiveRoute(s: Situation): Upkeep {
  const wanted = wantedActiveHash(s);
  if (s.isFirst || s.memory.abort || wanted === undefined || s.active.target === wanted) return nothing;
  if (s.rollout.spec.paused && s.active.target !== undefined) return nothing;
  // Rather the wrong version than none: it is put right as soon as the right one has pods to serve with.
  if (!s.isSwitched && availableOf(s.stable) === 0 && s.replicaSets.some((it) => availableOf(it) > 0))
    return nothing;
  const result = pointTo(s.active, wanted, "the active Service was changed by somebody else");
  return result.is === "acting" ? { actions: result.actions } : nothing;
}

// A deadline of a version that is needed again must not strike later. One that allows a fast rollback stays until the
// rollback is remembered.
function dropDeadlines(s: Situation): Upkeep {
  const needed = [];
  if (s.stable !== undefined) needed.push(s.stable);
  const isRemembered = s.rollback === undefined || isGranted(s.memory);
  if (s.current !== undefined && s.current !== s.stable && !s.memory.abort && isRemembered)
    needed.push(s.current);
  return {
    actions: needed
      .filter((replicaSet) => deadlineOf(replicaSet) !== undefined)
      .map((replicaSet) =>
        annotate(
          replicaSet,
          {
            [scaleDownDeadlineAnnotation]: null,
            // With the deadline goes the sign of a fast rollback; the end of the update still has to tell of it.
            ...(replicaSet === s.current && s.rollback === "Fast rollback"
              ? { [fastRollbackAnnotation]: String(s.revision) }
              : {}),
          },
          "the version is needed again",
        ),
      ),
  };
}

function followMinReadySeconds(s: Situation): Upkeep {
  const { current } = s;
  const wanted = s.rollout.spec.minReadySeconds ?? 0;
  if (current === undefined || (current.spec.minReadySeconds ?? 0) === wanted) return nothing;
  return {
    actions: [
      {
        do: "annotateReplicaSet",
        seen: seen(current),
        patch: { spec: { minReadySeconds: wanted } },
        because: "minReadySeconds has changed",
      },
    ],
  };
}

/**
 * Superseded versions: warm until the delay has passed since the last route left them, then no pods. A live version that
 * has trouble puts this off: as long as the old one could serve better, and for the delay after it has come back, for a
 * version that crashes in a loop is whole for moments.
 */
function retireOthers(s: Situation): Upkeep {
  const { scaleDownDelaySeconds: delay, scaleDownDelayRevisionLimit } = s.strategy;
  const referenced = new Set([...s.active.references, ...(s.preview?.references ?? [])]);
  const soundAt = later(availableSince(s), delay);
  const actions: Action[] = [];
  const rechecks: Instant[] = [];
  let warm = 0;
  for (const replicaSet of s.others) {
    if (sizeOf(replicaSet) === 0 || referenced.has(hashOf(replicaSet))) continue;
    const deadline = deadlineOf(replicaSet);
    const isMissed = Math.min(availableOf(replicaSet), s.replicas) > availableOf(s.stable);
    warm += 1;
    if (delay > 0 && deadline === undefined && warm <= scaleDownDelayRevisionLimit) {
      const until = later(s.now, delay);
      actions.push(setDeadline(replicaSet, until, "no route leads here any more"));
      rechecks.push(until);
      continue;
    }
    if (isMissed) continue;
    if (warm > scaleDownDelayRevisionLimit) {
      actions.push(
        scale(replicaSet, 0, s.replicas, "more superseded versions than scaleDownDelayRevisionLimit"),
      );
    } else if (delay === 0) {
      actions.push(scale(replicaSet, 0, s.replicas, "scaleDownDelaySeconds is 0"));
    } else if (deadline !== undefined && (deadline > s.now || soundAt > s.now)) {
      rechecks.push(deadline > soundAt ? deadline : soundAt);
    } else {
      actions.push(scale(replicaSet, 0, s.replicas, "scaleDownDelaySeconds have passed"));
    }
  }
  return { actions, recheckAt: earliest(...rechecks) };
}

// A superseded version is never larger than the live one shall be. Nor does it grow with that: pods are not added to what
// is about to go, and a way back adds them before it moves users.
function shrinkOthers(s: Situation): Upkeep {
  if (s.replicas === 0) return nothing;
  return {
    actions: s.others
      .filter(
        (replicaSet) => sizeOf(replicaSet) > s.replicas && !s.active.references.includes(hashOf(replicaSet)),
      )
      .map((replicaSet) => scale(replicaSet, s.replicas, s.replicas, "spec.replicas is smaller")),
  };
}

/** Since when the live version has been whole. One that is not has no time of its own: whether it is missed decides. */
function availableSince(s: Situation): Instant {
  const available = find(s.rollout.status?.conditions ?? [], "Available");
  if (available?.status === "False" && isAvailable(s.stable, s.replicas)) return s.now;
  const since = available?.status === "True" ? parseTime(available.lastTransitionTime ?? "") : undefined;
  return since ?? instant(0);
}

/** Only versions without pods are deleted, the oldest revisions first. */
function trimHistory(s: Situation): Upkeep {
  const limit = s.rollout.spec.revisionHistoryLimit ?? defaultRevisionHistoryLimit;
  const surplus = s.others.slice(limit);
  const idle = surplus.filter(
    ({ spec, status, metadata }) =>
      (spec.replicas ?? 0) === 0 &&
      (status?.replicas ?? 0) === 0 &&
      (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0),
  );
  return {
    actions: idle.map((replicaSet) => ({
      do: "deleteReplicaSet",
      seen: seen(replicaSet),
      because: "more revisions than revisionHistoryLimit",
    })),
  };
}
