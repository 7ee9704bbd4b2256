/** Signals every process of the group that `pid` leads or led; nothing happens when nobody is left in it. */
export function signalGroup(pid: number, name: "SIGTERM" | "SIGKILL"): void {
  try {
    process.kill(-pid, name);
  } catch (error) {
    // EPERM: the number has gone to a group of somebody else by now.
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code !== "ESRCH" && code !== "EPERM") throw error;
  }
}
