import { fdatasync, fdatasyncSync, ftruncateSync, writeSync } from "node:fs";

/** What a log asks of the disk; tests put one in between that fails. */
export interface Disk {
  /** Answers how much was written, as `writeSync`. */
  write(file: number, bytes: Buffer, offset: number, length: number, position: number): number;
  truncate(file: number, length: number): void;
  /** Forces what was written onto the disk, in another thread. */
  sync(file: number, done: (error: Error | null) => void): void;
  syncNow(file: number): void;
}

export const systemDisk: Disk = {
  write: writeSync,
  truncate: ftruncateSync,
  sync: fdatasync,
  syncNow: fdatasyncSync,
};

export function writeFully(disk: Disk, file: number, bytes: Buffer, position: number): void {
  let written = 0;
  while (written < bytes.length) {
    written += disk.write(file, bytes, written, bytes.length - written, position + written);
  }
}

/** Whether the disk, or what this user may have of it, is full. */
export function isDiskFull(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ENOSPC" || code === "EDQUOT";
}
