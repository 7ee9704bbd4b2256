import { spawn } from "node:child_process";
import { constants } from "node:os";
import type { Readable, Writable } from "node:stream";
import type { ProcessPlan } from "../../process/container-process.ts";
import type { CommandOptions, TerminalSize } from "./command-client.ts";

/** A program that runs for a client. */
export interface StartedCommand {
  /** It leads a process group of its own. */
  readonly pid: number;
  /** Undefined when nothing is typed. */
  readonly stdin: Writable | undefined;
  readonly outputs: readonly { readonly to: "stdout" | "stderr"; readonly from: Readable }[];
  /** As a shell would have it: 128 and the signal's number for one that was killed. */
  readonly exitCode: Promise<number>;
  readonly resize: (size: TerminalSize) => void;
}

/** Starts a command with pipes. Rejects when the system does not let it. */
export async function startWithPipes(plan: ProcessPlan, options: CommandOptions): Promise<StartedCommand> {
  const [program = "", ...args] = plan.command;
  const child = spawn(program, args, {
    cwd: plan.folder,
    env: plan.environment,
    detached: true,
    stdio: [
      options.stdin ? "pipe" : "ignore",
      options.stdout ? "pipe" : "ignore",
      options.stderr ? "pipe" : "ignore",
    ],
  });
  const exitCode = new Promise<number>((resolve) => {
    child.once("exit", (code, signal) =>
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])),
    );
  });
  await new Promise((resolve, reject) => child.once("spawn", resolve).once("error", reject));
  const { stdin, stdout, stderr } = child;
  // A program need not read all that it is sent.
  stdin?.on("error", () => {});
  return {
    pid: child.pid ?? 0,
    stdin: stdin ?? undefined,
    outputs: [
      ...(stdout === null ? [] : [{ to: "stdout", from: stdout } as const]),
      ...(stderr === null ? [] : [{ to: "stderr", from: stderr } as const]),
    ],
    exitCode,
    resize: () => {},
  };
}
