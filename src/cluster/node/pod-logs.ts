import { existsSync, statSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import type { Pod } from "../../api/core.ts";
import { type Clock, later } from "../../time/clock.ts";
import { pause } from "../../time/pause.ts";
import { SystemClock } from "../../time/system-clock.ts";
import { badRequest } from "../api-server/refusal.ts";
import type { PodLogOptions, PodLogs } from "../api-server/subresources/pod-logs.ts";
import { olderLogPath } from "./process/log-size.ts";
import { PodFolder } from "./process/pod-folder.ts";

const chunkBytes = 64 * 1024;
const followSeconds = 0.2;
const newLine = 0x0a;
const waitingWords: Readonly<Record<string, string>> = {
  ErrImagePull: "image can't be pulled",
  ImagePullBackOff: "trying and failing to pull image",
};

/**
 * Reads pods' logs from a data folder, in whichever process. Containers write into these files themselves, so that logging
 * needs no agent; the price is that lines carry no times: `sinceSeconds` can only leave out a log that has been quiet for so
 * long, and `timestamps` is refused.
 */
export function podLogsIn(dataFolder: string, clock: Clock = new SystemClock()): PodLogs {
  return (pod, options) => {
    const { container, previous, follow, sinceSeconds } = options;
    const { uid = "", name } = pod.metadata;
    if (options.timestamps) {
      throw badRequest("logs of the embedded cluster carry no times: leave out timestamps");
    }
    const folder = new PodFolder(dataFolder, uid);
    const record = folder.readContainer(container);
    if (record === undefined) {
      throw badRequest(
        `container "${container}" in pod "${name}" is waiting to start: ${whyNotStarted(pod, container)}`,
      );
    }
    const run = previous ? record.run - 1 : record.run;
    const path = folder.logPath(container, run);
    const writtenAt = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
    if (writtenAt === undefined) {
      throw badRequest(`previous terminated container "${container}" in pod "${name}" not found`);
    }
    const hasEnded = (): boolean => {
      const now = folder.readContainer(container);
      return now === undefined || now.run !== run || now.exit !== undefined;
    };
    const isQuiet = sinceSeconds !== undefined && writtenAt < clock.now() - sinceSeconds * 1000;
    const older = existsSync(olderLogPath(path)) ? [olderLogPath(path)] : [];
    const follower = follow && !previous ? { clock, hasEnded } : undefined;
    return textOf(readLog(path, isQuiet ? [] : [...older, path], follower, options));
  };
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

interface Follower {
  readonly clock: Clock;
  readonly hasEnded: () => boolean;
}

/** Whole characters, however the bytes were cut. */
async function* textOf(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  for await (const piece of pieces) yield decoder.decode(piece, { stream: true });
  yield decoder.decode();
}

async function* readLog(
  path: string,
  wanted: readonly string[],
  follower: Follower | undefined,
  { tailLines, limitBytes }: PodLogOptions,
): AsyncGenerator<Uint8Array> {
  let allowance = limitBytes ?? Number.POSITIVE_INFINITY;
  const within = (piece: Uint8Array): Uint8Array => {
    const allowed = piece.subarray(0, allowance);
    allowance -= allowed.length;
    return allowed;
  };
  await using opened = new AsyncDisposableStack();
  const current = opened.use(await open(path));
  const files: FileHandle[] = [];
  for (const each of wanted) files.push(each === path ? current : opened.use(await open(each)));
  const starts = await startsOf(files, tailLines);
  let position = (await current.stat()).size;
  for (const [index, file] of files.entries()) {
    position = starts[index] ?? 0;
    for await (const piece of readFrom(file, position)) {
      position += piece.length;
      yield within(piece);
      if (allowance <= 0) return;
    }
  }
  while (follower !== undefined) {
    // Asked before reading, so that what was written last is not missed.
    const isLast = follower.hasEnded();
    // A log that got too large has begun anew.
    if ((await current.stat()).size < position) position = 0;
    for await (const piece of readFrom(current, position)) {
      position += piece.length;
      yield within(piece);
      if (allowance <= 0) return;
    }
    if (isLast) return;
    const { clock } = follower;
    await pause(clock, later(clock.now(), followSeconds));
    // A reader that is gone can take effect only where a piece is handed out.
    yield new Uint8Array();
  }
}

async function* readFrom(file: FileHandle, start: number): AsyncGenerator<Uint8Array> {
  for (let position = start; ; ) {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(chunkBytes), 0, chunkBytes, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** Where in each file the last `tailLines` lines of all begin. */
async function startsOf(files: readonly FileHandle[], tailLines: number | undefined): Promise<number[]> {
  const starts = files.map(() => 0);
  if (tailLines === undefined) return starts;
  let missing = tailLines;
  for (const [index, file] of [...files.entries()].toReversed()) {
    const { size } = await file.stat();
    if (missing <= 0) {
      starts[index] = size;
      continue;
    }
    let position = size;
    while (position > 0 && missing > 0) {
      const length = Math.min(chunkBytes, position);
      const { buffer } = await file.read(Buffer.alloc(length), 0, length, position - length);
      // The line break that ends the last line begins no further one.
      let end = position === size && buffer[length - 1] === newLine ? length - 1 : length;
      while (end > 0 && missing > 0) {
        end = buffer.lastIndexOf(newLine, end - 1);
        if (end < 0) break;
        missing--;
        if (missing === 0) starts[index] = position - length + end + 1;
      }
      position -= length;
    }
    // The first line of a file has no line break before it.
    if (missing > 0 && size > 0) missing--;
  }
  return starts;
}
