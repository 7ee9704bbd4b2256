import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** Pids of all processes; none where there is no `/proc`. */
export function allPids(): readonly number[] {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** A file of `/proc`; empty when its process has just ended or is somebody else's. */
export function readProcFile(path: string): string {
  return inReach(() => readFileSync(path, "utf8")) ?? "";
}

/** What a process has open, as the kernel names it: `socket:[4711]`; nothing when it has ended, undefined when it lets nobody look. */
export function openFiles(pid: number): readonly string[] | undefined {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).flatMap((file) => inReach(() => readlinkSync(`${folder}/${file}`)) ?? []);
  } catch (error) {
    if (isOneOf(error, gone)) return [];
    if (isOneOf(error, refused)) return undefined;
    throw error;
  }
}

/** The process and those that it and its children have started, as far as each one's parent is still there. */
export function descendantsOf(pid: number): readonly number[] {
  const children = readProcFile(`/proc/${pid}/task/${pid}/children`)
    .split(" ")
    .filter((text) => text !== "");
  return [pid, ...children.map(Number).flatMap(descendantsOf)];
}

/** The process group; undefined when the process has ended. */
export function groupOf(pid: number): number | undefined {
  const stat = readProcFile(`/proc/${pid}/stat`);
  // After the program's name, which may hold spaces and parentheses: state, parent, group.
  const group = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[2];
  return group === undefined ? undefined : Number(group);
}

const gone = ["ENOENT", "ESRCH"];
const refused = ["EACCES", "EPERM"];

function inReach<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isOneOf(error, gone) || isOneOf(error, refused)) return undefined;
    throw error;
  }
}

function isOneOf(error: unknown, codes: readonly string[]): boolean {
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}

/** What a process has used so far, and holds now. */
export interface ProcessUsage {
  readonly cpuSeconds: number;
  readonly memoryBytes: number;
}

// What Linux tells programs, whatever it counts in itself; and pages of all machines that Teal is tested on.
const ticksPerSecond = 100;
const pageBytes = 4096;

/** Undefined when the process has ended, or where there is no `/proc`. */
export function usageOf(pid: number): ProcessUsage | undefined {
  const stat = readProcFile(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [userTicks, systemTicks, pages] = [fields[11], fields[12], fields[21]].map(Number);
  if (userTicks === undefined || systemTicks === undefined || pages === undefined || Number.isNaN(pages))
    return undefined;
  return { cpuSeconds: (userTicks + systemTicks) / ticksPerSecond, memoryBytes: pages * pageBytes };
}
