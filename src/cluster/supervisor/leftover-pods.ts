import type { Clock } from "../../time/clock.ts";
import { PodFolder } from "../node/process/pod-folder.ts";
import type { DataFolder } from "./data-folder.ts";
import { ensureDeparture } from "./departure.ts";
import { isRunning, type KnownProcess, signalProcess } from "./known-process.ts";

const graceSeconds = 5;

/** Containers that still run although nothing of their cluster does. */
export function leftoverContainers({ path }: DataFolder): readonly KnownProcess[] {
  return PodFolder.uids(path)
    .map((uid) => new PodFolder(path, uid))
    .flatMap((folder) => folder.containers().map((container) => folder.readContainer(container)))
    .filter((record) => record !== undefined && record.exit === undefined)
    .flatMap((record) => (record === undefined ? [] : [{ pid: record.pid, identity: record.identity }]))
    .filter(isRunning);
}

/** Ends containers: asked first, killed when they have not ended a few seconds later. */
export async function endContainers(containers: readonly KnownProcess[], clock: Clock): Promise<void> {
  for (const container of containers) signalProcess(container, "SIGTERM");
  await ensureDeparture(containers, graceSeconds, clock);
}
