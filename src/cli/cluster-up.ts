import { fileURLToPath } from "node:url";
import type { AuthorizationMode } from "../cluster/api-server/access/access.ts";
import type { SyncMode } from "../cluster/store/file-journal.ts";
import { type DataFolder, dataFolder } from "../cluster/supervisor/data-folder.ts";
import { FolderInUse } from "../cluster/supervisor/folder-lock.ts";
import type { Addressing } from "../cluster/supervisor/part.ts";
import { type Progress, Supervisor, type UpCluster } from "../cluster/supervisor/supervisor.ts";
import { parts } from "../parts/parts.ts";
import { type Clock, type Instant, later } from "../time/clock.ts";
import type { Context } from "./command.ts";
import { CommandError } from "./errors.ts";
import { whenInterrupted } from "./terminal.ts";

const sameRequestSeconds = 0.5;

/** This very program, as it is to be started again. */
export function ownProgram(): readonly [string, string] {
  return [process.execPath, fileURLToPath(new URL("../../bin/main.mjs", import.meta.url))];
}

/** What a person types to run Teal here. */
export function tealCommand(): string {
  return import.meta.url.endsWith(".ts") ? "bin/teal" : "teal";
}

/** The flag that names the folder, where it is not the usual one. */
export function dataFlag(data: DataFolder): string {
  return data.path === dataFolder().path ? "" : ` --data ${data.path}`;
}

export interface ClusterUpOptions {
  readonly data: DataFolder;
  readonly port?: number | undefined;
  readonly sync?: SyncMode | undefined;
  readonly authorization?: AuthorizationMode | undefined;
  readonly registry?: number | "none" | undefined;
  readonly addOns?: readonly string[] | undefined;
  readonly hasController?: boolean | undefined;
  readonly addressing?: Addressing | undefined;
  readonly address?: string | undefined;
  readonly kubeconfig?: string | undefined;
  readonly name?: string | undefined;
  readonly firstMade?: string | undefined;
  readonly progress: Progress;
  readonly onEnded?: (part: string) => unknown;
}

/**
 * Has the embedded cluster up while `use` works with it; `use` is told when it is to come to an end. Everything is stopped
 * afterwards, in whatever way that comes about, before this resolves with the answer of `use`: an exit code.
 */
export async function withCluster(
  options: ClusterUpOptions,
  { terminal, clock }: Pick<Context, "terminal" | "clock">,
  use: (cluster: UpCluster, interrupted: AbortSignal) => Promise<number>,
): Promise<number> {
  // `teal up | head -1` leaves a cluster behind that goes on.
  terminal.outliveReaders();
  const interruption = new AbortController();
  const interrupted = Promise.withResolvers<0>();
  const interrupt = (): void => {
    interruption.abort();
    interrupted.resolve(0);
  };
  const supervisor = new Supervisor({
    ...options,
    parts,
    program: ownProgram(),
    clock,
    onFolderGone: interrupt,
  });
  whenInterrupted(terminal, interrupt);
  endWithParent(interrupt);
  killWhenAskedAgain(clock, () => void supervisor.kill());
  try {
    const cluster = await Promise.race([supervisor.start(), interrupted.promise]);
    if (cluster === 0) return 0;
    return await Promise.race([use(cluster, interruption.signal), interrupted.promise]);
  } catch (error) {
    throw explained(error, options.data);
  } finally {
    await supervisor.stop();
  }
}

/** Resolves when the cluster is to be stopped. */
export function untilInterrupted(interrupted: AbortSignal): Promise<0> {
  return new Promise((resolve) => {
    if (interrupted.aborted) resolve(0);
    interrupted.addEventListener("abort", () => resolve(0), { once: true });
  });
}

function endWithParent(interrupt: () => void): void {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, interrupt);
  // Started with a channel, this process belongs to the one at its other end.
  if (process.send !== undefined) process.on("disconnect", interrupt);
}

/** Calls `kill` when somebody who has waited for the end asks once more. */
function killWhenAskedAgain(clock: Clock, kill: () => void): void {
  let firstAt: Instant | undefined;
  const asked = (): void => {
    firstAt ??= clock.now();
    // npm hands on a Ctrl-C that has come from the terminal already: one that follows at once is the same one.
    if (clock.now() >= later(firstAt, sameRequestSeconds)) kill();
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, asked);
}

function explained(error: unknown, data: DataFolder): unknown {
  if (error instanceof FolderInUse)
    return new CommandError(
      `a cluster is up in ${data.path} already (process ${error.holder.pid}): stop it with ` +
        `"${tealCommand()} down --data ${data.path}", or take another folder with --data`,
    );
  return error instanceof Error && error.name === "Error" ? new CommandError(error.message) : error;
}
