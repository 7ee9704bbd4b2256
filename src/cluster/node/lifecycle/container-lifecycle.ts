import type { Container, ContainerState, ContainerStatus, Pod, Probe } from "../../../api/core.ts";
import { type Clock, formatTime, type Instant, instant, later, parseTime } from "../../../time/clock.ts";
import {
  ContainerError,
  type ContainerExit,
  type ContainerKey,
  type PodDriver,
  type RunningContainer,
} from "../pod-driver.ts";
import type { PodEventSink } from "../pod-events.ts";
import { BackOff, formatSeconds } from "./back-off.ts";
import { pause } from "./pause.ts";
import { type ProbeKind, runProbe } from "./probe.ts";
import { restartsAfter } from "./restart-policy.ts";

export interface ContainerLifecycleOptions {
  readonly pod: Pod;
  readonly container: Container;
  readonly role: "init" | "main";
  readonly driver: PodDriver;
  readonly clock: Clock;
  readonly events: PodEventSink;
  /** Called after each change of `status()`. */
  readonly changed: () => void;
  /** As an earlier agent has left it. */
  readonly previous?: ContainerStatus | undefined;
}

const startErrorExitCode = 128;
const unknownExitCode = 137;
// Kubernetes never gives a container less than this between SIGTERM and SIGKILL.
const shortestGraceSeconds = 2;
// How long `ErrImagePull` stands before it becomes `ImagePullBackOff`.
const pullErrorShownSeconds = 2;
const configErrorRetrySeconds = 10;

/**
 * One container from its first start to its end:
 *
 *     pull ─▶ start ─▶ probes … ─▶ exit ─▶ (restart policy) ─▶ back-off ─▶ pull …
 *
 * Time comes from the clock and everything else from the driver, so a simulated pod lives by the same rules as a real one.
 */
export class ContainerLifecycle {
  readonly #options: ContainerLifecycleOptions;
  readonly #key: ContainerKey;
  readonly #stopping = new AbortController();
  readonly #abandoned = new AbortController();
  readonly #crashes = new BackOff();
  #state: ContainerState = { waiting: { reason: "ContainerCreating" } };
  #lastState: ContainerState | undefined;
  #imageId = "";
  #containerId: string | undefined;
  #restartCount = 0;
  #ready = false;
  #started = false;
  #running: RunningContainer | undefined;
  #terminating = false;
  #stopsWithPreStop = false;
  #killAt: Instant = instant(Number.POSITIVE_INFINITY);
  #graceChanged = new AbortController();
  #ended: Promise<void> | undefined;

  constructor(options: ContainerLifecycleOptions) {
    this.#options = options;
    this.#key = { pod: options.pod, container: options.container.name };
    if ((options.pod.spec.initContainers ?? []).length > 0) {
      this.#state = { waiting: { reason: "PodInitializing" } };
    }
    const { previous } = options;
    if (previous === undefined) return;
    this.#state = previous.state ?? this.#state;
    this.#lastState = previous.lastState;
    this.#imageId = previous.imageID;
    this.#containerId = previous.containerID;
    this.#restartCount = previous.restartCount;
    this.#ready = previous.ready;
    this.#started = previous.started ?? false;
  }

  /** Begins, or goes on where an earlier agent has left off. Resolves when the container has ended for good or was stopped. */
  run(): Promise<void> {
    this.#ended ??= this.#live();
    return this.#ended;
  }

  /** Ends the container for good; called again it can only shorten the grace period. `preStop` is run when asked for. */
  async stop(graceSeconds: number, withPreStop: boolean): Promise<void> {
    const killAt = later(this.#options.clock.now(), graceSeconds);
    if (killAt < this.#killAt) this.#killAt = killAt;
    this.#graceChanged.abort();
    const isFirst = !this.#stopping.signal.aborted;
    this.#stopsWithPreStop = withPreStop;
    this.#stopping.abort();
    if (isFirst && this.#running !== undefined) {
      await this.#terminate(this.#running, `Stopping container ${this.#key.container}`, withPreStop);
    }
    await this.#ended;
  }

  /** Lets go of the container without ending it: no timer is left. `run()` may never resolve. */
  abandon(): void {
    this.#stopping.abort();
    this.#abandoned.abort();
  }

  status(): ContainerStatus {
    return {
      name: this.#options.container.name,
      image: this.#options.container.image ?? "",
      imageID: this.#imageId,
      ...(this.#containerId === undefined ? {} : { containerID: this.#containerId }),
      ready: this.#ready,
      started: this.#started,
      restartCount: this.#restartCount,
      state: this.#state,
      lastState: this.#lastState ?? {},
    };
  }

  /** The last run's exit code, when the container does not run and none is to come. */
  get exitCode(): number | undefined {
    return this.#state.terminated?.exitCode;
  }

  async #live(): Promise<void> {
    let exit = await this.#resume();
    for (;;) {
      if (exit === undefined) {
        exit = await this.#attempt();
        if (exit === undefined) return;
      }
      if (this.#stopping.signal.aborted) return;
      const policy = this.#options.pod.spec.restartPolicy ?? "Always";
      if (!restartsAfter(exit.exitCode, policy, this.#options.role)) return;
      if (!(await this.#backOff(exit))) return;
      exit = undefined;
    }
  }

  /** The end of a run that an earlier agent began; undefined when there was none or it failed before it ran. */
  async #resume(): Promise<ContainerExit | undefined> {
    const { previous, driver, clock } = this.#options;
    const earlier = await driver.resume(this.#key);
    if (earlier.is === "running") {
      this.#restartCount = earlier.run;
      return this.#supervise(earlier.container, earlier.container.id === previous?.containerID);
    }
    const terminated = previous?.state?.terminated;
    if (terminated !== undefined) {
      const finishedAt = timeOr(terminated.finishedAt, clock.now());
      const startedAt = timeOr(terminated.startedAt, finishedAt);
      return { exitCode: terminated.exitCode, reason: terminated.reason ?? "Error", startedAt, finishedAt };
    }
    if (earlier.is === "ended") {
      this.#restartCount = earlier.run;
      this.#containerId = earlier.id;
      this.#showExit(earlier.exit);
      return earlier.exit;
    }
    if (previous?.state?.running === undefined) return undefined;
    const exit: ContainerExit = {
      exitCode: unknownExitCode,
      reason: "ContainerStatusUnknown",
      message: "The container could not be located when the pod was terminated",
      startedAt: timeOr(previous.state.running.startedAt, clock.now()),
      finishedAt: clock.now(),
    };
    this.#showExit(exit);
    return exit;
  }

  /** One run; undefined when the container was stopped before it began. */
  async #attempt(): Promise<ContainerExit | undefined> {
    const { clock, driver, events, pod, container } = this.#options;
    if (!(await this.#pull())) return undefined;
    const isRestart = this.#lastState !== undefined || this.#state.terminated !== undefined;
    const run = isRestart ? this.#restartCount + 1 : this.#restartCount;
    if (isRestart) this.#crashes.tried(clock.now());
    for (;;) {
      try {
        const running = await driver.start(this.#key, run);
        if (this.#state.terminated !== undefined) this.#lastState = this.#state;
        this.#restartCount = run;
        events.record(pod, "Normal", "Created", `Created container: ${container.name}`, container.name);
        events.record(pod, "Normal", "Started", `Started container ${container.name}`, container.name);
        return await this.#supervise(running, false);
      } catch (error) {
        if (!(error instanceof ContainerError)) throw error;
        events.record(pod, "Warning", "Failed", `Error: ${error.message}`, container.name);
        if (error.reason === "RunContainerError") {
          if (this.#state.terminated !== undefined) this.#lastState = this.#state;
          this.#restartCount = run;
          return this.#failedStart(error);
        }
        this.#show({ waiting: { reason: error.reason, message: error.message } });
        const retryAt = later(clock.now(), configErrorRetrySeconds);
        if (!(await pause(clock, retryAt, this.#stopping.signal))) return undefined;
      }
    }
  }

  #failedStart(error: ContainerError): ContainerExit {
    const now = this.#options.clock.now();
    const exit: ContainerExit = {
      exitCode: startErrorExitCode,
      reason: "StartError",
      message: error.message,
      startedAt: now,
      finishedAt: now,
    };
    this.#showExit(exit);
    return exit;
  }

  /** Waits until the image is there; false when stopped before. */
  async #pull(): Promise<boolean> {
    const { clock, driver, events, pod, container } = this.#options;
    const image = container.image ?? "";
    const stopping = this.#stopping.signal;
    const pulls = new BackOff();
    while (!stopping.aborted) {
      pulls.tried(clock.now());
      const imageChanged = new AbortController();
      const unfollow = driver.followImages(() => imageChanged.abort());
      try {
        this.#imageId = await driver.pull(this.#key);
        const message = `Container image "${image}" already present on machine`;
        events.record(pod, "Normal", "Pulled", message, container.name);
        return !stopping.aborted;
      } catch (error) {
        if (!(error instanceof ContainerError)) throw error;
        const failedAt = clock.now();
        const message = `Failed to pull image "${image}": ${error.message}`;
        events.record(pod, "Warning", "Failed", message, container.name);
        events.record(pod, "Warning", "Failed", `Error: ${error.reason}`, container.name);
        this.#show({ waiting: { reason: error.reason, message: error.message } });
        await pause(clock, later(failedAt, pullErrorShownSeconds), stopping, imageChanged.signal);
        if (stopping.aborted || imageChanged.signal.aborted) continue;
        const backingOff = `Back-off pulling image "${image}"`;
        events.record(pod, "Normal", "BackOff", backingOff, container.name);
        events.record(pod, "Warning", "Failed", "Error: ImagePullBackOff", container.name);
        const detail = `${backingOff}: ${error.reason}: ${error.message}`;
        this.#show({ waiting: { reason: "ImagePullBackOff", message: detail } });
        await pause(clock, later(failedAt, pulls.secondsAfter(failedAt)), stopping, imageChanged.signal);
      } finally {
        unfollow();
      }
    }
    return false;
  }

  /** Stands by a running container until it ends. An adopted one keeps the readiness that it had. */
  async #supervise(running: RunningContainer, isAdopted: boolean): Promise<ContainerExit> {
    const { container } = this.#options;
    const probing = new AbortController();
    this.#abandoned.signal.addEventListener("abort", () => probing.abort());
    this.#running = running;
    this.#containerId = running.id;
    if (!isAdopted) {
      this.#ready = false;
      this.#started = false;
    }
    if (this.#stopping.signal.aborted) {
      void this.#terminate(running, `Stopping container ${container.name}`, this.#stopsWithPreStop);
    } else if (await this.#postStart(running, isAdopted)) {
      this.#state = { running: { startedAt: formatTime(running.startedAt) } };
      this.#probe(running, isAdopted, probing.signal);
      this.#options.changed();
    }

    const exit = await running.exited;
    probing.abort();
    this.#running = undefined;
    this.#terminating = false;
    this.#showExit(exit);
    return exit;
  }

  async #postStart(running: RunningContainer, isAdopted: boolean): Promise<boolean> {
    const { clock, container, events, pod } = this.#options;
    const hook = container.lifecycle?.postStart;
    if (hook === undefined || isAdopted) return true;
    const ended = running.exited.then(() => false);
    const passed = await Promise.race([this.#hook(hook), ended]);
    if (!passed && !this.#terminating) {
      events.record(pod, "Warning", "FailedPostStartHook", "PostStartHook failed", container.name);
      this.#killAt = later(clock.now(), this.#graceSeconds());
      void this.#terminate(running, "FailedPostStartHook", false);
    }
    return passed;
  }

  #probe(running: RunningContainer, isAdopted: boolean, signal: AbortSignal): void {
    const { startupProbe, livenessProbe } = this.#options.container;
    const started = (since: Instant): void => {
      this.#started = true;
      this.#followReadiness(running, isAdopted, since, signal);
      if (livenessProbe === undefined) return;
      this.#runProbe("liveness", livenessProbe, since, true, signal, (healthy) => {
        if (!healthy) this.#killUnhealthy(running, "liveness", livenessProbe);
      });
    };
    if (startupProbe === undefined || (isAdopted && this.#started)) {
      started(running.startedAt);
      return;
    }
    this.#runProbe("startup", startupProbe, running.startedAt, undefined, signal, (healthy) => {
      if (healthy) {
        started(this.#options.clock.now());
        this.#options.changed();
      } else {
        this.#killUnhealthy(running, "startup", startupProbe);
      }
    });
  }

  #followReadiness(running: RunningContainer, isAdopted: boolean, since: Instant, signal: AbortSignal): void {
    const { readinessProbe } = this.#options.container;
    if (running.followReadiness !== undefined) {
      signal.addEventListener(
        "abort",
        running.followReadiness((ready) => this.#showReady(ready)),
      );
    } else if (readinessProbe === undefined) {
      this.#ready = true;
    } else {
      const initially = isAdopted && this.#ready;
      this.#runProbe("readiness", readinessProbe, since, initially, signal, (ready) =>
        this.#showReady(ready),
      );
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
      check: (timeoutSeconds) => driver.check(this.#key, probe, timeoutSeconds),
      changed,
      failed: (message) =>
        events.record(pod, "Warning", "Unhealthy", `${title} probe failed: ${message}`, container.name),
      signal,
    });
  }

  #killUnhealthy(running: RunningContainer, kind: ProbeKind, probe: Probe): void {
    const { clock, container } = this.#options;
    if (this.#stopping.signal.aborted) return;
    const message = `Container ${container.name} failed ${kind} probe, will be restarted`;
    this.#killAt = later(clock.now(), probe.terminationGracePeriodSeconds ?? this.#graceSeconds());
    void this.#terminate(running, message, true);
  }

  /** preStop, SIGTERM, SIGKILL when the grace period is over. Resolves when the container has ended. */
  async #terminate(running: RunningContainer, message: string, withPreStop: boolean): Promise<void> {
    const { clock, container, events, pod } = this.#options;
    if (this.#terminating || this.#abandoned.signal.aborted) return;
    this.#terminating = true;
    events.record(pod, "Normal", "Killing", message, container.name);
    const preStop = container.lifecycle?.preStop;
    if (withPreStop && preStop !== undefined) {
      const hook = this.#hook(preStop).then((passed) => {
        if (!passed) {
          events.record(pod, "Warning", "FailedPreStopHook", "PreStopHook failed", container.name);
        }
      });
      await this.#beforeKill(Promise.race([hook, running.exited]));
    }
    if (this.#abandoned.signal.aborted) return;
    running.signal("SIGTERM");
    const soonest = later(clock.now(), shortestGraceSeconds);
    if (this.#killAt < soonest) this.#killAt = soonest;
    const hasEnded = await this.#beforeKill(running.exited);
    if (this.#abandoned.signal.aborted) return;
    if (!hasEnded) running.signal("SIGKILL");
    await running.exited;
    if (!this.#stopping.signal.aborted) this.#killAt = instant(Number.POSITIVE_INFINITY);
  }

  /** Whether `happening` came before the time to kill, which may come nearer while waiting. */
  async #beforeKill(happening: Promise<unknown>): Promise<boolean> {
    const { clock } = this.#options;
    const abandoned = this.#abandoned.signal;
    const happened = new AbortController();
    void happening.then(() => happened.abort());
    while (!happened.signal.aborted && !abandoned.aborted) {
      this.#graceChanged = new AbortController();
      const graceChanged = this.#graceChanged.signal;
      if (await pause(clock, this.#killAt, happened.signal, graceChanged, abandoned)) return false;
    }
    return happened.signal.aborted;
  }

  async #hook(hook: NonNullable<NonNullable<Container["lifecycle"]>["preStop"]>): Promise<boolean> {
    const { clock, driver } = this.#options;
    if (hook.sleep !== undefined) {
      const until = later(clock.now(), hook.sleep.seconds);
      return pause(clock, until, this.#endOfRun(), this.#abandoned.signal);
    }
    return (await driver.check(this.#key, hook, this.#graceSeconds())).healthy;
  }

  // A hook that sleeps must not leave its timer behind when the container is gone.
  #endOfRun(): AbortSignal {
    const ended = new AbortController();
    void this.#running?.exited.then(() => ended.abort());
    return ended.signal;
  }

  #graceSeconds(): number {
    return this.#options.pod.spec.terminationGracePeriodSeconds ?? 30;
  }

  /** Waits before the next run; false when stopped meanwhile. */
  async #backOff(exit: ContainerExit): Promise<boolean> {
    const { clock, events, pod, container } = this.#options;
    const seconds = this.#crashes.secondsAfter(exit.finishedAt);
    const until = later(exit.finishedAt, seconds);
    if (until <= clock.now()) return true;
    const { namespace, name, uid } = pod.metadata;
    const where = `${container.name} in pod ${name}_${namespace}(${uid})`;
    events.record(pod, "Warning", "BackOff", `Back-off restarting failed container ${where}`, container.name);
    this.#lastState = this.#state;
    const message = `back-off ${formatSeconds(seconds)} restarting failed container=${container.name} pod=${name}_${namespace}(${uid})`;
    this.#show({ waiting: { reason: "CrashLoopBackOff", message } });
    return pause(clock, until, this.#stopping.signal);
  }

  #showExit(exit: ContainerExit): void {
    this.#ready = false;
    this.#started = false;
    this.#show({
      terminated: {
        exitCode: exit.exitCode,
        ...(exit.signal === undefined ? {} : { signal: exit.signal }),
        reason: exit.reason,
        ...(exit.message === undefined ? {} : { message: exit.message }),
        startedAt: formatTime(exit.startedAt),
        finishedAt: formatTime(exit.finishedAt),
        ...(this.#containerId === undefined ? {} : { containerID: this.#containerId }),
      },
    });
  }

  #showReady(ready: boolean): void {
    if (ready === this.#ready) return;
    this.#ready = ready;
    this.#options.changed();
  }

  #show(state: ContainerState): void {
    this.#state = state;
    this.#options.changed();
  }
}

function timeOr(text: string | undefined, otherwise: Instant): Instant {
  return (text === undefined ? undefined : parseTime(text)) ?? otherwise;
}
