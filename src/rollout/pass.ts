import { resources } from "../api/resources.ts";
import type { RolloutStatus } from "../api/rollout.ts";
import type { FieldError } from "../api/validation.ts";
import { earliest, type Instant } from "../time/clock.ts";
import { type Action, objectOf, type PlannedEvent, seen } from "./action.ts";
import { remembered } from "./direction.ts";
import { brokenInvariant } from "./invariants.ts";
import { memoryOf } from "./memory.ts";
import { isGoingBack, type Situation } from "./situation.ts";
import type { Snapshot } from "./snapshot.ts";
import { present } from "./status/fields.ts";
import { noteIgnoredFields } from "./status/ignored-fields.ts";
import { type Note, withNotes } from "./status/notes.ts";
import { phaseOf } from "./status/phase.ts";
import { statusOf } from "./status/status.ts";
import { type Standing, type Walk, walk } from "./step.ts";
import type { Strategy } from "./strategy.ts";

export interface Plan<Status = RolloutStatus> {
  /** To be carried out in this order; the first failure ends the pass, the next pass plans anew. */
  readonly actions: readonly Action[];
  /** The whole status as it should read after the actions; the writer patches the difference. */
  readonly status: Status;
  /** Acts that were planned but would break an invariant, and so are left out: what, and why. */
  readonly refused: readonly string[];
  /** Recorded after the status has been written, in this order. */
  readonly events: readonly PlannedEvent[];
  /** When to plan again although nothing has changed. */
  readonly recheckAt?: Instant;
  /** Where the rollout stands: the first step that is not done. Absent when all are, or one has failed. */
  readonly standing?: Standing;
}

/** One strategy at work, whatever its steps look at. */
export interface Course extends Pick<Strategy<Situation>, "waits" | "liveIn"> {
  /** What is wrong with the objects that the Rollout names. */
  readonly validate: (snapshot: Snapshot) => readonly FieldError[];
  /** A pass over a Rollout that can be carried out. */
  readonly go: (snapshot: Snapshot, now: Instant) => Plan;
  /** A pass over one that cannot: `invalid` is its status, which says why, `events` what is to be told of it. */
  readonly brake: (
    snapshot: Snapshot,
    now: Instant,
    invalid: RolloutStatus,
    events: readonly PlannedEvent[],
  ) => Plan;
}

export function course<S extends Situation>(strategy: Strategy<S>): Course {
  return {
    waits: strategy.waits,
    liveIn: strategy.liveIn,
    validate: strategy.validate,
    go: (snapshot, now) => go(strategy, snapshot, now),
    brake: (snapshot, now, invalid, events) => brake(strategy, snapshot, now, invalid, events),
  };
}

function go<S extends Situation>(strategy: Strategy<S>, snapshot: Snapshot, now: Instant): Plan {
  const situation = strategy.read(snapshot, now);
  const { direction } = situation;
  const way = walk(isGoingBack(situation) ? strategy.abort : strategy.steps, situation);
  const memory = remembered({ ...situation.memory, ...way.remember }, direction, way.stop?.failed, now);
  const records = strategy.records.map((look) => look(situation, memory));
  const upkeep = strategy.upkeep.map((look) => look(situation, memory));
  const acts = permitted(situation, [
    ...fillReplicas(situation),
    ...records.flatMap((part) => part.actions),
    ...way.actions,
    ...upkeep.flatMap((part) => part.actions),
  ]);
  const notes = notesOf(situation, acts.refused);
  const reading = strategy.status(situation, memory);
  const computed = statusOf(situation, memory, reading, way.stop, strategy.waits, notes);
  const { status, events, recheckAt, standing } = computed;
  const phase = phaseOf(snapshot.rollout, status, strategy.pending(situation, status));
  return {
    ...acts,
    status: { ...status, ...present(phase) },
    events: [...way.events, ...events],
    ...present({
      recheckAt: earliest(
        way.stop?.wait?.until,
        way.stop?.wait?.recheckAt,
        situation.recheckAt,
        recheckAt,
        ...upkeep.map((part) => part.recheckAt),
      ),
      standing: standing ?? actingAt(way),
    }),
  };
}

function notesOf(situation: Situation, refused: readonly string[]): readonly Note[] {
  return [
    ...noteIgnoredFields(situation.rollout),
    ...situation.notes,
    ...refused.map((message) => ({ reason: "ActRefused", message }) as const),
  ];
}

function actingAt({ stop, actions: [first] }: Walk): Standing | undefined {
  return stop === undefined || first === undefined ? undefined : { step: stop.step, on: first.because };
}

/**
 * What goes on while a Rollout cannot be carried out as it is written, because its spec is invalid or an object that it names
 * is missing: the way back, the size of the live version and its route. Nothing here leads forward.
 */
function brake<S extends Situation>(
  strategy: Strategy<S>,
  snapshot: Snapshot,
  now: Instant,
  invalid: RolloutStatus,
  events: readonly PlannedEvent[],
): Plan {
  const situation = strategy.read(snapshot, now);
  const { mayGoBack, upkeep } = strategy.brake(snapshot);
  const isAborting = isGoingBack(situation) && mayGoBack;
  const way = isAborting ? walk(strategy.abort, situation) : undefined;
  const recorded = memoryOf(snapshot.rollout.status ?? {});
  const parts = upkeep.map((look) => look(situation, recorded));
  const acts = permitted(situation, [...(way?.actions ?? []), ...parts.flatMap((part) => part.actions)]);
  const { abortedAt = "" } = remembered(situation.memory, situation.direction, undefined, now);
  // One that nothing was under way for is forgotten, as it is elsewhere; it must not strike the next version.
  const { abort: _, abortedAt: __, ...rest } = invalid;
  const kept = isGoingBack(situation) ? invalid : rest;
  const reading = situation.replicaSets.length === 0 ? undefined : strategy.status(situation, recorded);
  const noted = withNotes(invalid.conditions ?? [], notesOf(situation, acts.refused), now);
  return {
    ...acts,
    events: [...events, ...noted.events],
    status: {
      ...kept,
      conditions: noted.conditions,
      ...reading?.counts,
      ...reading?.fields,
      ...(isAborting ? { abort: true, abortedAt } : {}),
    },
    ...present({
      recheckAt: earliest(
        way?.stop?.wait?.until,
        way?.stop?.wait?.recheckAt,
        situation.recheckAt,
        ...parts.map((part) => part.recheckAt),
      ),
    }),
  };
}

/** One call per object, and none that breaks an invariant. */
function permitted(situation: Situation, actions: readonly Action[]): Pick<Plan, "actions" | "refused"> {
  const refused: string[] = [];
  const allowed = actions.filter((action) => {
    const why = brokenInvariant(situation, action);
    if (why !== undefined) refused.push(why);
    return why === undefined;
  });
  return { actions: firstPerObject(allowed), refused };
}

/** Autoscalers read `spec.replicas`, so it must be there. */
function fillReplicas(situation: Situation): readonly Action[] {
  const { rollout } = situation;
  if (rollout.spec.replicas !== undefined) return [];
  return [
    {
      do: "patch",
      resource: resources.rollouts,
      seen: seen(rollout),
      patch: { spec: { replicas: situation.replicas } },
      what: "set the Rollout's replicas",
      because: "spec.replicas is not set",
    },
  ];
}

/** One call per object and pass: the second would be refused, as the first has changed the object's version. */
function firstPerObject(actions: readonly Action[]): readonly Action[] {
  const taken = new Set<string>();
  return actions.filter((action) => {
    const key = objectOf(action);
    if (taken.has(key)) return false;
    taken.add(key);
    return true;
  });
}
