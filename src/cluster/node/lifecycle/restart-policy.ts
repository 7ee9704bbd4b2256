import type { Container } from "../../../api/core.ts";

/** `init` must succeed once before others begin, `sidecar` starts with those and runs beside all others. */
export type ContainerRole = "init" | "sidecar" | "main";

/** The role of one of a pod's init containers. */
export function roleOf(initContainer: Container): "init" | "sidecar" {
  return initContainer.restartPolicy === "Always" ? "sidecar" : "init";
}

/** Whether a container that ended with `exitCode` runs again. An init container must succeed once, whatever the pod's policy. */
export function restartsAfter(exitCode: number, policy: string, role: ContainerRole): boolean {
  if (role === "sidecar" || (policy === "Always" && role === "main")) return true;
  return policy !== "Never" && exitCode !== 0;
}
