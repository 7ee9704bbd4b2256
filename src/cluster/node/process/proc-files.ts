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

/** What a process has open, as the kernel names it: `socket:[4711]`. */
export function openFiles(pid: number): readonly string[] {
  const folder = `/proc/${pid}/fd`;
  const files = inReach(() => readdirSync(folder)) ?? [];
  return files.flatMap((file) => inReach(() => readlinkSync(`${folder}/${file}`)) ?? []);
}

/** The process group; undefined when the process has ended. */
export function groupOf(pid: number): number | undefined {
  const stat = readProcFile(`/proc/${pid}/stat`);
  // After the program's name, which may hold spaces and parentheses: state, parent, group.
  const group = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[2];
  return group === undefined ? undefined : Number(group);
}

function inReach<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (["ENOENT", "ESRCH", "EACCES", "EPERM"].includes(code)) return undefined;
    throw error;
  }
}
