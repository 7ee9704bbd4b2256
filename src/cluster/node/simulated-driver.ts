import type { Pod } from "../../api/core.ts";
import { type Cancel, type Clock, later } from "../../time/clock.ts";
import { pause } from "../../time/pause.ts";
import { type Addresses, addressesOf } from "../addresses.ts";
import { roleOf } from "./lifecycle/restart-policy.ts";
import {
  type CheckResult,
  ContainerError,
  type ContainerKey,
  type Earlier,
  type Handler,
  type PodDriver,
  type PodNetwork,
  type RunningContainer,
} from "./pod-driver.ts";
import { type BehaviourRule, behaviourOf, type PodBehaviour } from "./simulated-behaviour.ts";
import { SimulatedContainer } from "./simulated-container.ts";

export interface SimulatedDriverOptions {
  readonly clock: Clock;
  readonly addresses?: Addresses;
  /** The first rule that matches a pod holds; without one, containers run and are ready at once. */
  readonly behaviours?: readonly BehaviourRule[];
}

/** Plays containers that do not exist: what a pod does is data, and the clock is all that moves it. */
export class SimulatedDriver implements PodDriver {
  readonly runtime = "simulated://1";
  readonly #clock: Clock;
  readonly #addresses: Addresses;
  readonly #closed = new AbortController();
  readonly #addressOf = new Map<string, number>();
  readonly #containers = new Map<string, SimulatedContainer>();
  readonly #imageListeners = new Set<() => void>();
  #behaviours: readonly BehaviourRule[];
  #nextAddress = 0;

  constructor(options: SimulatedDriverOptions) {
    this.#clock = options.clock;
    this.#addresses = options.addresses ?? addressesOf(1);
    this.#behaviours = options.behaviours ?? [];
  }

  /** Puts a rule before all others; it also holds for pods that run already. */
  behave(rule: BehaviourRule): void {
    this.#behaviours = [rule, ...this.#behaviours];
    for (const container of this.#containers.values()) container.behave(this.#behaviour(container.key));
    for (const listener of this.#imageListeners) listener();
  }

  /** Ends a pod's running containers as if they had crashed now. */
  crash(podUid: string, exitCode = 1): void {
    for (const container of this.#containers.values()) {
      if (container.key.pod.metadata.uid === podUid) container.end(exitCode);
    }
  }

  async prepare(pod: Pod): Promise<PodNetwork> {
    const uid = pod.metadata.uid ?? "";
    const index = this.#addressOf.get(uid) ?? this.#nextAddress++;
    this.#addressOf.set(uid, index);
    return { podIp: this.#addresses.pod(index) };
  }

  async pull(key: ContainerKey): Promise<string> {
    const image = imageOf(key);
    if (this.#behaviour(key).unknownImage === true) {
      throw new ContainerError("ErrImagePull", `image ${image} does not exist`);
    }
    return image;
  }

  async start(key: ContainerKey, run: number): Promise<RunningContainer> {
    const behaviour = this.#behaviour(key);
    const startAfterSeconds = behaviour.startAfterSeconds ?? 0;
    if (startAfterSeconds > 0) {
      await pause(this.#clock, later(this.#clock.now(), startAfterSeconds), this.#closed.signal);
    }
    const container = new SimulatedContainer(this.#clock, key, run, behaviour);
    this.#containers.set(nameOf(key), container);
    return container;
  }

  async resume(key: ContainerKey): Promise<Earlier> {
    const container = this.#containers.get(nameOf(key));
    if (container === undefined) return { is: "unknown" };
    const { run, id, exit } = container;
    if (exit !== undefined) return { is: "ended", run, id, exit };
    return { is: "running", run, container };
  }

  async check(key: ContainerKey, _handler: Handler, _timeoutSeconds: number): Promise<CheckResult> {
    const isHealthy = this.#containers.get(nameOf(key))?.isHealthy === true;
    return isHealthy
      ? { healthy: true }
      : { healthy: false, message: "HTTP probe failed with statuscode: 500" };
  }

  podChanged(pod: Pod): void {
    for (const { name } of pod.spec.containers) {
      const key = { pod, container: name };
      this.#containers.get(nameOf(key))?.behave(this.#behaviour(key));
    }
  }

  async remove(podUid: string): Promise<void> {
    this.#addressOf.delete(podUid);
    for (const [name, container] of this.#containers) {
      if (container.key.pod.metadata.uid !== podUid) continue;
      container.signal("SIGKILL");
      this.#containers.delete(name);
    }
  }

  async removeAllBut(podUids: ReadonlySet<string>): Promise<void> {
    for (const uid of this.#addressOf.keys()) {
      if (!podUids.has(uid)) await this.remove(uid);
    }
  }

  followImages(listener: () => void): Cancel {
    this.#imageListeners.add(listener);
    return () => this.#imageListeners.delete(listener);
  }

  /** The simulated containers stay, as real ones would, so that the driver may serve a further agent. */
  close(): void {}

  /** Ends the simulation: no timer is left. */
  end(): void {
    this.#closed.abort();
    for (const container of this.#containers.values()) container.signal("SIGKILL");
  }

  #behaviour(key: ContainerKey): PodBehaviour {
    const { containers, initContainers = [] } = key.pod.spec;
    const sidecars = initContainers.filter((container) => roleOf(container) === "sidecar");
    const main = [...sidecars, ...containers].find(({ name }) => name === key.container);
    const behaviour = behaviourOf(key.pod, imageOf(key), this.#behaviours);
    // An init container has done its work at once.
    if (main === undefined) {
      return { crashAfterSeconds: 0, exitCode: 0, unknownImage: behaviour.unknownImage };
    }
    return { readyAfterSeconds: main.readinessProbe?.initialDelaySeconds, ...behaviour };
  }
}

function imageOf({ pod, container }: ContainerKey): string {
  const all = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
  return all.find(({ name }) => name === container)?.image ?? "";
}

function nameOf({ pod, container }: ContainerKey): string {
  return `${pod.metadata.uid}/${container}`;
}
