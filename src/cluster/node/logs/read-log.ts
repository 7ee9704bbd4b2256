import { type FileHandle, open } from "node:fs/promises";
import type { PodLogOptions } from "../../api-server/subresources/pod-logs.ts";
import { olderLogPath } from "./log-size.ts";
import type { RunLog } from "./run-log.ts";

const chunkBytes = 64 * 1024;
const newLine = 0x0a;

/** A part of the log: a file, and which byte of the log is its first. */
interface Part {
  readonly file: FileHandle;
  readonly from: number;
  /** Undefined for the part that may grow. */
  readonly to?: number;
}

/**
 * What is asked for of a run's log; goes on with what is written until its container ends, where that is asked for. A log that
 * is cut while it is read is read on where it goes on, from the part that was moved aside.
 */
export async function* readLog(
  log: RunLog,
  { follow, tailLines, since, timestamps, limitBytes }: PodLogOptions,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const reader = new LogReader(log);
  try {
    await reader.open();
    let end = log.look();
    let position = await reader.lastLines(end, tailLines);
    if (since !== undefined)
      position = Math.max(position, await reader.lineFrom(log.times.since(since), end));
    let allowance = limitBytes ?? Number.POSITIVE_INFINITY;
    const stamp = timestamps ? new Stamp(log) : undefined;
    for (;;) {
      for await (const piece of reader.read(position, end)) {
        const shown = (stamp?.put(piece.bytes, piece.position) ?? piece.bytes).subarray(0, allowance);
        allowance -= shown.length;
        position = piece.position + piece.bytes.length;
        if (shown.length > 0) yield shown;
        if (allowance <= 0 || signal.aborted) return;
      }
      position = Math.max(position, end);
      // Asked before looking, so that what was written last is not missed.
      const isLast = !follow || !log.isOpen;
      const changed = log.changed(signal);
      end = log.look();
      if (end > position) continue;
      if (isLast || signal.aborted) return;
      await changed;
      end = log.look();
    }
  } finally {
    await reader.close();
  }
}

class LogReader {
  readonly #log: RunLog;
  #current: FileHandle | undefined;
  #older: FileHandle | undefined;

  constructor(log: RunLog) {
    this.#log = log;
  }

  async open(): Promise<void> {
    this.#current = await open(this.#log.path);
  }

  async close(): Promise<void> {
    await this.#older?.close();
    await this.#current?.close();
  }

  /** The bytes from `position` to `end`, or as many of them as are still there. */
  async *read(position: number, end: number): AsyncGenerator<{ bytes: Uint8Array; position: number }> {
    const { times } = this.#log;
    for (let at = position; at < end; ) {
      at = Math.max(at, times.kept);
      const { base } = times;
      const { file, from, to = end } = await this.#partAt(at);
      const length = Math.min(chunkBytes, Math.min(to, end) - at);
      const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, at - from);
      // Cut meanwhile: what was read is from another place, or nothing.
      if (times.base !== base) continue;
      if (bytesRead === 0) return;
      yield { bytes: buffer.subarray(0, bytesRead), position: at };
      at += bytesRead;
    }
  }

  /** Where the last `count` lines before `end` begin. */
  async lastLines(end: number, count: number | undefined): Promise<number> {
    const { kept } = this.#log.times;
    if (count === undefined) return kept;
    let missing = count;
    if (missing === 0) return end;
    for (let to = end; to > kept; ) {
      const from = Math.max(kept, to - chunkBytes);
      const bytes = await this.#between(from, to);
      // The line break that ends the last line begins no further one.
      let at = to === end && bytes.at(-1) === newLine ? bytes.length - 1 : bytes.length;
      while (at > 0) {
        at = bytes.lastIndexOf(newLine, at - 1);
        if (at < 0) break;
        missing--;
        if (missing === 0) return from + at + 1;
      }
      to = from;
    }
    return kept;
  }

  /** The first byte of a line at or after `position`. */
  async lineFrom(position: number, end: number): Promise<number> {
    if (position <= this.#log.times.kept) return this.#log.times.kept;
    for await (const { bytes, position: at } of this.read(position - 1, end)) {
      const found = bytes.indexOf(newLine);
      if (found >= 0) return at + found + 1;
    }
    return end;
  }

  async #between(from: number, to: number): Promise<Buffer> {
    const pieces: Uint8Array[] = [];
    for await (const { bytes } of this.read(from, to)) pieces.push(bytes);
    return Buffer.concat(pieces);
  }

  async #partAt(position: number): Promise<Part> {
    const { base } = this.#log.times;
    const current = this.#current;
    if (current === undefined) throw new Error(`${this.#log.path} is not open`);
    if (position >= base) return { file: current, from: base };
    // Whose file is written anew at each cut.
    this.#older ??= await open(olderLogPath(this.#log.path));
    return { file: this.#older, from: this.#log.times.kept, to: base };
  }
}

/** Puts in front of each line when it was written. */
class Stamp {
  readonly #log: RunLog;
  #isLineStart = true;

  constructor(log: RunLog) {
    this.#log = log;
  }

  put(bytes: Uint8Array, position: number): Uint8Array {
    const pieces: Uint8Array[] = [];
    for (let start = 0; start < bytes.length; ) {
      const found = bytes.indexOf(newLine, start);
      const end = found < 0 ? bytes.length : found + 1;
      if (this.#isLineStart) pieces.push(this.#at(position + start));
      pieces.push(bytes.subarray(start, end));
      this.#isLineStart = found >= 0;
      start = end;
    }
    return Buffer.concat(pieces);
  }

  // With nine digits after the second, as the kubelet prints it; three of them are known.
  #at(position: number): Uint8Array {
    const time = this.#log.times.at(position);
    return Buffer.from(`${new Date(time ?? 0).toISOString().slice(0, -1)}000000Z `);
  }
}
