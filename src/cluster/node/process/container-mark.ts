import { statSync } from "node:fs";
import { type Clock, later } from "../../../time/clock.ts";
import { pause } from "../../../time/pause.ts";
import { allPids, readProcFile } from "./proc-files.ts";

/** Whose process it is. Stands in the environment, which also a process that left its group and session passes on. */
export interface ContainerMark {
  /** As `clusterOf` has it: a copy of a data folder has the same pods. */
  readonly cluster: string;
  readonly podUid: string;
  readonly container: string;
}

const podVariable = "TEAL_POD_UID";
const containerVariable = "TEAL_CONTAINER";
const clusterVariable = "TEAL_CLUSTER";
const lookEverySeconds = 0.05;

/** Tells the cluster of a data folder from all others, also from one whose folder is a copy; a folder that is moved stays the same. */
export function clusterOf(dataFolder: string): string {
  const { dev, ino } = statSync(dataFolder);
  return `${dev}:${ino}`;
}

export function isSameMark(one: ContainerMark, other: ContainerMark): boolean {
  return one.cluster === other.cluster && one.podUid === other.podUid && one.container === other.container;
}

/** Whether a process is known to be another cluster's, whatever a copied record says. */
export function isOfOther(cluster: string, pid: number): boolean {
  const mark = markOf(pid);
  return mark !== undefined && mark.cluster !== "" && mark.cluster !== cluster;
}

/** The variables that mark a container's processes. */
export function markVariables({
  cluster,
  podUid,
  container,
}: ContainerMark): Readonly<Record<string, string>> {
  return { [podVariable]: podUid, [containerVariable]: container, [clusterVariable]: cluster };
}

/** Pids of all processes of this user whose mark is wanted; none where there is no `/proc`. */
export function markedProcesses(isWanted: (mark: ContainerMark) => boolean): readonly number[] {
  return allPids().filter((pid) => {
    const mark = markOf(pid);
    return mark !== undefined && isWanted(mark);
  });
}

/** Sends a signal to every process whose mark is wanted; answers whether there was one. */
export function signalMarked(
  isWanted: (mark: ContainerMark) => boolean,
  name: "SIGTERM" | "SIGKILL",
): boolean {
  const pids = markedProcesses(isWanted);
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch (error) {
      // Gone by now, or somebody else's since it has changed its user.
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      if (code !== "ESRCH" && code !== "EPERM") throw error;
    }
  }
  return pids.length > 0;
}

/** Ends the processes whose mark is wanted: asked first, killed after the grace period. Resolves when none is left, or when `released` aborts. */
export async function endMarked(
  isWanted: (mark: ContainerMark) => boolean,
  graceSeconds: number,
  clock: Clock,
  ...released: readonly AbortSignal[]
): Promise<void> {
  const killAt = later(clock.now(), graceSeconds);
  let isLeft = signalMarked(isWanted, "SIGTERM");
  while (isLeft && (await pause(clock, later(clock.now(), lookEverySeconds), ...released))) {
    isLeft = clock.now() < killAt ? markedProcesses(isWanted).length > 0 : signalMarked(isWanted, "SIGKILL");
  }
}

/** Undefined for a process of no container, or out of reach. */
export function markOf(pid: number): ContainerMark | undefined {
  const variables = readProcFile(`/proc/${pid}/environ`).split("\0");
  const valueOf = (name: string): string | undefined =>
    variables.find((variable) => variable.startsWith(`${name}=`))?.slice(name.length + 1);
  const podUid = valueOf(podVariable);
  const container = valueOf(containerVariable);
  if (podUid === undefined || container === undefined) return undefined;
  // The first versions marked no cluster.
  return { cluster: valueOf(clusterVariable) ?? "", podUid, container };
}
