import type { RolloutStatus } from "../api/rollout.ts";
import type { FieldError } from "../api/validation.ts";
import type { Instant } from "../time/clock.ts";
import type { Action } from "./action.ts";
import type { Memory } from "./memory.ts";
import type { Situation } from "./situation.ts";
import type { Snapshot } from "./snapshot.ts";
import type { Step } from "./step.ts";

/** What must not wait for an update, and for which no update waits. */
export interface Upkeep {
  readonly actions: readonly Action[];
  readonly recheckAt?: Instant | undefined;
}

export const nothingToDo: Upkeep = { actions: [] };

/** What a strategy says in the status: how far it has come. */
export interface Reading {
  /** Numbers of pods. Users' numbers are those of the live version. */
  readonly counts: Counts;
  /** The version that users are known to be on. */
  readonly liveHash: string | undefined;
  /** It is the version that the status has named as live so far. */
  readonly isSameVersion: boolean;
  /** The strategy's own part of the status, whole. */
  readonly fields: Partial<RolloutStatus>;
  /** A route has moved since the status was written. */
  readonly hasMoved: boolean;
  /** Everybody is on the current version, and all of it is there. */
  readonly isComplete: boolean;
}

export type Counts = Required<
  Pick<
    RolloutStatus,
    "replicas" | "updatedReplicas" | "readyReplicas" | "availableReplicas" | "HPAReplicas" | "selector"
  >
>;

/** Looks in every pass after one thing, which will be remembered as `memory` says. */
export type Look<S extends Situation> = (situation: S, memory: Memory) => Upkeep;

/** A way in which a wait ends: what has to happen, said as a clause of its own, for the Rollout of this name. */
export type End = (rollout: string, isUpdate: boolean) => string;

/** By the reason of the `Waiting` condition: `AwaitPromotion` for the step `awaitPromotion`. Others go on by themselves. */
export type Waits = Readonly<
  Record<string, { readonly end: End /** Somebody wants it to last. */; readonly isPause?: true }>
>;

/** A way to bring out a new version. `S` is the snapshot as its steps see it. */
export interface Strategy<S extends Situation> {
  /** What is wrong with the objects that the Rollout names. */
  readonly validate: (snapshot: Snapshot) => readonly FieldError[];
  readonly read: (snapshot: Snapshot, now: Instant) => S;
  /** The way of a new version, in order. A rollout stands at the first step that is not done. */
  readonly steps: readonly Step<S>[];
  /** The way back of an aborted update. */
  readonly abort: readonly Step<S>[];
  /** What the next status will not say any more, and so is written down before anything else is done. */
  readonly records: readonly Look<S>[];
  readonly upkeep: readonly Look<S>[];
  /** What goes on while the spec is invalid or an object that it names is missing. Nothing in it leads forward. */
  readonly brake: (snapshot: Snapshot) => {
    /** Whether the routes of users are this Rollout's, so that the way back may be gone. */
    readonly mayGoBack: boolean;
    readonly upkeep: readonly Look<S>[];
  };
  readonly status: (situation: S, memory: Memory) => Reading;
  /** The version that this status says users are on; undefined when it says none. */
  readonly liveIn: (status: RolloutStatus) => string | undefined;
  readonly waits: Waits;
  /** What is missing until the update is complete, in Argo's words; undefined when nothing is. */
  readonly pending: (situation: S, status: RolloutStatus) => string | undefined;
}
