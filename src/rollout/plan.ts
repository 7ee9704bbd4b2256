import { resources } from "../api/resources.ts";
import type { Rollout, RolloutStatus } from "../api/rollout.ts";
import { type BlueGreen, strategyOf } from "../api/strategy.ts";
import { describe, validateRollout } from "../api/validation.ts";
import { earliest, type Instant } from "../time/clock.ts";
import { type Action, objectOf, type PlannedEvent, seen } from "./action.ts";
import { abortSteps } from "./blue-green/abort.ts";
import { adoptOrphans } from "./blue-green/adopt.ts";
import { blueGreenSteps } from "./blue-green/steps.ts";
import { blueGreenUpkeep, holdActiveRoute, recordFormerStable, sizeLive } from "./blue-green/upkeep.ts";
import { remembered } from "./direction.ts";
import { brokenInvariant } from "./invariants.ts";
import { holdsActiveService, validateReferences } from "./references.ts";
import { isGoingBack, type Situation, situationOf } from "./situation.ts";
import type { Snapshot } from "./snapshot.ts";
import { countFields } from "./status/counts.ts";
import { noteIgnoredFields } from "./status/ignored-fields.ts";
import { invalidStatus } from "./status/invalid.ts";
import { type Note, withNotes } from "./status/notes.ts";
import { present, statusOf } from "./status/status.ts";
import { type Standing, type Walk, walk } from "./step.ts";

export interface Plan {
  /** To be carried out in this order; the first failure ends the pass, the next pass plans anew. */
  readonly actions: readonly Action[];
  /** The whole status as it should read after the actions; the writer patches the difference. */
  readonly status: RolloutStatus;
  /** Acts that were planned but would break an invariant, and so are left out: what, and why. */
  readonly refused: readonly string[];
  /** Recorded after the status has been written, in this order. */
  readonly events: readonly PlannedEvent[];
  /** When to plan again although nothing has changed. */
  readonly recheckAt?: Instant;
  /** Where the rollout stands: the first step that is not done. Absent when all are. */
  readonly standing?: Standing;
}

/**
 * What to do about one Rollout now: the calls to make, the status that it should show, and when to look again. Pure: it
 * knows neither clock nor cluster, and planning what it has planned and carried out yields no action.
 */
export function plan(snapshot: Snapshot, now: Instant): Plan {
  const { rollout } = snapshot;
  if (rollout.metadata.deletionTimestamp !== undefined)
    return { actions: [], refused: [], events: [], status: rollout.status ?? {} };
  const strategy = strategyOf(rollout);
  const errors = validateRollout(rollout);
  const problems = errors.length > 0 ? errors : validateReferences(snapshot);
  if (problems.length > 0 || strategy.kind !== "blueGreen") {
    const status = invalidStatus(rollout, problems.map(describe), now);
    const message = status.message ?? "";
    // Not for objects that are missing: a file whose Services come after its Rollout is in order.
    const isNews = errors.length > 0 && message !== rollout.status?.message;
    const warning: PlannedEvent = { type: "Warning", reason: "InvalidSpec", message };
    const events = [...greeting(rollout), ...(isNews ? [warning] : [])];
    if (strategy.kind !== "blueGreen") return { actions: [], refused: [], events, status };
    return planBrake(snapshot, strategy, now, status, events);
  }
  const { status = {} } = rollout;
  // Its own pass, so that this event comes before all others. A status that has lost the field is not a new one: it must
  // not say that the template was looked at.
  if (status.observedGeneration === undefined && status.currentPodHash === undefined) {
    const observedGeneration = String(rollout.metadata.generation ?? 0);
    return { actions: [], refused: [], events: greeting(rollout), status: { ...status, observedGeneration } };
  }
  const adoptions = adoptOrphans(snapshot);
  if (adoptions.length > 0) return { actions: adoptions, refused: [], events: [], status };
  return planBlueGreen(snapshot, strategy, now);
}

function planBlueGreen(snapshot: Snapshot, strategy: BlueGreen, now: Instant): Plan {
  const situation = situationOf(snapshot, strategy, now);
  const way = walk(isGoingBack(situation) ? abortSteps : blueGreenSteps, situation);
  const memory = remembered(
    { ...situation.memory, ...way.remember },
    situation.direction,
    way.stop?.failed,
    now,
  );
  const upkeep = blueGreenUpkeep.map((look) => look(situation, memory));
  const acts = permitted(situation, [
    ...fillReplicas(situation),
    // First: what is remembered of the former stable version now is not looked up again.
    ...recordFormerStable(situation, memory.stableHash),
    ...way.actions,
    ...upkeep.flatMap((part) => part.actions),
  ]);
  const notes = notesOf(situation, acts.refused);
  const { status, events, recheckAt, standing } = statusOf(situation, memory, way.stop, notes);
  return {
    ...acts,
    status,
    events: [...way.events, ...events],
    ...present({
      recheckAt: earliest(way.stop?.wait?.until, recheckAt, ...upkeep.map((part) => part.recheckAt)),
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
function planBrake(
  snapshot: Snapshot,
  strategy: BlueGreen,
  now: Instant,
  invalid: RolloutStatus,
  events: readonly PlannedEvent[],
): Plan {
  const situation = situationOf(snapshot, strategy, now);
  const holdsRoute = holdsActiveService(snapshot, strategy);
  const isAborting = isGoingBack(situation) && holdsRoute;
  const way = isAborting ? walk(abortSteps, situation) : undefined;
  const acts = permitted(situation, [
    ...(way?.actions ?? []),
    ...sizeLive(situation).actions,
    ...(holdsRoute ? holdActiveRoute(situation).actions : []),
  ]);
  const { abortedAt = "" } = remembered(situation.memory, situation.direction, undefined, now);
  // One that nothing was under way for is forgotten, as it is elsewhere; it must not strike the next version.
  const { abort: _, abortedAt: __, ...rest } = invalid;
  const kept = isGoingBack(situation) ? invalid : rest;
  const counts = situation.replicaSets.length === 0 ? {} : countFields(situation);
  const noted = withNotes(invalid.conditions ?? [], notesOf(situation, acts.refused), now);
  return {
    ...acts,
    events: [...events, ...noted.events],
    status: {
      ...kept,
      conditions: noted.conditions,
      ...counts,
      ...(isAborting ? { abort: true, abortedAt } : {}),
    },
    ...present({ recheckAt: way?.stop?.wait?.until }),
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

function greeting(rollout: Rollout): readonly PlannedEvent[] {
  if (rollout.status?.observedGeneration !== undefined) return [];
  const { name, namespace } = rollout.metadata;
  const message = `Rollout resource added to informer: ${namespace}/${name}`;
  return [{ type: "Normal", reason: "RolloutAddedToInformer", message }];
}
