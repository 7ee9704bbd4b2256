import type { Condition } from "../../api/core.ts";
import type { Instant } from "../../time/clock.ts";
import { routeNoteReasons } from "../../traffic/routers.ts";
import type { PlannedEvent } from "../action.ts";
import { findCondition, withCondition, withoutCondition } from "./conditions.ts";

/**
 * What is ignored or not as it should be, and keeps nothing from going on. Each is a condition of its own: `IgnoredFields`
 * names fields that have no effect; routers say what a Service has beside, or without, the Rollout's pods; `ActRefused` is an
 * act of the planner that was left out because it could have harmed somebody.
 */
const noteTypes: readonly string[] = ["IgnoredFields", ...routeNoteReasons, "ActRefused"];

export interface Note {
  /** Type and reason of the condition, and reason of the event. */
  readonly reason: string;
  /** Stable: a new text is news, and told again. */
  readonly message: string;
}

/** The conditions with exactly these notes, and one Warning event for each that is new or says something else. */
export function withNotes(
  conditions: readonly Condition[],
  notes: readonly Note[],
  now: Instant,
): { readonly conditions: readonly Condition[]; readonly events: readonly PlannedEvent[] } {
  const events: PlannedEvent[] = [];
  let noted = conditions;
  for (const type of new Set([...noteTypes, ...notes.map(({ reason }) => reason)])) {
    const message = messageOf(type, notes);
    if (message === findCondition(noted, type)?.message) continue;
    noted = withoutCondition(noted, type);
    if (message === undefined) continue;
    noted = withCondition(noted, { type, status: "True", reason: type, message }, now);
    events.push({ type: "Warning", reason: type, message });
  }
  return { conditions: noted, events };
}

/** Several notes of one type share a condition. */
function messageOf(type: Note["reason"], notes: readonly Note[]): string | undefined {
  const texts = notes.filter(({ reason }) => reason === type).map(({ message }) => message);
  return texts.length === 0 ? undefined : [...new Set(texts)].toSorted().join("; ");
}
