/** Whether a container that ended with `exitCode` runs again. An init container must succeed once, whatever the pod's policy. */
export function restartsAfter(exitCode: number, policy: string, role: "init" | "main"): boolean {
  if (policy === "Always" && role === "main") return true;
  return policy !== "Never" && exitCode !== 0;
}
