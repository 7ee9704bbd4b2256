import type { Container, ContainerStatus, Pod, PodStatus } from "../../../api/core.ts";
import { type Clock, later, parseTime } from "../../../time/clock.ts";
import { pause } from "../../../time/pause.ts";
import type { PodDriver, PodNetwork } from "../pod-driver.ts";
import type { PodEventSink } from "../pod-events.ts";
import { ContainerLifecycle } from "./container-lifecycle.ts";
import { findNetwork, type PodPreparation, setUpVolumes } from "./pod-preparation.ts";
import { podStatus, type WholeFailure } from "./pod-status.ts";
import { type ContainerRole, roleOf } from "./restart-policy.ts";

export interface PodLifecycleOptions {
  readonly pod: Pod;
  readonly driver: PodDriver;
  readonly clock: Clock;
  readonly events: PodEventSink;
  readonly hostIp: string;
  /** Called after each change of `status()` or `network`. */
  readonly changed: () => void;
}

// As Kubernetes has it.
const defaultGraceSeconds = 30;
const deadlineFailure: WholeFailure = {
  reason: "DeadlineExceeded",
  message: "Pod was active on the node longer than the specified deadline",
};

/**
 * One pod from its volumes and address to its end: init containers one after the other, where a sidecar only has to start, then
 * all others side by side. Sidecars end after all others, the last one first.
 */
export class PodLifecycle {
  readonly #options: PodLifecycleOptions;
  readonly #initContainers: readonly ContainerLifecycle[];
  readonly #containers: readonly ContainerLifecycle[];
  readonly #stopping = new AbortController();
  readonly #over = new AbortController();
  #pod: Pod;
  #status: PodStatus | undefined;
  #network: PodNetwork | undefined;
  #networkProblem: string | undefined;
  #failure: WholeFailure | undefined;
  #ended: Promise<void> | undefined;

  constructor(options: PodLifecycleOptions) {
    this.#options = options;
    this.#pod = options.pod;
    this.#status = options.pod.status;
    const { initContainers, containers } = options.pod.spec;
    this.#initContainers = (initContainers ?? []).map((container) =>
      this.#lifecycle(container, roleOf(container)),
    );
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
    this.#ended ??= this.#live().finally(() => this.#over.abort());
    return this.#ended;
  }

  /** Takes in a newer version of the pod's object: conditions of others, annotations. */
  update(pod: Pod): void {
    this.#pod = pod;
    this.#options.driver.podChanged?.(pod);
    if (pod.spec.readinessGates !== undefined) this.#options.changed();
  }

  /** Ends all containers, sidecars last; called again it can only shorten the grace period. */
  async stop(graceSeconds: number, withPreStop: boolean): Promise<void> {
    this.#stopping.abort();
    await this.#endAll(graceSeconds, withPreStop);
    await this.#ended;
  }

  /** Ends the pod for good as one that has failed as a whole; its object stays, and says why. */
  async fail(failure: WholeFailure, eventType: "Normal" | "Warning", graceSeconds: number): Promise<void> {
    if (this.#failure !== undefined || this.#stopping.signal.aborted) return;
    const { events, changed } = this.#options;
    this.#failure = failure;
    events.record(this.#pod, eventType, failure.reason, failure.message);
    this.#stopping.abort();
    await this.#endAll(graceSeconds, true);
    changed();
  }

  /** Lets go of the pod: no timer is left, containers that run go on running. */
  abandon(): void {
    this.#stopping.abort();
    this.#over.abort();
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
      objections: [...this.#initContainers, ...this.#containers].flatMap(({ objection }) => objection ?? []),
      failure: this.#failure,
    });
    return this.#status;
  }

  #lifecycle(container: Container, role: ContainerRole): ContainerLifecycle {
    const { pod, driver, clock, events, changed } = this.#options;
    const known = role === "main" ? pod.status?.containerStatuses : pod.status?.initContainerStatuses;
    const previous = known?.find(({ name }) => name === container.name);
    return new ContainerLifecycle({ pod, container, role, driver, clock, events, changed, previous });
  }

  async #live(): Promise<void> {
    const { changed } = this.#options;
    const preparation: PodPreparation = {
      ...this.#options,
      stopping: this.#stopping.signal,
      failed: (message) => {
        this.#networkProblem = message;
        changed();
      },
    };
    void this.#keepDeadline();
    const volumesReady = setUpVolumes(preparation);
    // Containers that run already have their volumes, whatever has become of what those were made of.
    if (!this.#hasBegun && !(await volumesReady)) return;
    this.#network = await findNetwork(preparation);
    if (this.#network === undefined) return;
    this.#networkProblem = undefined;
    changed();
    const isOver = ["Succeeded", "Failed"].includes(this.#options.pod.status?.phase ?? "");
    if (isOver || !(await this.#initialize())) return;
    await Promise.all(this.#containers.map((container) => container.run()));
    if (!this.#stopping.signal.aborted)
      await this.#endSidecars(later(this.#options.clock.now(), this.#graceSeconds));
  }

  /** Whether all init containers have done their work, and all sidecars have started. */
  async #initialize(): Promise<boolean> {
    for (const container of this.#initContainers) {
      if (container.role === "sidecar") {
        void container.run();
        await Promise.race([container.started, aborted(this.#stopping.signal)]);
        if (this.#stopping.signal.aborted) return false;
        continue;
      }
      // A finished init container stays finished, also for an agent that finds it so.
      if (container.exitCode !== 0) await container.run();
      if (container.exitCode === 0) continue;
      if (!this.#stopping.signal.aborted)
        await this.#endSidecars(later(this.#options.clock.now(), this.#graceSeconds));
      return false;
    }
    return true;
  }

  async #endAll(graceSeconds: number, withPreStop: boolean): Promise<void> {
    const killAt = later(this.#options.clock.now(), graceSeconds);
    const others = [...this.#initContainers.filter(({ role }) => role === "init"), ...this.#containers];
    await Promise.all(others.map((container) => container.stop(graceSeconds, withPreStop)));
    await this.#endSidecars(killAt, withPreStop);
  }

  /** One after the other, the last one first, in what is left of the pod's grace period. */
  async #endSidecars(killAt: ReturnType<typeof later>, withPreStop = true): Promise<void> {
    for (const container of this.#initContainers.toReversed()) {
      if (container.role !== "sidecar") continue;
      const leftSeconds = Math.max(0, (killAt - this.#options.clock.now()) / 1000);
      await container.stop(leftSeconds, withPreStop);
    }
  }

  async #keepDeadline(): Promise<void> {
    const { clock, pod } = this.#options;
    const { activeDeadlineSeconds } = pod.spec;
    if (activeDeadlineSeconds === undefined) return;
    const startedAt = parseTime(pod.status?.startTime ?? "") ?? clock.now();
    const isLate = await pause(
      clock,
      later(startedAt, activeDeadlineSeconds),
      this.#stopping.signal,
      this.#over.signal,
    );
    if (isLate) await this.fail(deadlineFailure, "Normal", this.#graceSeconds);
  }

  get #graceSeconds(): number {
    return this.#pod.spec.terminationGracePeriodSeconds ?? defaultGraceSeconds;
  }

  get #hasBegun(): boolean {
    const { containerStatuses = [], initContainerStatuses = [] } = this.#options.pod.status ?? {};
    return [...initContainerStatuses, ...containerStatuses].some(
      ({ state, lastState }) => (state?.running ?? state?.terminated ?? lastState?.terminated) !== undefined,
    );
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

function withNetworkProblem(status: ContainerStatus, message: string | undefined): ContainerStatus {
  return message === undefined || status.state?.waiting === undefined
    ? status
    : { ...status, state: { waiting: { reason: "CreatePodSandboxError", message } } };
}
