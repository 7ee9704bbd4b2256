import { ApiError } from "../kubernetes/errors.ts";
import { Queue } from "../kubernetes/queue.ts";
import type { Clock, Instant } from "../time/clock.ts";

export interface WorkQueueOptions {
  readonly clock: Clock;
  /** Does what is to be done for one key. Answers when to do it again even if nothing tells to. */
  readonly work: (key: string) => Promise<Instant | undefined>;
  readonly onProblem: (problem: string) => void;
}

/** A queue that works on one key at a time. Work that throws is reported and done again, after longer and longer waits. */
export function workQueue({ clock, work, onProblem }: WorkQueueOptions): Queue {
  const queue = new Queue({
    clock,
    concurrency: 1,
    firstRetrySeconds: 0.05,
    longestRetrySeconds: 30,
    pass: async (key) => {
      try {
        return { is: "done", recheckAt: await work(key) };
      } catch (error) {
        if (!isConflict(error))
          onProblem(`${key}: ${error instanceof Error ? error.message : String(error)}`);
        const retryAfter = error instanceof ApiError ? error.retryAfterSeconds : undefined;
        return { is: "failed", slowly: false, retryAfter };
      }
    },
  });
  queue.start();
  return queue;
}

// Somebody else wrote first: everyday life, and the next attempt sees what they wrote.
function isConflict(error: unknown): boolean {
  return error instanceof ApiError && error.kind === "conflict";
}
