import { type Cancel, type Clock, type Instant, later } from "../../time/clock.ts";
import type { ContainerExit, ContainerKey, RunningContainer } from "./pod-driver.ts";
import type { PodBehaviour } from "./simulated-behaviour.ts";

const nothing: Cancel = () => {};
const killedExitCode = 137;

/** One run of a container that does not exist. */
export class SimulatedContainer implements RunningContainer {
  readonly id: string;
  readonly key: ContainerKey;
  readonly run: number;
  readonly startedAt: Instant;
  readonly exited: Promise<ContainerExit>;
  readonly #clock: Clock;
  readonly #resolveExit: (exit: ContainerExit) => void;
  readonly #listeners = new Set<(ready: boolean) => void>();
  #behaviour: PodBehaviour = {};
  #exit: ContainerExit | undefined;
  #cancelCrash = nothing;
  #cancelTermination = nothing;
  #cancelReadiness = nothing;

  constructor(clock: Clock, key: ContainerKey, run: number, behaviour: PodBehaviour) {
    const { promise, resolve } = Promise.withResolvers<ContainerExit>();
    this.exited = promise;
    this.#resolveExit = resolve;
    this.#clock = clock;
    this.key = key;
    this.run = run;
    this.id = `simulated://${key.pod.metadata.uid}/${key.container}/${run}`;
    this.startedAt = clock.now();
    this.behave(behaviour);
  }

  /** How the run has ended; undefined while it goes on. */
  get exit(): ContainerExit | undefined {
    return this.#exit;
  }

  get isHealthy(): boolean {
    return this.#exit === undefined && !this.#isPast(this.#behaviour.unhealthyAfterSeconds);
  }

  behave(behaviour: PodBehaviour): void {
    if (this.#exit !== undefined) return;
    this.#behaviour = behaviour;
    const { crashAfterSeconds, crashes = Number.POSITIVE_INFINITY, exitCode = 1 } = behaviour;
    this.#cancelCrash();
    if (crashAfterSeconds !== undefined && this.run < crashes) {
      const crashAt = later(this.startedAt, crashAfterSeconds);
      this.#cancelCrash = this.#clock.at(crashAt, () => this.end(exitCode));
    }
    this.#tellReadiness();
  }

  signal(name: "SIGTERM" | "SIGKILL"): void {
    if (this.#exit !== undefined) return;
    if (name === "SIGKILL") {
      this.end(killedExitCode);
      return;
    }
    this.#cancelTermination();
    const endAt = later(this.#clock.now(), this.#behaviour.terminateAfterSeconds ?? 0);
    this.#cancelTermination = this.#clock.at(endAt, () => this.end(0));
  }

  end(exitCode: number): void {
    if (this.#exit !== undefined) return;
    this.#exit = {
      exitCode,
      reason: exitCode === 0 ? "Completed" : "Error",
      startedAt: this.startedAt,
      finishedAt: this.#clock.now(),
    };
    this.#cancelCrash();
    this.#cancelTermination();
    this.#cancelReadiness();
    this.#resolveExit(this.#exit);
  }

  followReadiness(listener: (ready: boolean) => void): Cancel {
    this.#listeners.add(listener);
    listener(this.#isReady());
    return () => this.#listeners.delete(listener);
  }

  #tellReadiness(): void {
    this.#cancelReadiness();
    this.#cancelReadiness = nothing;
    for (const listener of this.#listeners) listener(this.#isReady());
    const next = [this.#behaviour.readyAfterSeconds, this.#behaviour.unreadyAfterSeconds]
      .flatMap((seconds) => (seconds === undefined ? [] : [later(this.startedAt, seconds)]))
      .filter((at) => at > this.#clock.now())
      .toSorted((a, b) => a - b)[0];
    if (next !== undefined) this.#cancelReadiness = this.#clock.at(next, () => this.#tellReadiness());
  }

  #isReady(): boolean {
    const { neverReady, readyAfterSeconds = 0, unreadyAfterSeconds } = this.#behaviour;
    return neverReady !== true && this.#isPast(readyAfterSeconds) && !this.#isPast(unreadyAfterSeconds);
  }

  #isPast(seconds: number | undefined): boolean {
    return seconds !== undefined && this.#clock.now() >= later(this.startedAt, seconds);
  }
}
