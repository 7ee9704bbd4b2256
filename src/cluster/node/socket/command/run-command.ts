import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Clock, later } from "../../../../time/clock.ts";
import { pause } from "../../../../time/pause.ts";
import type { ProcessPlan } from "../../process/container-process.ts";
import { signalGroup } from "../../process/process-group.ts";
import { type CommandClient, type CommandOptions, exitStatus, failure } from "./command-client.ts";
import { programAt } from "./program.ts";
import { type StartedCommand, startWithPipes } from "./started-command.ts";
import { startInTerminal } from "./terminal.ts";

// Between SIGTERM and SIGKILL, for a command whose client has gone.
const graceSeconds = 2;

/**
 * Runs a command for a client until it has ended and all that it wrote has been taken, and says how it has ended. One whose client
 * goes is ended, with its process group. Never rejects.
 */
export async function runCommand(
  plan: () => Promise<ProcessPlan>,
  options: CommandOptions,
  client: CommandClient,
  clock: Clock,
): Promise<void> {
  let started: StartedCommand;
  try {
    const planned = withProgram(await plan());
    started = options.tty ? await startInTerminal(planned) : await startWithPipes(planned, options);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    await client.finish(failure(`error executing command in container: failed to exec in container: ${why}`));
    return;
  }
  const { pid, stdin, outputs, exitCode, resize } = started;
  const ended = new AbortController();
  void exitCode.then(() => ended.abort());
  const leave = (): void => void endGroup(pid, clock, ended.signal);
  client.gone.addEventListener("abort", leave);
  if (client.gone.aborted) leave();
  client.onResize(resize);
  // Ends with the program, whatever is still typed.
  if (stdin !== undefined) pipeline(client.stdin, stdin).catch(() => {});
  await Promise.all(outputs.map(({ to, from }) => pass(from, to, client)));
  const code = await exitCode;
  // What a command leaves in the background stays.
  client.gone.removeEventListener("abort", leave);
  await client.finish(exitStatus(code));
}

/** Says what is wrong with the program before the system does, which has fewer words for it. */
function withProgram(plan: ProcessPlan): ProcessPlan {
  const [program = "", ...args] = plan.command;
  const { PATH = "" } = plan.environment;
  return { ...plan, command: [programAt(program, plan.folder, PATH), ...args] };
}

/** Takes no more from a program than the client takes. */
async function pass(from: Readable, to: "stdout" | "stderr", client: CommandClient): Promise<void> {
  const leave = (): void => void from.destroy();
  client.gone.addEventListener("abort", leave);
  try {
    for await (const piece of from) await client.write(to, piece as Buffer);
  } catch (error) {
    if (!client.gone.aborted) throw error;
  } finally {
    client.gone.removeEventListener("abort", leave);
  }
}

async function endGroup(pid: number, clock: Clock, ended: AbortSignal): Promise<void> {
  signalGroup(pid, "SIGTERM");
  await pause(clock, later(clock.now(), graceSeconds), ended);
  // Also what the command has left.
  signalGroup(pid, "SIGKILL");
}
