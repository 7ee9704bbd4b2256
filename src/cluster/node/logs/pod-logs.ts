import { existsSync } from "node:fs";
import type { Pod } from "../../../api/core.ts";
import { badRequest } from "../../api-server/refusal.ts";
import type { PodLogOptions } from "../../api-server/subresources/pod-logs.ts";
import { PodFolder } from "../process/pod-folder.ts";
import { readLog } from "./read-log.ts";
import type { RunLogs } from "./run-log.ts";

const waitingWords: Readonly<Record<string, string>> = {
  ErrImagePull: "image can't be pulled",
  ImagePullBackOff: "trying and failing to pull image",
};

/** A container's log, from the files of the node's data folder. Throws a refusal in the kubelet's words when there is none. */
export function podLogIn(
  dataFolder: string,
  logs: RunLogs,
  pod: Pod,
  options: PodLogOptions,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  const { container, previous } = options;
  const { uid = "", name } = pod.metadata;
  const folder = new PodFolder(dataFolder, uid);
  const record = folder.readContainer(container);
  if (record === undefined) {
    throw badRequest(
      `container "${container}" in pod "${name}" is waiting to start: ${whyNotStarted(pod, container)}`,
    );
  }
  const path = folder.logPath(container, previous ? record.run - 1 : record.run);
  if (!existsSync(path)) {
    throw badRequest(`previous terminated container "${container}" in pod "${name}" not found`);
  }
  return readLog(logs.at(path), options, signal);
}

/** Why a container has not had a run yet: as the kubelet words it, and the details from the pod's status. */
function whyNotStarted({ status }: Pod, container: string): string {
  const statuses = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  const { state, lastState } = statuses.find(({ name }) => name === container) ?? {};
  // A program that cannot be started is of more interest than the wait before the next try.
  const failed = state?.terminated ?? lastState?.terminated;
  const { reason = "ContainerCreating", message } = failed ?? state?.waiting ?? {};
  const words = waitingWords[reason] ?? reason;
  return message === undefined ? words : `${words}: ${message}`;
}
