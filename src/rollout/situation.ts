import type { Rollout } from "../api/rollout.ts";
import { defaultReplicas } from "../api/strategy.ts";
import type { Instant } from "../time/clock.ts";
import type { RouteNote } from "../traffic/router.ts";
import { findCurrent } from "./current.ts";
import { type Direction, directionOf } from "./direction.ts";
import type { IdentifiedReplicaSet } from "./identified-replica-set.ts";
import type { Memory } from "./memory.ts";
import { hashOf, revisionOf, sizeOf } from "./replica-set.ts";
import type { Snapshot } from "./snapshot.ts";
import { type TemplateIdentity, templateIdentity } from "./template.ts";

/** The versions of a Rollout. */
export interface Versions {
  readonly rollout: Rollout;
  /** Newest revision first; those that are being deleted are left out. */
  readonly replicaSets: readonly IdentifiedReplicaSet[];
  /** The ReplicaSet of the template in the spec, if it has been made. */
  readonly current: IdentifiedReplicaSet | undefined;
  readonly currentHash: string;
  /** Of the template in the spec; undefined when there is none. */
  readonly identity: TemplateIdentity | undefined;
  /** The template has changed since the status was written. */
  readonly isNewTemplate: boolean;
}

/** One Rollout as every strategy sees it: the snapshot, read once. */
export interface Situation extends Versions {
  readonly now: Instant;
  /** Wanted number of pods of the live version. */
  readonly replicas: number;
  /** The number that the current version has, or gets. */
  readonly revision: number;
  /** The last version brought out completely, if it is still there. */
  readonly stable: IdentifiedReplicaSet | undefined;
  /** Neither current nor stable, newest revision first. */
  readonly others: readonly IdentifiedReplicaSet[];
  readonly memory: Memory;
  /** Which way this pass goes. */
  readonly direction: Direction;
  /** No version is known to have been brought out yet, so there is nothing to protect and nothing to go back to. */
  readonly isFirst: boolean;
  /** The current version is the stable one: no update is under way. */
  readonly isPromoted: boolean;
  /** Everything that decisions depend on can be read: it is known who gets requests. */
  readonly isSeen: boolean;
  /** The hash of every version that users' requests may still reach. */
  readonly usersReach: readonly string[];
  /** What people should know of the routes, though nothing waits for it; one of each reason and route. */
  readonly notes: readonly RouteNote[];
  /** When to look at the routes again, where no change of an object will tell. */
  readonly recheckAt: Instant | undefined;
}

const noVersion = { replicaSet: undefined, hash: "" };

export function versionsOf({ rollout, replicaSets: all }: Snapshot): Versions {
  const replicaSets = all
    .filter((replicaSet) => replicaSet.metadata.deletionTimestamp === undefined)
    .toSorted((a, b) => revisionOf(b) - revisionOf(a));
  const { template } = rollout.spec;
  // Without a pod spec the Rollout is invalid, and only its live version is looked after.
  const identity = template?.spec === undefined ? undefined : templateIdentity(template);
  const { replicaSet: current, hash: currentHash } =
    identity === undefined ? noVersion : findCurrent(rollout, identity, replicaSets);
  // A status that has lost the hash (wiped, restored) does not make a version new that has its ReplicaSet already.
  const { currentPodHash } = rollout.status ?? {};
  const isNewTemplate = currentPodHash === undefined ? current === undefined : currentPodHash !== currentHash;
  return { rollout, replicaSets, current, currentHash, identity, isNewTemplate };
}

/** What a strategy knows of its routes. */
export interface Reach {
  /** When to look at the routes again, where no change of an object will tell. */
  readonly recheckAt: Instant | undefined;
  readonly isSeen: boolean;
  readonly usersReach: readonly string[];
  readonly notes: readonly RouteNote[];
}

/** `memory` is what is remembered of the template in the spec. */
export function situationOf(versions: Versions, memory: Memory, reach: Reach, now: Instant): Situation {
  const { rollout, replicaSets, current, currentHash, isNewTemplate } = versions;
  const stable = replicaSets.find((replicaSet) => hashOf(replicaSet) === memory.stableHash);
  const isFirst = memory.stableHash === undefined;
  const isPromoted = memory.stableHash === currentHash;
  const highest = Math.max(0, ...replicaSets.filter((replicaSet) => replicaSet !== current).map(revisionOf));
  return {
    ...versions,
    ...reach,
    now,
    replicas: wantedReplicas(rollout, stable),
    revision: current !== undefined && revisionOf(current) > highest ? revisionOf(current) : highest + 1,
    stable,
    others: replicaSets.filter((replicaSet) => replicaSet !== current && replicaSet !== stable),
    memory,
    direction: directionOf({ rollout, memory, isUnderWay: !isFirst && !isPromoted, isNewTemplate }),
    isFirst,
    isPromoted,
  };
}

/** A size that cannot be is no reason to change the one that is. */
function wantedReplicas({ spec }: Rollout, stable: IdentifiedReplicaSet | undefined): number {
  const { replicas = defaultReplicas } = spec;
  return replicas < 0 ? sizeOf(stable) : replicas;
}

/** Whether users go, or stay, where they were before the update. */
export function isGoingBack({ direction }: Pick<Situation, "direction">): boolean {
  return direction.is === "back";
}

/** A version is sound while at least so many of its pods are available: what a Deployment keeps up (maxUnavailable 25 %). */
export function soundSize({ replicas }: Pick<Situation, "replicas">): number {
  return Math.ceil(0.75 * replicas);
}
