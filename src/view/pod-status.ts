import type { ContainerState, ContainerStatus, Pod } from "../api/core.ts";
import { type Icon, icons } from "./icons.ts";

export interface PodStatusView {
  /** One word for what the pod does or suffers from: `Running`, `CrashLoopBackOff`, `Init:0/1`, `Terminating`. */
  readonly status: string;
  readonly icon: Icon;
  readonly readyContainers: number;
  readonly containers: number;
  readonly restarts: number;
}

/** The state of a pod as `kubectl get pods` words it. */
export function podStatusOf(pod: Pod): PodStatusView {
  const initializing = initializationOf(pod);
  const statuses = pod.status?.containerStatuses ?? [];
  const counted = initializing === undefined ? statuses : (pod.status?.initContainerStatuses ?? []);
  const status = leaving(pod) ?? initializing ?? containersReason(statuses) ?? phaseReason(pod);
  return {
    status,
    icon: podIcon(status),
    readyContainers: initializing === undefined ? statuses.filter(isServing).length : 0,
    containers: pod.spec.containers.length,
    restarts: counted.reduce((sum, { restartCount }) => sum + restartCount, 0),
  };
}

/** What holds a pod up, in the words of the first container that waits for something to be put right. */
export function podProblemOf({ metadata, status = {} }: Pod): string | undefined {
  if (metadata.deletionTimestamp !== undefined) return undefined;
  const containers = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
  const stuck = containers.find(
    ({ state: { waiting } = {} }) =>
      waiting?.message !== undefined && !passingReasons.has(waiting.reason ?? ""),
  );
  return stuck && (crashOf(stuck) ?? stuck.state?.waiting?.message);
}

/** How a container that ends again and again has ended last: its node says of it how long it waits, and the pod's uid. */
function crashOf({ name, state, lastState }: ContainerStatus): string | undefined {
  const ended = lastState?.terminated;
  if (state?.waiting?.reason !== "CrashLoopBackOff" || ended === undefined) return undefined;
  const { exitCode, reason = "Error", message = "" } = ended;
  const lastLine = message.trim().split("\n").at(-1) ?? "";
  const how = `container ${name} keeps ending with exit code ${exitCode}${usualReasons.has(reason) ? "" : ` (${reason})`}`;
  return lastLine === "" ? how : `${how}: ${lastLine}`;
}

/** What the exit code says as well. */
const usualReasons: ReadonlySet<string> = new Set(["Error", "Completed", ""]);

/** For these every container waits for a while. */
const passingReasons: ReadonlySet<string> = new Set(["", "ContainerCreating", "PodInitializing"]);

function leaving({ metadata, status }: Pod): string | undefined {
  if (metadata.deletionTimestamp === undefined) return undefined;
  return status?.reason === "NodeLost" ? "Unknown" : "Terminating";
}

function phaseReason({ status }: Pod): string {
  return status?.reason ?? status?.phase ?? "Unknown";
}

/** What the first unfinished init container does; undefined when all are done. */
function initializationOf(pod: Pod): string | undefined {
  const sidecars = new Set(
    (pod.spec.initContainers ?? []).flatMap(({ name, restartPolicy }) =>
      restartPolicy === "Always" ? [name] : [],
    ),
  );
  const statuses = pod.status?.initContainerStatuses ?? [];
  const index = statuses.findIndex((status) => !isInitialized(status, sidecars.has(status.name)));
  const current = statuses[index];
  if (current === undefined) return undefined;
  const { terminated, waiting } = current.state ?? {};
  if (terminated !== undefined) return `Init:${endedReason(terminated)}`;
  if (waiting?.reason !== undefined && waiting.reason !== "PodInitializing") return `Init:${waiting.reason}`;
  return `Init:${index}/${pod.spec.initContainers?.length ?? 0}`;
}

function isInitialized(status: ContainerStatus, isSidecar: boolean): boolean {
  if (status.state?.terminated?.exitCode === 0) return true;
  return isSidecar && status.started === true && status.ready;
}

/** The trouble of the first container that has any; a pod of which one container is done and another runs is running. */
function containersReason(statuses: readonly ContainerStatus[]): string | undefined {
  const reason = statuses.map(({ state }) => containerReason(state)).find((text) => text !== undefined);
  return reason === "Completed" && statuses.some(isServing) ? "Running" : reason;
}

function containerReason(state: ContainerState | undefined): string | undefined {
  if (state?.waiting?.reason !== undefined) return state.waiting.reason;
  return state?.terminated === undefined ? undefined : endedReason(state.terminated);
}

function endedReason({ reason, signal, exitCode }: NonNullable<ContainerState["terminated"]>): string {
  if (reason !== undefined && reason !== "") return reason;
  return signal === undefined || signal === 0 ? `ExitCode:${exitCode}` : `Signal:${signal}`;
}

function isServing({ ready, state }: ContainerStatus): boolean {
  return ready && state?.running !== undefined;
}

const iconsByStatus: Readonly<Record<string, Icon>> = {
  Pending: icons.progressing,
  Terminating: icons.progressing,
  ContainerCreating: icons.progressing,
  Running: icons.healthy,
  Completed: icons.healthy,
  Failed: icons.bad,
  InvalidImageName: icons.bad,
  CrashLoopBackOff: icons.bad,
  ImagePullBackOff: icons.warning,
  RegistryUnavailable: icons.warning,
  Unknown: icons.unknown,
};

function podIcon(status: string): Icon {
  if (status.startsWith("Init:")) return icons.progressing;
  if (status.startsWith("Signal:") || status.startsWith("ExitCode:")) return icons.bad;
  if (status.startsWith("Err") || status.endsWith("Error")) return icons.warning;
  return iconsByStatus[status] ?? icons.none;
}
