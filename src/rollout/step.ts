import type { Instant } from "../time/clock.ts";
import type { Memory } from "./memory.ts";
import type { Action, PlannedEvent } from "./plan-types.ts";

/** What a step found, and what the Rollout's status is to remember of it from now on. */
export type StepResult = {
  readonly remember?: Partial<Memory>;
  readonly events?: readonly PlannedEvent[];
} & (
  | { readonly is: "done" }
  /** `on` ends the sentence "waiting for …". */
  | { readonly is: "waiting"; readonly on: string; readonly recheckAt?: Instant }
  | { readonly is: "acting"; readonly actions: readonly [Action, ...Action[]] }
);

/** A condition on the way of an update, and what to do while it does not hold. */
export type Step<Situation> = (situation: Situation) => StepResult;

export const done: StepResult = { is: "done" };

export function waiting(on: string, recheckAt?: Instant): StepResult {
  return recheckAt === undefined ? { is: "waiting", on } : { is: "waiting", on, recheckAt };
}

export function acting(first: Action, ...more: readonly Action[]): StepResult {
  return { is: "acting", actions: [first, ...more] };
}

export interface Walk {
  readonly actions: readonly Action[];
  readonly events: readonly PlannedEvent[];
  readonly remember: Partial<Memory>;
  readonly recheckAt: Instant | undefined;
  /** The first step that is not done. */
  readonly standing: { readonly step: string; readonly on: string } | undefined;
}

/** Goes along the steps up to the first that is not done: there the rollout stands. */
export function walk<Situation>(steps: readonly Step<Situation>[], situation: Situation): Walk {
  let remember: Partial<Memory> = {};
  const events: PlannedEvent[] = [];
  for (const step of steps) {
    const result = step(situation);
    remember = { ...remember, ...result.remember };
    events.push(...(result.events ?? []));
    if (result.is === "done") continue;
    const acts = result.is === "acting";
    return {
      actions: acts ? result.actions : [],
      events,
      remember,
      recheckAt: acts ? undefined : result.recheckAt,
      standing: { step: step.name, on: acts ? result.actions[0].because : result.on },
    };
  }
  return { actions: [], events, remember, recheckAt: undefined, standing: undefined };
}
