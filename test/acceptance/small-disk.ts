import { closeSync, openSync, writeSync } from "node:fs";

/** Whether this process may mount a small disk of its own (tmpfs): root on Linux. */
export function mayMount(): boolean {
  return process.platform === "linux" && process.getuid?.() === 0;
}

/** Writes until not one byte more finds room. */
export function fillUp(file: string): void {
  const open = openSync(file, "a");
  try {
    for (let bytes = 64 * 1024; bytes >= 1; ) {
      try {
        if (writeSync(open, Buffer.alloc(bytes)) < bytes) bytes = Math.floor(bytes / 2);
      } catch (error) {
        if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
        bytes = Math.floor(bytes / 2);
      }
    }
  } finally {
    closeSync(open);
  }
}
