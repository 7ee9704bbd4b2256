import type { Container, ContainerStatus, Pod, Probe } from "../../../api/core.ts";
import { type Clock, type Instant, later } from "../../../time/clock.ts";
import { pause } from "../../../time/pause.ts";
import type { Objection, PodDriver, RunningContainer } from "../pod-driver.ts";
import type { PodEventSink } from "../pod-events.ts";
import { type ProbeKind, runProbe } from "./probe.ts";

export interface ContainerHealthOptions {
  readonly pod: Pod;
  readonly container: Container;
  readonly driver: PodDriver;
  readonly clock: Clock;
  readonly events: PodEventSink;
  /** As an earlier agent has left it. */
  readonly previous?: ContainerStatus | undefined;
  /** Called after each change of what can be read here. */
  readonly changed: () => void;
  /** Called when a probe says that the container must be ended and started anew. */
  readonly failed: (kind: ProbeKind, probe: Probe) => void;
}

// A server may open its port any time, but most do so soon.
const firstInspectionSeconds = 0.5;
const inspectionsSlowDownBy = 4;
const longestInspectionSeconds = 60;

// A kubelet looks at its containers once a second, and another one takes the news to the Services.
const settledSeconds = 2;
// A look that comes later than that shows that this process was held up; it may not have heard of an exit yet.
const punctualSeconds = 0.25;
const lookAgainSeconds = 0.5;

/**
 * What is known of a container's health: its probes, in the order in which Kubernetes makes them, and what they say.
 *
 *     runs ─▶ started ─────────────▶ ready ◀─▶ not ready
 *             startup probe passed    readiness probe passed; without one: seen running for 2 s
 *
 * A program that ends at once, or after a moment, without a readiness probe is thus never ready, though each of its runs
 * begins well. An exit leads back to the beginning from everywhere.
 */
export class ContainerHealth {
  readonly #options: ContainerHealthOptions;
  #isReady: boolean;
  #hasStarted: boolean;
  #objection: Objection | undefined;

  constructor(options: ContainerHealthOptions) {
    this.#options = options;
    this.#isReady = options.previous?.ready ?? false;
    this.#hasStarted = options.previous?.started ?? false;
  }

  get isReady(): boolean {
    return this.#isReady && this.#objection === undefined;
  }

  /** What holds the container back from being ready, whatever its probes say. */
  get objection(): Objection | undefined {
    return this.#objection;
  }

  /** The startup probe has passed, or there is none. */
  get hasStarted(): boolean {
    return this.#hasStarted;
  }

  /** The container does not run any more, or runs anew. */
  reset(): void {
    this.#isReady = false;
    this.#hasStarted = false;
    this.#objection = undefined;
  }

  /** Probes the container until `signal` aborts. An adopted one keeps the readiness that it had. */
  watch(running: RunningContainer, isAdopted: boolean, signal: AbortSignal): void {
    const { startupProbe } = this.#options.container;
    if (startupProbe === undefined || (isAdopted && this.#hasStarted)) {
      this.#watchStarted(running, isAdopted, running.startedAt, signal);
      return;
    }
    this.#runProbe("startup", startupProbe, running.startedAt, undefined, signal, (healthy) => {
      if (healthy) {
        this.#watchStarted(running, isAdopted, this.#options.clock.now(), signal);
        this.#options.changed();
      } else {
        this.#options.failed("startup", startupProbe);
      }
    });
  }

  #watchStarted(running: RunningContainer, isAdopted: boolean, since: Instant, signal: AbortSignal): void {
    const { livenessProbe } = this.#options.container;
    this.#hasStarted = true;
    void this.#keepInspecting(signal);
    this.#followReadiness(running, isAdopted, since, signal);
    if (livenessProbe === undefined) return;
    this.#runProbe("liveness", livenessProbe, since, true, signal, (healthy) => {
      if (!healthy) this.#options.failed("liveness", livenessProbe);
    });
  }

  #followReadiness(running: RunningContainer, isAdopted: boolean, since: Instant, signal: AbortSignal): void {
    const { readinessProbe } = this.#options.container;
    const show = (ready: boolean): void => this.#showReady(ready);
    if (running.followReadiness !== undefined) {
      signal.addEventListener("abort", running.followReadiness(show));
    } else if (readinessProbe === undefined) {
      if (!this.#isReady) void this.#settle(running, signal);
    } else {
      this.#runProbe("readiness", readinessProbe, since, isAdopted && this.#isReady, signal, show);
    }
  }

  /** Without a probe, to have been seen running for a while is all that a container can show. */
  async #settle(running: RunningContainer, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    let lookAt = later(running.startedAt, settledSeconds);
    while (await pause(clock, lookAt, signal)) {
      if (clock.now() <= later(lookAt, punctualSeconds)) {
        this.#showReady(true);
        return;
      }
      lookAt = later(clock.now(), lookAgainSeconds);
    }
  }

  #showReady(ready: boolean): void {
    if (ready === this.#isReady) return;
    if (ready) this.#inspect();
    this.#isReady = ready;
    this.#options.changed();
  }

  /** Inspects the container at once, soon again, and then rarely, where the driver offers that. */
  async #keepInspecting(signal: AbortSignal): Promise<void> {
    const { clock, driver } = this.#options;
    if (driver.objectionTo === undefined) return;
    this.#inspect();
    let seconds = firstInspectionSeconds;
    while (await pause(clock, later(clock.now(), seconds), signal)) {
      this.#inspect();
      seconds = Math.min(seconds * inspectionsSlowDownBy, longestInspectionSeconds);
    }
  }

  #inspect(): void {
    const { events, pod, container, changed } = this.#options;
    const objection = this.#objectionNow();
    if (objection?.message === this.#objection?.message) return;
    this.#objection = objection;
    if (objection !== undefined) {
      events.record(pod, "Warning", objection.reason, objection.message, container.name);
    }
    changed();
  }

  /** One that cannot be looked for now stays as it was. */
  #objectionNow(): Objection | undefined {
    const { driver, events, pod, container } = this.#options;
    try {
      return driver.objectionTo?.({ pod, container: container.name });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      events.record(
        pod,
        "Warning",
        "Failed",
        `Error: cannot inspect the container: ${message}`,
        container.name,
      );
      return this.#objection;
    }
  }

  #runProbe(
    kind: ProbeKind,
    probe: Probe,
    since: Instant,
    initially: boolean | undefined,
    signal: AbortSignal,
    changed: (healthy: boolean) => void,
  ): void {
    const { clock, driver, events, pod, container } = this.#options;
    const title = `${kind.charAt(0).toUpperCase()}${kind.slice(1)}`;
    void runProbe({
      clock,
      kind,
      probe,
      since,
      initially,
      check: (timeoutSeconds) => driver.check({ pod, container: container.name }, probe, timeoutSeconds),
      changed,
      failed: (message) =>
        events.record(pod, "Warning", "Unhealthy", `${title} probe failed: ${message}`, container.name),
      signal,
    });
  }
}
