import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { constants } from "node:os";
import { type Cancel, type Clock, type Instant, instant, later } from "../../../time/clock.ts";
import { ContainerError, type ContainerExit, type RunningContainer } from "../pod-driver.ts";
import type { ContainerRecord } from "./pod-folder.ts";
import { signalGroup } from "./process-group.ts";
import { processIdentity } from "./process-identity.ts";

export interface ProcessPlan {
  /** The program first. */
  readonly command: readonly string[];
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
}

const pollSeconds = 1;
const unknownExitCode = 137;

/**
 * One run of a container: a process that leads a group of its own, so that it outlives the agent and everything that it
 * starts can be reached through it. An agent that did not start it itself sees its end by polling, and not its exit code.
 */
export class ContainerProcess implements RunningContainer {
  readonly id: string;
  readonly startedAt: Instant;
  readonly exited: Promise<ContainerExit>;
  readonly record: ContainerRecord;
  #hasEnded = false;
  #cancelPoll: Cancel = () => {};

  private constructor(record: ContainerRecord, exited: Promise<ContainerExit>) {
    this.id = record.id;
    this.record = record;
    this.startedAt = instant(record.startedAt);
    this.exited = exited.then((exit) => {
      this.#hasEnded = true;
      // What the container has started must not live on without it. A new process with the old number is left in peace.
      if (processIdentity(record.pid) === undefined) signalGroup(record.pid, "SIGKILL");
      return exit;
    });
  }

  /** Throws `ContainerError` when the program cannot be started. */
  static async start(
    plan: ProcessPlan,
    place: { readonly id: string; readonly run: number; readonly logPath: string; readonly clock: Clock },
  ): Promise<ContainerProcess> {
    const { id, run, logPath, clock } = place;
    const [program = "", ...args] = plan.command;
    const log = openSync(logPath, "a");
    let child: ChildProcess;
    try {
      child = spawn(program, args, {
        cwd: plan.folder,
        env: plan.environment,
        detached: true,
        stdio: ["ignore", log, log],
      });
    } finally {
      closeSync(log);
    }
    const startedAt = clock.now();
    const exited = new Promise<ContainerExit>((resolve) => {
      child.once("exit", (code, signal) => resolve(exitOf(code, signal, startedAt, clock.now())));
    });
    const { pid } = child;
    const identity = pid === undefined ? undefined : processIdentity(pid);
    if (pid === undefined) throw await startError(child, program, plan.folder);
    child.unref();
    // One that has ended already cannot be told from others any more, and need not be.
    return new ContainerProcess({ id, run, pid, identity: identity ?? "ended", startedAt }, exited);
  }

  /** Takes over a process that an earlier agent started; undefined when it does not run any more. */
  static adopt(record: ContainerRecord, clock: Clock): ContainerProcess | undefined {
    if (processIdentity(record.pid) !== record.identity) return undefined;
    const { promise, resolve } = Promise.withResolvers<ContainerExit>();
    const adopted = new ContainerProcess(record, promise);
    const poll = (): void => {
      if (processIdentity(record.pid) === record.identity) {
        adopted.#cancelPoll = clock.at(later(clock.now(), pollSeconds), poll);
        return;
      }
      resolve({
        exitCode: unknownExitCode,
        reason: "ContainerStatusUnknown",
        message:
          "The container ended under a node agent that had not started it, so its exit code is unknown",
        startedAt: instant(record.startedAt),
        finishedAt: clock.now(),
      });
    };
    poll();
    return adopted;
  }

  signal(name: "SIGTERM" | "SIGKILL"): void {
    if (!this.#hasEnded && processIdentity(this.record.pid) === this.record.identity) {
      signalGroup(this.record.pid, name);
    }
  }

  /** Looks no more after an adopted process. */
  release(): void {
    this.#cancelPoll();
  }
}

function exitOf(
  code: number | null,
  signal: NodeJS.Signals | null,
  startedAt: Instant,
  finishedAt: Instant,
): ContainerExit {
  if (signal !== null) {
    const number = constants.signals[signal];
    return { exitCode: 128 + number, signal: number, reason: "Error", startedAt, finishedAt };
  }
  const exitCode = code ?? unknownExitCode;
  return { exitCode, reason: exitCode === 0 ? "Completed" : "Error", startedAt, finishedAt };
}

async function startError(child: ChildProcess, program: string, folder: string): Promise<ContainerError> {
  const cause = await new Promise<NodeJS.ErrnoException>((resolve) => child.once("error", resolve));
  const why =
    cause.code === "ENOENT"
      ? "no such program"
      : cause.code === "EACCES"
        ? "it is not executable"
        : cause.message;
  return new ContainerError("RunContainerError", `cannot start "${program}" in ${folder}: ${why}`, { cause });
}
