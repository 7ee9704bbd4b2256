import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { constants } from "node:os";
import { Readable } from "node:stream";
import { type Cancel, type Clock, type Instant, instant, later } from "../../../time/clock.ts";
import type { ImageView } from "../images/image-command.ts";
import { ContainerError, type ContainerExit, type RunningContainer } from "../pod-driver.ts";
import { failureIn, type WrappedCommand } from "../root/private-root.ts";
import type { Cgroup } from "./cgroup.ts";
import {
  type ContainerMark,
  endMarked,
  isOfOther,
  isSameMark,
  markOf,
  signalMarked,
} from "./container-mark.ts";
import type { ContainerRecord } from "./pod-folder.ts";
import { allPids, groupOf } from "./proc-files.ts";
import { signalGroup } from "./process-group.ts";
import { processIdentity } from "./process-identity.ts";

export interface ProcessPlan {
  /** The program first. */
  readonly command: readonly string[];
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  /** What other commands in the same container mean. */
  readonly view: ImageView;
  /** How the program is started where it has a root of its own. */
  readonly wrapped?: WrappedCommand;
}

export interface ContainerPlace {
  readonly mark: ContainerMark;
  readonly clock: Clock;
  /** Told what could not be done about the processes, in words. */
  readonly onProblem: (text: string) => void;
  /** What the container says of its end itself. */
  readonly endMessage?: (run: number, exitCode: number) => string | undefined;
}

const pollSeconds = 1;
// For what lives on outside the group when the container itself has ended.
const strayGraceSeconds = 2;
const unknownExitCode = 137;

/**
 * One run of a container: a process that leads a group of its own, so that it outlives the agent and what it starts can be
 * reached through it; what has left the group is known by its mark. The run is over when all of that has ended. An agent
 * that did not start it itself sees its end by polling, and not its exit code.
 */
export class ContainerProcess implements RunningContainer {
  readonly id: string;
  readonly startedAt: Instant;
  readonly exited: Promise<ContainerExit>;
  readonly record: ContainerRecord;
  readonly #mark: ContainerMark;
  readonly #onProblem: (text: string) => void;
  readonly #released = new AbortController();
  #cancelPoll: Cancel = () => {};
  readonly #isOwn = (mark: ContainerMark): boolean => isSameMark(mark, this.#mark);

  private constructor(
    record: ContainerRecord,
    { mark, clock, onProblem, endMessage }: ContainerPlace,
    exited: Promise<ContainerExit>,
  ) {
    this.#mark = mark;
    this.#onProblem = onProblem;
    this.id = record.id;
    this.record = record;
    this.startedAt = instant(record.startedAt);
    this.exited = exited.then(async (exit) => {
      try {
        // What the container has started must not live on without it. A new process with the old number is left in peace.
        if (processIdentity(record.pid) === undefined) signalGroup(record.pid, "SIGKILL");
        await endMarked(this.#isOwn, strayGraceSeconds, clock, this.#released.signal);
      } catch (error) {
        this.#tell("look for what it has left", error);
      }
      return { ...exit, ...this.#messageOf(exit, endMessage) };
    });
  }

  /** Throws `ContainerError` when the program cannot be started. */
  static async start(
    plan: ProcessPlan,
    place: ContainerPlace & {
      readonly id: string;
      readonly run: number;
      readonly logPath: string;
      readonly cgroup?: Cgroup | undefined;
    },
  ): Promise<ContainerProcess> {
    const { id, run, logPath, clock, cgroup } = place;
    const { wrapped } = plan;
    const [program = "", ...args] = wrapped?.command ?? plan.command;
    const log = openLog(logPath);
    let child: ChildProcess;
    try {
      child = spawn(program, args, {
        ...(wrapped === undefined ? { cwd: plan.folder } : {}),
        env: wrapped?.environment ?? plan.environment,
        detached: true,
        stdio: ["ignore", log, log, ...(wrapped === undefined ? [] : ["pipe" as const])],
      });
    } catch (error) {
      throw unacceptable(plan, error);
    } finally {
      closeSync(log);
    }
    const startedAt = clock.now();
    const exited = new Promise<ContainerExit>((resolve) => {
      child.once("exit", (code, signal) => {
        const exit = exitOf(code, signal, startedAt, clock.now());
        const isKilled = exit.signal === constants.signals.SIGKILL;
        resolve(isKilled && cgroup?.hasRunOutOfMemory === true ? { ...exit, reason: "OOMKilled" } : exit);
      });
    });
    const { pid } = child;
    const identity = pid === undefined ? undefined : processIdentity(pid);
    if (pid === undefined) throw await startError(child, program, plan.folder);
    child.unref();
    // It has hardly begun: what it starts before this is the way to its root.
    cgroup?.add(pid);
    const failure = wrapped === undefined ? undefined : failureIn(await reportOf(child));
    if (failure !== undefined) throw cannotStart(plan, failure);
    // One that has ended already cannot be told from others any more, and need not be.
    return new ContainerProcess({ id, run, pid, identity: identity ?? "ended", startedAt }, place, exited);
  }

  /** Takes over a process that an earlier agent started; undefined when it does not run any more. */
  static adopt(record: ContainerRecord, place: ContainerPlace): ContainerProcess | undefined {
    const { clock, mark } = place;
    if (processIdentity(record.pid) !== record.identity || isOfOther(mark.cluster, record.pid))
      return undefined;
    const { promise, resolve } = Promise.withResolvers<ContainerExit>();
    const adopted = new ContainerProcess(record, place, promise);
    const poll = (): void => {
      if (adopted.#isRunning()) {
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
    try {
      if (processIdentity(this.record.pid) === this.record.identity) signalGroup(this.record.pid, name);
      // Strays are asked when the group is gone.
      if (name === "SIGKILL") signalMarked(this.#isOwn, name);
    } catch (error) {
      this.#tell(`send ${name}`, error);
    }
  }

  /** One that cannot be looked for just now counts as running. */
  #isRunning(): boolean {
    try {
      return processIdentity(this.record.pid) === this.record.identity;
    } catch (error) {
      this.#tell("look for its process", error);
      return true;
    }
  }

  #tell(what: string, error: unknown): void {
    const why = error instanceof Error ? error.message : String(error);
    this.#onProblem(`container ${this.#mark.container} of pod ${this.#mark.podUid}: cannot ${what}: ${why}`);
  }

  #messageOf(
    { message, exitCode }: ContainerExit,
    endMessage: ContainerPlace["endMessage"],
  ): { readonly message?: string } {
    if (message !== undefined) return {};
    try {
      const own = endMessage?.(this.record.run, exitCode);
      return own === undefined ? {} : { message: own };
    } catch (error) {
      this.#tell("read its termination message", error);
      return {};
    }
  }

  /** Its processes, in its group or with its mark; none where there is no `/proc`. */
  pids(): readonly number[] {
    return allPids().filter((pid) => {
      if (groupOf(pid) === this.record.pid) return true;
      const mark = markOf(pid);
      return mark !== undefined && this.#isOwn(mark);
    });
  }

  /** Looks no more after the processes. */
  release(): void {
    this.#cancelPoll();
    this.#released.abort();
  }
}

function openLog(path: string): number {
  try {
    return openSync(path, "a");
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ContainerError("CreateContainerError", `its log cannot be opened: ${why}`, { cause });
  }
}

/** Why the system takes no such program: what is too long, or has a character that no program can be given. */
function unacceptable({ command, environment }: ProcessPlan, cause: unknown): ContainerError {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  const parts = [
    ...Object.entries(environment).map(([name, value]) => ({
      what: `variable ${name}`,
      text: `${name}=${value}`,
    })),
    ...command.map((text, index) => ({ what: index === 0 ? "command" : `argument ${index}`, text })),
  ];
  const withNul = parts.find(({ text }) => text.includes("\0"));
  const longest = parts.toSorted((a, b) => b.text.length - a.text.length)[0];
  const why =
    withNul !== undefined
      ? `${withNul.what} has a NUL character, which ends a text for the system`
      : code === "E2BIG"
        ? `command and variables are too long for the system, above all ${longest?.what} with ${longest?.text.length} characters`
        : cause instanceof Error
          ? cause.message
          : String(cause);
  return new ContainerError("CreateContainerError", why, { cause });
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
  return cannotStart({ command: [program], folder }, why, cause);
}

function cannotStart(
  { command: [program], folder }: Pick<ProcessPlan, "command" | "folder">,
  why: string,
  cause?: Error,
): ContainerError {
  return new ContainerError("RunContainerError", `cannot start "${program}" in ${folder}: ${why}`, { cause });
}

/** What is told on the way to the program, up to its beginning. */
async function reportOf({ stdio }: ChildProcess): Promise<string> {
  const report = stdio[3];
  if (!(report instanceof Readable)) return "";
  let text = "";
  for await (const piece of report.setEncoding("utf8")) text += String(piece);
  return text;
}
