import type { Rollout } from "../api/rollout.ts";
import { type BlueGreen, strategyOf } from "../api/strategy.ts";
import { describe, validateRollout } from "../api/validation.ts";
import { earliest, formatTime, type Instant } from "../time/clock.ts";
import { abortSteps } from "./blue-green/abort.ts";
import { blueGreenSteps } from "./blue-green/steps.ts";
import { blueGreenUpkeep } from "./blue-green/upkeep.ts";
import { assertInvariants } from "./invariants.ts";
import { forgetUpdate, type Memory } from "./memory.ts";
import {
  type Action,
  type Plan,
  type PlannedEvent,
  type Snapshot,
  type Standing,
  seen,
} from "./plan-types.ts";
import { validateReferences } from "./references.ts";
import { type Situation, situationOf } from "./situation.ts";
import { find } from "./status/conditions.ts";
import { noteIgnoredFields } from "./status/ignored-fields.ts";
import { invalidStatus } from "./status/invalid.ts";
import { present, statusOf } from "./status/status.ts";
import { type Walk, walk } from "./step.ts";

/**
 * What to do about one Rollout now: the calls to make, the status that it should show, and when to look again. Pure: it
 * knows neither clock nor cluster, and planning what it has planned and carried out yields no action.
 */
export function plan(snapshot: Snapshot, now: Instant): Plan {
  const { rollout } = snapshot;
  if (rollout.metadata.deletionTimestamp !== undefined)
    return { actions: [], events: [], status: rollout.status ?? {} };
  const strategy = strategyOf(rollout);
  const errors = validateRollout(rollout);
  const problems = errors.length > 0 ? errors : validateReferences(snapshot);
  if (problems.length > 0 || strategy.kind !== "blueGreen") {
    const status = invalidStatus(rollout, problems.map(describe), now);
    const message = status.message ?? "";
    // Not for objects that are missing: a file whose Services come after its Rollout is in order.
    const isNews = errors.length > 0 && message !== rollout.status?.message;
    const warning: PlannedEvent = { type: "Warning", reason: "InvalidSpec", message };
    return { actions: [], events: [...greeting(rollout), ...(isNews ? [warning] : [])], status };
  }
  // Its own pass, so that this event comes before all others.
  if (rollout.status?.observedGeneration === undefined) {
    return {
      actions: [],
      events: greeting(rollout),
      status: { observedGeneration: String(rollout.metadata.generation ?? 0) },
    };
  }
  return planBlueGreen(snapshot, strategy, now);
}

function planBlueGreen(snapshot: Snapshot, strategy: BlueGreen, now: Instant): Plan {
  const situation = withAbort(situationOf(snapshot, strategy, now));
  const way = walk(situation.memory.abort ? abortSteps : blueGreenSteps, situation);
  const upkeep = blueGreenUpkeep.map((look) => look(situation));
  const memory = afterAbort({ ...situation.memory, ...way.remember }, now);
  const notes = noteIgnoredFields(situation.rollout);
  const { status, events, recheckAt, standing } = statusOf(situation, memory, way.stop, notes);
  const actions = firstPerObject([
    ...fillReplicas(situation),
    ...way.actions,
    ...upkeep.flatMap((part) => part.actions),
  ]);
  assertInvariants(situation, actions);
  return {
    actions,
    status,
    events: [...way.events, ...events],
    ...present({
      recheckAt: earliest(way.stop?.wait?.until, recheckAt, ...upkeep.map((part) => part.recheckAt)),
      standing: standing ?? actingAt(way),
    }),
  };
}

function actingAt({ stop, actions: [first] }: Walk): Standing | undefined {
  return stop === undefined || first === undefined ? undefined : { step: stop.step, on: first.because };
}

/**
 * Whether this pass goes the way back: somebody asked for it, or the update is late and the Rollout wants that to abort
 * it. Without an update under way there is nothing to abort, and an abort wins over a promotion.
 */
function withAbort(situation: Situation): Situation {
  const { memory, rollout } = situation;
  const progressing = find(rollout.status?.conditions ?? [], "Progressing");
  const isUnderWay = !situation.isFirst && !situation.isPromoted && !situation.isNewTemplate;
  const isLate =
    rollout.spec.progressDeadlineAbort === true && progressing?.reason === "ProgressDeadlineExceeded";
  if (isUnderWay && isLate && !memory.abort) {
    const abortMessage = progressing.message;
    return { ...situation, isSwitched: false, memory: { ...memory, abort: true, abortMessage } };
  }
  return memory.abort && !isUnderWay ? { ...situation, memory: { ...memory, abort: false } } : situation;
}

function afterAbort(memory: Memory, now: Instant): Memory {
  if (!memory.abort) return { ...memory, abortedAt: undefined };
  return {
    ...memory,
    ...forgetUpdate,
    abort: true,
    abortedAt: memory.abortedAt ?? formatTime(now),
    abortMessage: memory.abortMessage,
  };
}

/** Autoscalers read `spec.replicas`, so it must be there. */
function fillReplicas(situation: Situation): readonly Action[] {
  const { rollout } = situation;
  if (rollout.spec.replicas !== undefined) return [];
  return [
    {
      do: "setReplicas",
      seen: seen(rollout),
      patch: { spec: { replicas: situation.replicas } },
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

function objectOf(action: Action): string {
  switch (action.do) {
    case "createReplicaSet":
      return `ReplicaSet ${action.replicaSet.metadata.name}`;
    case "scaleReplicaSet":
    case "annotateReplicaSet":
    case "deleteReplicaSet":
      return `ReplicaSet ${action.seen.name}`;
    case "annotateRollout":
    case "setReplicas":
      return "Rollout";
    case "route":
      return `${action.write.resource.kind} ${action.write.name}`;
  }
}

function greeting(rollout: Rollout): readonly PlannedEvent[] {
  if (rollout.status?.observedGeneration !== undefined) return [];
  const { name, namespace } = rollout.metadata;
  const message = `Rollout resource added to informer: ${namespace}/${name}`;
  return [{ type: "Normal", reason: "RolloutAddedToInformer", message }];
}
