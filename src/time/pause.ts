import type { Clock, Instant } from "./clock.ts";

/** Waits until `until` or until one of `signals` aborts; true when the time was reached. */
export function pause(clock: Clock, until: Instant, ...signals: readonly AbortSignal[]): Promise<boolean> {
  if (signals.some((signal) => signal.aborted)) return Promise.resolve(false);
  return new Promise((resolve) => {
    const finish = (reached: boolean): void => {
      cancel();
      for (const signal of signals) signal.removeEventListener("abort", interrupt);
      resolve(reached);
    };
    const interrupt = (): void => finish(false);
    const cancel = clock.at(until, () => finish(true));
    for (const signal of signals) signal.addEventListener("abort", interrupt);
  });
}
