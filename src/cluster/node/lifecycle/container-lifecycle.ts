import type { Container, ContainerState, ContainerStatus, Pod, Probe } from "../../../api/core.ts";
import { type Clock, formatTime, type Instant, later, parseTime } from "../../../time/clock.ts";
import { pause } from "../../../time/pause.ts";
import {
  ContainerError,
  type ContainerExit,
  type ContainerKey,
  type Objection,
  type PodDriver,
  type RunningContainer,
} from "../pod-driver.ts";
import type { PodEventSink } from "../pod-events.ts";
import { BackOff, formatSeconds } from "./back-off.ts";
import { ContainerHealth } from "./container-health.ts";
import { ContainerTermination } from "./container-termination.ts";
import { pullImage } from "./image-pull.ts";
import type { ProbeKind } from "./probe.ts";
import { type ContainerRole, restartsAfter } from "./restart-policy.ts";

export interface ContainerLifecycleOptions {
  readonly pod: Pod;
  readonly container: Container;
  readonly role: ContainerRole;
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
const retrySeconds = 10;

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
  readonly #health: ContainerHealth;
  readonly #termination: ContainerTermination;
  /** As an earlier agent has left it; undefined when that is settled. */
  #previous: ContainerStatus | undefined;
  #state: ContainerState = { waiting: { reason: "ContainerCreating" } };
  #lastState: ContainerState | undefined;
  #imageId = "";
  #containerId: string | undefined;
  #restartCount = 0;
  #running: RunningContainer | undefined;
  #stopsWithPreStop = false;
  readonly #started = Promise.withResolvers<void>();
  #ended: Promise<void> | undefined;

  constructor(options: ContainerLifecycleOptions) {
    this.#options = options;
    this.#key = { pod: options.pod, container: options.container.name };
    this.#health = new ContainerHealth({
      ...options,
      changed: () => {
        if (this.#health.hasStarted) this.#started.resolve();
        options.changed();
      },
      failed: (kind, probe) => this.#endUnhealthy(kind, probe),
    });
    this.#termination = new ContainerTermination({
      ...options,
      stopping: this.#stopping.signal,
      abandoned: this.#abandoned.signal,
    });
    if ((options.pod.spec.initContainers ?? []).length > 0) {
      this.#state = { waiting: { reason: "PodInitializing" } };
    }
    const { previous } = options;
    this.#previous = previous;
    if (previous === undefined) return;
    this.#state = previous.state ?? this.#state;
    this.#lastState = previous.lastState;
    this.#imageId = previous.imageID;
    this.#containerId = previous.containerID;
    this.#restartCount = previous.restartCount;
  }

  /** Begins, or goes on where an earlier agent has left off. Resolves when the container has ended for good or was stopped. */
  run(): Promise<void> {
    this.#ended ??= this.#live();
    return this.#ended;
  }

  get role(): ContainerRole {
    return this.#options.role;
  }

  /** Resolves when the container has started for the first time, or will not: its startup probe has passed, if it has one. */
  get started(): Promise<void> {
    return this.#started.promise;
  }

  /** Ends the container for good; called again it can only shorten the grace period. `preStop` is run when asked for. */
  async stop(graceSeconds: number, withPreStop: boolean): Promise<void> {
    this.#termination.shortenGrace(graceSeconds);
    const isFirst = !this.#stopping.signal.aborted;
    this.#stopsWithPreStop = withPreStop;
    this.#stopping.abort();
    if (isFirst && this.#running !== undefined) {
      await this.#termination.end(this.#running, `Stopping container ${this.#key.container}`, withPreStop);
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
      ready: this.#options.role === "init" ? this.exitCode === 0 : this.#health.isReady,
      started: this.#health.hasStarted,
      restartCount: this.#restartCount,
      state: this.#state,
      lastState: this.#lastState ?? {},
    };
  }

  /** What holds the container back from being ready, whatever its probes say. */
  get objection(): Objection | undefined {
    return this.#health.objection;
  }

  /** The last run's exit code, when the container does not run and none is to come. */
  get exitCode(): number | undefined {
    return this.#state.terminated?.exitCode;
  }

  /** What goes wrong with one container must neither end its pod nor be silent: it is shown, and tried again. */
  async #live(): Promise<void> {
    const { clock, events, pod, container } = this.#options;
    for (;;) {
      try {
        return await this.#liveOn();
      } catch (error) {
        if (this.#abandoned.signal.aborted) return;
        const message = messageOf(error);
        events.record(pod, "Warning", "Failed", `Error: ${message}`, container.name);
        if (this.#stopping.signal.aborted) return;
        this.#health.reset();
        this.#showProblem("CreateContainerError", message);
        if (!(await pause(clock, later(clock.now(), retrySeconds), this.#stopping.signal))) return;
      }
    }
  }

  async #liveOn(): Promise<void> {
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
    const { driver, clock } = this.#options;
    const earlier = await driver.resume(this.#key);
    const previous = this.#previous;
    this.#previous = undefined;
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
    const imageId = await pullImage({
      ...this.#options,
      show: (state) => this.#show(state),
      stopping: this.#stopping.signal,
    });
    if (imageId === undefined) return undefined;
    this.#imageId = imageId;
    if (this.#stopping.signal.aborted) return undefined;
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
        for (const { reason, message } of driver.remarksOnRunning?.(this.#key) ?? [])
          events.record(pod, "Warning", reason, message, container.name);
        return this.#supervise(running, false);
      } catch (cause) {
        const error = startErrorOf(cause);
        if (error.reason === "RunContainerError")
          events.record(pod, "Normal", "Created", `Created container: ${container.name}`, container.name);
        events.record(pod, "Warning", "Failed", `Error: ${error.message}`, container.name);
        if (error.reason === "RunContainerError") {
          if (this.#state.terminated !== undefined) this.#lastState = this.#state;
          this.#restartCount = run;
          return this.#failedStart(error);
        }
        this.#showProblem(error.reason, error.message);
        const retryAt = later(clock.now(), retrySeconds);
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

  /** Stands by a running container until it ends. An adopted one keeps the readiness that it had. */
  async #supervise(running: RunningContainer, isAdopted: boolean): Promise<ContainerExit> {
    const { container } = this.#options;
    const probing = new AbortController();
    this.#abandoned.signal.addEventListener("abort", () => probing.abort());
    this.#running = running;
    this.#containerId = running.id;
    if (!isAdopted) this.#health.reset();
    if (this.#stopping.signal.aborted) {
      void this.#termination.end(running, `Stopping container ${container.name}`, this.#stopsWithPreStop);
    } else if (await this.#postStart(running, isAdopted)) {
      this.#state = { running: { startedAt: formatTime(running.startedAt) } };
      this.#health.watch(running, isAdopted, probing.signal);
      if (this.#health.hasStarted) this.#started.resolve();
      this.#options.changed();
    }

    const exit = await running.exited;
    probing.abort();
    this.#running = undefined;
    this.#termination.runEnded();
    this.#showExit(exit);
    return exit;
  }

  async #postStart(running: RunningContainer, isAdopted: boolean): Promise<boolean> {
    const { container, events, pod } = this.#options;
    const hook = container.lifecycle?.postStart;
    if (hook === undefined || isAdopted) return true;
    const ended = running.exited.then(() => false);
    const passed = await Promise.race([this.#termination.runHook(hook, running), ended]);
    if (!passed && !this.#termination.isUnderWay) {
      events.record(pod, "Warning", "FailedPostStartHook", "PostStartHook failed", container.name);
      void this.#termination.endForRestart(running, "FailedPostStartHook", false);
    }
    return passed;
  }

  #endUnhealthy(kind: ProbeKind, probe: Probe): void {
    if (this.#stopping.signal.aborted || this.#running === undefined) return;
    const message = `Container ${this.#options.container.name} failed ${kind} probe, will be restarted`;
    const { terminationGracePeriodSeconds } = probe;
    void this.#termination.endForRestart(this.#running, message, true, terminationGracePeriodSeconds);
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
    this.#health.reset();
    this.#show({
      terminated: {
        exitCode: exit.exitCode,
        reason: exit.reason,
        ...(exit.message === undefined ? {} : { message: exit.message }),
        startedAt: formatTime(exit.startedAt),
        finishedAt: formatTime(exit.finishedAt),
        ...(this.#containerId === undefined ? {} : { containerID: this.#containerId }),
      },
    });
  }

  /** Why there is no next run yet; how the last one has ended stays known. */
  #showProblem(reason: string, message: string): void {
    if (this.#state.terminated !== undefined) this.#lastState = this.#state;
    this.#show({ waiting: { reason, message } });
  }

  #show(state: ContainerState): void {
    this.#state = state;
    this.#options.changed();
  }
}

/** What the status says of a failed start; one that has no name of its own is the container's all the same. */
function startErrorOf(cause: unknown): ContainerError {
  return cause instanceof ContainerError
    ? cause
    : new ContainerError("CreateContainerError", messageOf(cause), { cause });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function timeOr(text: string | undefined, otherwise: Instant): Instant {
  return (text === undefined ? undefined : parseTime(text)) ?? otherwise;
}
