import type { KubernetesObject } from "../../../api/core.ts";
import { retrySeconds } from "../../../time/backoff.ts";
import { type Clock, type Instant, later } from "../../../time/clock.ts";

/** Why the last attempt to change the number of pods was refused. */
export interface PodFailure {
  readonly reason: "FailedCreate" | "FailedDelete";
  readonly message: string;
}

interface Refused {
  readonly failure: PodFailure;
  readonly inARow: number;
  readonly generation: number | undefined;
  readonly until: Instant;
}

const firstRetrySeconds = 0.05;
const longestRetrySeconds = 30;

/**
 * What the API server has refused to each owner of pods. Until its time has come nothing is tried again, whoever wakes the
 * controller; only a change of the owner itself may have mended the cause, and is tried at once.
 */
export class Refusals {
  readonly #clock: Clock;
  readonly #refused = new Map<string, Refused>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The refusal that is waited out; undefined when something may be tried. */
  of({ metadata }: KubernetesObject): { readonly failure: PodFailure; readonly until: Instant } | undefined {
    const refused = this.#refused.get(metadata.uid ?? "");
    const isOver =
      refused === undefined ||
      refused.generation !== metadata.generation ||
      refused.until <= this.#clock.now();
    return isOver ? undefined : refused;
  }

  /** Notes one more refusal in a row; answers until when to wait, and whether this one is news. */
  add(
    { metadata }: KubernetesObject,
    failure: PodFailure,
  ): { readonly until: Instant; readonly isNew: boolean } {
    const { uid = "", generation } = metadata;
    const before = this.#refused.get(uid);
    const inARow = before?.generation === generation ? (before?.inARow ?? 0) + 1 : 1;
    const seconds = retrySeconds(this.#clock, {
      failures: inARow,
      first: firstRetrySeconds,
      limit: longestRetrySeconds,
    });
    const until = later(this.#clock.now(), seconds);
    this.#refused.set(uid, { failure, inARow, generation, until });
    return { until, isNew: before?.failure.message !== failure.message };
  }

  forget(uid: string): void {
    this.#refused.delete(uid);
  }
}

/**
 * A refusal without the name that the server has made up for the pod, which never was: it differs each time, and would
 * make the same refusal look like news.
 */
export function withoutMadeUpName(message: string, { metadata }: KubernetesObject): string {
  const prefix = `${metadata.name}-`;
  const [first = "", ...rest] = message.split(prefix);
  return [first, ...rest.map((text) => text.replace(/^[a-z0-9]{5}\b/, ""))].join(prefix);
}
