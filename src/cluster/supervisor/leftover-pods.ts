import type { Clock } from "../../time/clock.ts";
import {
  type ContainerMark,
  clusterOf,
  endMarked,
  isOfOther,
  markedProcesses,
  markOf,
} from "../node/process/container-mark.ts";
import { PodFolder } from "../node/process/pod-folder.ts";
import type { DataFolder } from "./data-folder.ts";
import { ensureDeparture } from "./departure.ts";
import { isRunning, type KnownProcess, knownProcess, signalProcess } from "./known-process.ts";

const graceSeconds = 5;

/** What still runs of containers although nothing of their cluster does, with what they have started. */
export function leftoverContainers({ path }: DataFolder): readonly KnownProcess[] {
  const podUids = new Set(PodFolder.uids(path));
  if (podUids.size === 0) return [];
  const cluster = clusterOf(path);
  const marked = markedProcesses((mark) => mark.cluster === cluster && podUids.has(mark.podUid));
  const recorded = [...podUids].flatMap((uid) => runningIn(new PodFolder(path, uid)));
  const all = [...recorded.filter(({ pid }) => !isOfOther(cluster, pid)), ...marked.map(knownProcess)];
  return [...new Map(all.flatMap((known) => (known === undefined ? [] : [[known.pid, known]]))).values()];
}

/** `namespace/name` of the pods of which a container runs. */
export function runningPods({ path }: DataFolder): readonly string[] {
  return PodFolder.uids(path)
    .map((uid) => new PodFolder(path, uid))
    .filter((folder) => runningIn(folder).length > 0)
    .map((folder) => readIfWhole(() => folder.readPod()))
    .flatMap((pod) => (pod === undefined ? [] : [`${pod.namespace}/${pod.name}`]));
}

function runningIn(folder: PodFolder): readonly KnownProcess[] {
  return folder
    .containers()
    .map((container) => readIfWhole(() => folder.readContainer(container)))
    .filter((record) => record !== undefined && record.exit === undefined)
    .flatMap((record) => (record === undefined ? [] : [{ pid: record.pid, identity: record.identity }]))
    .filter(isRunning);
}

// What a damaged record does not tell, the marks of the processes do.
function readIfWhole<T>(read: () => T | undefined): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** Ends containers and what they have started meanwhile: asked first, killed when that is not gone after `seconds`. */
export async function endContainers(
  containers: readonly KnownProcess[],
  clock: Clock,
  seconds = graceSeconds,
): Promise<void> {
  const pods = new Set(containers.flatMap(({ pid }) => podOf(markOf(pid)) ?? []));
  // A program may have written over its environment.
  const unmarked = containers.filter(({ pid }) => markOf(pid) === undefined);
  for (const container of unmarked) signalProcess(container, "SIGTERM");
  await Promise.all([
    endMarked((mark) => pods.has(podOf(mark) ?? ""), seconds, clock),
    ensureDeparture(unmarked, seconds, clock),
  ]);
}

function podOf(mark: ContainerMark | undefined): string | undefined {
  return mark === undefined ? undefined : `${mark.cluster} ${mark.podUid}`;
}
