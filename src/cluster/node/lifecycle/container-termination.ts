import type { Container, Pod } from "../../../api/core.ts";
import { type Clock, type Instant, instant, later } from "../../../time/clock.ts";
import { pause } from "../../../time/pause.ts";
import type { PodDriver, RunningContainer } from "../pod-driver.ts";
import type { PodEventSink } from "../pod-events.ts";

export interface ContainerTerminationOptions {
  readonly pod: Pod;
  readonly container: Container;
  readonly driver: PodDriver;
  readonly clock: Clock;
  readonly events: PodEventSink;
  /** The container is to end for good. */
  readonly stopping: AbortSignal;
  /** Nobody waits for the container's end any more. */
  readonly abandoned: AbortSignal;
}

type Hook = NonNullable<NonNullable<Container["lifecycle"]>["preStop"]>;

const never = instant(Number.POSITIVE_INFINITY);
// Kubernetes never gives a container less than this between SIGTERM and SIGKILL.
const shortestGraceSeconds = 2;

/** How runs of one container are ended: preStop, SIGTERM, and SIGKILL when the grace period is over. */
export class ContainerTermination {
  readonly #options: ContainerTerminationOptions;
  #killAt: Instant = never;
  #graceChanged = new AbortController();
  #isUnderWay = false;

  constructor(options: ContainerTerminationOptions) {
    this.#options = options;
  }

  get isUnderWay(): boolean {
    return this.#isUnderWay;
  }

  /** The run has ended; the next one has a termination of its own. */
  runEnded(): void {
    this.#isUnderWay = false;
  }

  /** Brings the time to kill nearer, also while the container is being ended. */
  shortenGrace(graceSeconds: number): void {
    const killAt = later(this.#options.clock.now(), graceSeconds);
    if (killAt < this.#killAt) this.#killAt = killAt;
    this.#graceChanged.abort();
  }

  /** Ends a run that is to be followed by another one, within the probe's or else the pod's grace period. */
  async endForRestart(
    running: RunningContainer,
    message: string,
    withPreStop: boolean,
    graceSeconds = this.#podGraceSeconds(),
  ): Promise<void> {
    this.#killAt = later(this.#options.clock.now(), graceSeconds);
    await this.end(running, message, withPreStop);
  }

  /** Ends the run; resolves when the container has ended. Nothing happens when that is under way. */
  async end(running: RunningContainer, message: string, withPreStop: boolean): Promise<void> {
    const { clock, container, events, pod, stopping, abandoned } = this.#options;
    if (this.#isUnderWay || abandoned.aborted) return;
    this.#isUnderWay = true;
    events.record(pod, "Normal", "Killing", message, container.name);
    const preStop = container.lifecycle?.preStop;
    if (withPreStop && preStop !== undefined) {
      const hook = this.runHook(preStop, running).then((passed) => {
        if (!passed) {
          events.record(pod, "Warning", "FailedPreStopHook", "PreStopHook failed", container.name);
        }
      });
      await this.#beforeKill(Promise.race([hook, running.exited]));
    }
    if (abandoned.aborted) return;
    running.signal("SIGTERM");
    const soonest = later(clock.now(), shortestGraceSeconds);
    if (this.#killAt < soonest) this.#killAt = soonest;
    const hasEnded = await this.#beforeKill(running.exited);
    if (abandoned.aborted) return;
    if (!hasEnded) running.signal("SIGKILL");
    await running.exited;
    if (!stopping.aborted) this.#killAt = never;
  }

  /** Whether the hook has passed; a sleep passes when the container lives to its end. */
  async runHook(hook: Hook, running: RunningContainer): Promise<boolean> {
    const { clock, container, driver, pod, abandoned } = this.#options;
    if (hook.sleep !== undefined) {
      // A hook that sleeps must not leave its timer behind when the container is gone.
      const ended = new AbortController();
      void running.exited.then(() => ended.abort());
      return pause(clock, later(clock.now(), hook.sleep.seconds), ended.signal, abandoned);
    }
    const key = { pod, container: container.name };
    return (await driver.check(key, hook, this.#podGraceSeconds())).healthy;
  }

  /** Whether `happening` came before the time to kill, which may come nearer while waiting. */
  async #beforeKill(happening: Promise<unknown>): Promise<boolean> {
    const { clock, abandoned } = this.#options;
    const happened = new AbortController();
    void happening.then(() => happened.abort());
    while (!happened.signal.aborted && !abandoned.aborted) {
      this.#graceChanged = new AbortController();
      const graceChanged = this.#graceChanged.signal;
      if (await pause(clock, this.#killAt, happened.signal, graceChanged, abandoned)) return false;
    }
    return happened.signal.aborted;
  }

  #podGraceSeconds(): number {
    return this.#options.pod.spec.terminationGracePeriodSeconds ?? 30;
  }
}
