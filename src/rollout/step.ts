import type { Instant } from "../time/clock.ts";
import type { Action, PlannedEvent } from "./action.ts";
import type { Memory } from "./memory.ts";

/** What a step waits for. */
export interface Wait {
  /** Ends the sentence "waiting for …". It stays the same for as long as the wait: no counts, no names of pods. */
  readonly on: string;
  /** How far it is, `1 of 2 are available`: for logs and whoever asks, as it may change at any moment. */
  readonly detail?: string | undefined;
  /** When it ends by itself. */
  readonly until?: Instant | undefined;
  /** When to look again, where no change of an object will tell that it has ended. */
  readonly recheckAt?: Instant | undefined;
  /** The step that the wait is shown under, where that is not the one that stands here but a later one it hands over to. */
  readonly step?: string;
}

/** What a step found, and what the Rollout's status is to remember of it from now on. */
export type StepResult = {
  readonly remember?: Partial<Memory>;
  readonly events?: readonly PlannedEvent[];
} & (
  | { readonly is: "done" }
  | { readonly is: "waiting"; readonly wait: Wait }
  | {
      readonly is: "acting";
      readonly actions: readonly [Action, ...Action[]];
      /** What is waited for once the calls are made; saying it now saves the next pass a write. */
      readonly wait?: Wait;
    }
  /** It can never be passed: the update ends, and the next pass leads back. */
  | { readonly is: "failed"; readonly because: string }
);

/** A condition on the way of an update, and what to do while it does not hold. */
export type Step<Situation> = (situation: Situation) => StepResult;

export const done: StepResult = { is: "done" };

export function waiting(
  on: string,
  until?: Instant,
  more: Omit<Wait, "on" | "until"> = {},
): StepResult & { readonly is: "waiting" } {
  return { is: "waiting", wait: { on, until, ...more } };
}

export function acting(first: Action, ...more: readonly Action[]): StepResult {
  return { is: "acting", actions: [first, ...more] };
}

export function failed(because: string): StepResult {
  return { is: "failed", because };
}

/** The first step that is not done. */
export interface Stop {
  readonly step: string;
  /** Why the update ends here. */
  readonly failed?: string;
  /** Absent while it acts and there is nothing to wait for. */
  readonly wait?: Wait | undefined;
}

export interface Walk {
  readonly actions: readonly Action[];
  readonly events: readonly PlannedEvent[];
  readonly remember: Partial<Memory>;
  /** Absent when all steps are done. */
  readonly stop: Stop | undefined;
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
    if (result.is === "failed")
      return { actions: [], events, remember, stop: { step: step.name, failed: result.because } };
    const { wait } = result;
    return {
      actions: result.is === "acting" ? result.actions : [],
      events,
      remember,
      stop: { step: wait?.step ?? step.name, wait },
    };
  }
  return { actions: [], events, remember, stop: undefined };
}

/** What people are told of where a rollout stands. */
export interface Standing {
  readonly step: string;
  /** What it waits for, or why it acts. */
  readonly on: string;
  /** How far it is: `1 of 2 are available`. */
  readonly detail?: string | undefined;
  readonly since?: Instant;
  /** When it ends by itself. */
  readonly until?: Instant | undefined;
  /** What would end it. */
  readonly end?: string;
}
