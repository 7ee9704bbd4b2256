import type { Probe } from "../../../api/core.ts";
import { type Clock, type Instant, later } from "../../../time/clock.ts";
import { pause } from "../../../time/pause.ts";
import type { CheckResult } from "../pod-driver.ts";

export type ProbeKind = "startup" | "readiness" | "liveness";

export interface ProbeRun {
  readonly clock: Clock;
  readonly kind: ProbeKind;
  readonly probe: Probe;
  /** When the container started, or for readiness and liveness after a startup probe, when that one passed. */
  readonly since: Instant;
  /** What is taken as true before the first check; undefined where that is still open. */
  readonly initially: boolean | undefined;
  readonly check: (timeoutSeconds: number) => Promise<CheckResult>;
  /** Called when enough checks in a row say so. A startup probe's run ends with it, a liveness probe's when it failed. */
  readonly changed: (healthy: boolean) => void;
  /** Called for each failed check that counts, in the words of the check. */
  readonly failed: (message: string) => void;
  readonly signal: AbortSignal;
}

const firstEagerSeconds = 0.1;
const longestEagerSeconds = 1;

/**
 * Checks one container over and over until `signal` aborts. Kubernetes' thresholds and periods hold, with one addition:
 * in the first period, readiness and startup are checked more often, and failures of that time do not count. A server
 * that needs 200 ms to open its port is ready after 300 ms, not after a whole period, and causes no warning.
 */
export async function runProbe(run: ProbeRun): Promise<void> {
  const { clock, kind, probe, signal } = run;
  const periodSeconds = probe.periodSeconds ?? 10;
  const failureThreshold = probe.failureThreshold ?? 3;
  const successThreshold = probe.successThreshold ?? 1;
  const isEager = kind !== "liveness" && !run.initially;
  // A liveness check gains nothing from being early.
  const delaySeconds = probe.initialDelaySeconds ?? 0;
  const firstAt = later(run.since, delaySeconds === 0 && kind === "liveness" ? periodSeconds : delaySeconds);
  const countsFrom = isEager ? later(firstAt, periodSeconds) : firstAt;

  let healthy: boolean | undefined = run.initially;
  let streak = 0;
  let lastHealthy: boolean | undefined;
  let eagerSeconds = firstEagerSeconds;

  for (let next = firstAt; await pause(clock, next, signal); ) {
    const checkedAt = clock.now();
    const result = await run.check(probe.timeoutSeconds ?? 1);
    if (signal.aborted) return;
    const counts = result.healthy || checkedAt >= countsFrom;
    if (counts) {
      streak = result.healthy === lastHealthy ? streak + 1 : 1;
      lastHealthy = result.healthy;
    }
    if (!result.healthy && counts) run.failed(result.message);

    const threshold = result.healthy ? successThreshold : failureThreshold;
    if (counts && result.healthy !== healthy && streak >= threshold) {
      healthy = result.healthy;
      run.changed(healthy);
      if (kind === "startup" || (kind === "liveness" && !healthy)) return;
    }

    if (result.healthy || clock.now() >= countsFrom) {
      next = later(checkedAt, periodSeconds);
    } else {
      const soon = later(clock.now(), eagerSeconds);
      next = soon < countsFrom ? soon : countsFrom;
      eagerSeconds = Math.min(eagerSeconds * 2, longestEagerSeconds);
    }
  }
}
