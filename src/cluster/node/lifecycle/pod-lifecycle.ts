import type { Container, ContainerStatus, Pod, PodStatus } from "../../../api/core.ts";
import { type Clock, later } from "../../../time/clock.ts";
import { pause } from "../../../time/pause.ts";
import type { PodDriver, PodNetwork } from "../pod-driver.ts";
import type { PodEventSink } from "../pod-events.ts";
import { ContainerLifecycle } from "./container-lifecycle.ts";
import { podStatus } from "./pod-status.ts";

export interface PodLifecycleOptions {
  readonly pod: Pod;
  readonly driver: PodDriver;
  readonly clock: Clock;
  readonly events: PodEventSink;
  readonly hostIp: string;
  /** Called after each change of `status()` or `network`. */
  readonly changed: () => void;
}

const networkRetrySeconds = 10;
// As the kubelet's.
const firstVolumeRetrySeconds = 0.5;
const longestVolumeRetrySeconds = 122;

/** One pod from its address to its end: init containers one after the other, then all others side by side. */
export class PodLifecycle {
  readonly #options: PodLifecycleOptions;
  readonly #initContainers: readonly ContainerLifecycle[];
  readonly #containers: readonly ContainerLifecycle[];
  readonly #stopping = new AbortController();
  #pod: Pod;
  #status: PodStatus | undefined;
  #network: PodNetwork | undefined;
  #networkProblem: string | undefined;
  #ended: Promise<void> | undefined;

  constructor(options: PodLifecycleOptions) {
    this.#options = options;
    this.#pod = options.pod;
    this.#status = options.pod.status;
    const { initContainers, containers } = options.pod.spec;
    this.#initContainers = (initContainers ?? []).map((container) => this.#lifecycle(container, "init"));
    this.#containers = containers.map((container) => this.#lifecycle(container, "main"));
  }

  /** The pod as last told. */
  get pod(): Pod {
    return this.#pod;
  }

  get network(): PodNetwork | undefined {
    return this.#network;
  }

  /** Begins, or goes on where an earlier agent has left off. Resolves when no container will run any more. */
  run(): Promise<void> {
    this.#ended ??= this.#live();
    return this.#ended;
  }

  /** Takes in a newer version of the pod's object: conditions of others, annotations. */
  update(pod: Pod): void {
    this.#pod = pod;
    this.#options.driver.podChanged?.(pod);
    if (pod.spec.readinessGates !== undefined) this.#options.changed();
  }

  /** Ends all containers in parallel; called again it can only shorten the grace period. */
  async stop(graceSeconds: number, withPreStop: boolean): Promise<void> {
    this.#stopping.abort();
    const all = [...this.#initContainers, ...this.#containers];
    await Promise.all(all.map((container) => container.stop(graceSeconds, withPreStop)));
    await this.#ended;
  }

  /** Lets go of the pod: no timer is left, containers that run go on running. */
  abandon(): void {
    this.#stopping.abort();
    for (const container of [...this.#initContainers, ...this.#containers]) container.abandon();
  }

  status(): PodStatus {
    const { clock, hostIp } = this.#options;
    const statuses = (containers: readonly ContainerLifecycle[]): ContainerStatus[] =>
      containers.map((container) => withNetworkProblem(container.status(), this.#networkProblem));
    this.#status = podStatus({
      pod: this.#pod,
      before: this.#status,
      now: clock.now(),
      hostIp,
      network: this.#network,
      initContainers: statuses(this.#initContainers),
      containers: statuses(this.#containers),
      objections: this.#containers.flatMap(({ objection }) => objection ?? []),
    });
    return this.#status;
  }

  #lifecycle(container: Container, role: "init" | "main"): ContainerLifecycle {
    const { pod, driver, clock, events, changed } = this.#options;
    const known = role === "init" ? pod.status?.initContainerStatuses : pod.status?.containerStatuses;
    const previous = known?.find(({ name }) => name === container.name);
    return new ContainerLifecycle({ pod, container, role, driver, clock, events, changed, previous });
  }

  async #live(): Promise<void> {
    const volumesReady = this.#setUpVolumes();
    // Containers that run already have their volumes, whatever has become of what those were made of.
    if (!this.#hasBegun && !(await volumesReady)) return;
    if (!(await this.#prepare())) return;
    this.#options.changed();
    for (const container of this.#initContainers) {
      // A finished init container stays finished, also for an agent that finds it so.
      if (container.exitCode !== 0) await container.run();
      if (container.exitCode !== 0) return;
    }
    await Promise.all(this.#containers.map((container) => container.run()));
  }

  get #hasBegun(): boolean {
    const { containerStatuses = [], initContainerStatuses = [] } = this.#options.pod.status ?? {};
    return [...initContainerStatuses, ...containerStatuses].some(
      ({ state, lastState }) => (state?.running ?? state?.terminated ?? lastState?.terminated) !== undefined,
    );
  }

  /** Whether all volumes are there at last; false when stopped before. */
  async #setUpVolumes(): Promise<boolean> {
    const { pod, driver, clock, events } = this.#options;
    let retryAfterSeconds = firstVolumeRetrySeconds;
    while (!this.#stopping.signal.aborted) {
      const mayHaveCome = new AbortController();
      const unfollow = driver.followVolumes?.(pod, () => mayHaveCome.abort());
      try {
        const problems = (await driver.setUpVolumes?.(pod)) ?? [];
        if (problems.length === 0) return true;
        this.#options.changed();
        for (const { volume, message } of problems) {
          const text = `MountVolume.SetUp failed for volume "${volume}" : ${message}`;
          events.record(pod, "Warning", "FailedMount", text);
        }
        const retryAt = later(clock.now(), retryAfterSeconds);
        await pause(clock, retryAt, this.#stopping.signal, mayHaveCome.signal);
        retryAfterSeconds = Math.min(retryAfterSeconds * 2, longestVolumeRetrySeconds);
      } finally {
        unfollow?.();
      }
    }
    return false;
  }

  async #prepare(): Promise<boolean> {
    const { pod, driver, clock, events } = this.#options;
    while (!this.#stopping.signal.aborted) {
      try {
        this.#network = await driver.prepare(pod);
        this.#networkProblem = undefined;
        return true;
      } catch (error) {
        const cause = error instanceof Error ? error.message : String(error);
        const message = `Failed to create pod sandbox: ${cause}`;
        events.record(pod, "Warning", "FailedCreatePodSandBox", message);
        this.#networkProblem = message;
        this.#options.changed();
        await pause(clock, later(clock.now(), networkRetrySeconds), this.#stopping.signal);
      }
    }
    return false;
  }
}

function withNetworkProblem(status: ContainerStatus, message: string | undefined): ContainerStatus {
  return message === undefined || status.state?.waiting === undefined
    ? status
    : { ...status, state: { waiting: { reason: "CreatePodSandboxError", message } } };
}
