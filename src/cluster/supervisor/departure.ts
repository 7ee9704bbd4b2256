import { type Clock, instant, later } from "../../time/clock.ts";
import { isRunning, type KnownProcess, signalProcess } from "./known-process.ts";

/** How long a pod may take to end when the cluster is stopped, whatever its own grace period. */
export const longestGraceSeconds = 600;

// Only a parent is told when a process ends; everybody else has to look.
const lookEverySeconds = 0.05;

/** Resolves when none of the processes runs any more, or with those that still do after `seconds`. */
export function departure(
  processes: readonly KnownProcess[],
  seconds: number,
  clock: Clock,
): Promise<readonly KnownProcess[]> {
  const deadline = later(clock.now(), seconds);
  return new Promise((resolve) => {
    const look = (): void => {
      const left = processes.filter(isRunning);
      if (left.length === 0 || clock.now() >= deadline) resolve(left);
      else clock.at(instant(Math.min(deadline, later(clock.now(), lookEverySeconds))), look);
    };
    look();
  });
}

/** Waits for processes to end by themselves and kills those that have not after `seconds`. Answers the killed ones. */
export async function ensureDeparture(
  processes: readonly KnownProcess[],
  seconds: number,
  clock: Clock,
): Promise<readonly KnownProcess[]> {
  const left = await departure(processes, seconds, clock);
  const killed = left.filter((known) => signalProcess(known, "SIGKILL"));
  await departure(killed, seconds, clock);
  return killed;
}
