import type { Container } from "../../../api/core.ts";
import type { ContainerKey } from "../pod-driver.ts";
import type { ContainerMark } from "./container-mark.ts";

/** The container as the pod's spec has it. */
export function containerOf({ pod, container }: ContainerKey): Container {
  const all = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
  const found = all.find(({ name }) => name === container);
  if (found === undefined) throw new Error(`pod ${pod.metadata.name} has no container ${container}`);
  return found;
}

export function uidOf({ pod }: ContainerKey): string {
  return pod.metadata.uid ?? "";
}

export function markFor(cluster: string, key: ContainerKey): ContainerMark {
  return { cluster, podUid: uidOf(key), container: key.container };
}

/** Tells the container from all others of the node: `<pod uid>/<name>`. */
export function nameOf(key: ContainerKey): string {
  return `${uidOf(key)}/${key.container}`;
}
