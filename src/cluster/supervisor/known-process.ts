import { processIdentity } from "../node/process/process-identity.ts";

/** A process that can be told from a later one with the same pid. */
export interface KnownProcess {
  readonly pid: number;
  readonly identity: string;
}

/** Undefined when no such process runs. */
export function knownProcess(pid: number): KnownProcess | undefined {
  const identity = processIdentity(pid);
  return identity === undefined ? undefined : { pid, identity };
}

export function isRunning({ pid, identity }: KnownProcess): boolean {
  return processIdentity(pid) === identity;
}

/** Sends a signal to exactly this process; answers whether it still ran. */
export function signalProcess(known: KnownProcess, signal: "SIGTERM" | "SIGKILL" | "SIGCONT"): boolean {
  if (!isRunning(known)) return false;
  try {
    process.kill(known.pid, signal);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ESRCH") return false;
    throw error;
  }
}

export function isKnownProcess(value: unknown): value is KnownProcess {
  const { pid, identity } = (value ?? {}) as Partial<Record<keyof KnownProcess, unknown>>;
  return typeof pid === "number" && Number.isInteger(pid) && pid > 1 && typeof identity === "string";
}
