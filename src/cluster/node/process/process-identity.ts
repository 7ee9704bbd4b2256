import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/**
 * A text that tells one process from every other that had or will have the same pid, also after a reboot; undefined when no
 * process with this pid runs (a zombie has ended).
 */
export function processIdentity(pid: number): string | undefined {
  return process.platform === "linux" ? identityFromProc(pid) : identityFromPs(pid);
}

function identityFromProc(pid: number): string | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
  // The program's name is in parentheses and may hold spaces and parentheses itself; the state follows it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state] = fields;
  const startTicks = fields[19];
  if (state === "Z" || state === "X" || startTicks === undefined) return undefined;
  return `${bootId()}/${startTicks}`;
}

function isGone(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH");
}

let knownBootId: string | undefined;
function bootId(): string {
  knownBootId ??= readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  return knownBootId;
}

function identityFromPs(pid: number): string | undefined {
  try {
    const line = execFileSync("ps", ["-o", "stat=,lstart=", "-p", String(pid)], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      env: { ...process.env, LC_ALL: "C" },
    }).trim();
    const [state = "Z", ...startedAt] = line.split(/\s+/);
    return state.startsWith("Z") ? undefined : startedAt.join(" ");
  } catch (error) {
    // `ps` ends with 1 when there is no such process.
    if (error instanceof Error && "status" in error && error.status === 1) return undefined;
    throw error;
  }
}
