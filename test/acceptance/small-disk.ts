import { execFileSync } from "node:child_process";
import { closeSync, openSync, writeSync } from "node:fs";

/** Whether this process may mount a small disk of its own (tmpfs): root on Linux. */
export function mayMount(): boolean {
  return process.platform === "linux" && process.getuid?.() === 0;
}

/** Puts an empty disk of `size` (as `4m`) over a folder. */
export function mountSmallDisk(folder: string, size: string): void {
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size},mode=700`, "tmpfs", folder]);
}

/** Also while something on it is still open. */
export function unmount(folder: string): void {
  execFileSync("umount", ["-l", folder]);
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
