import { closeSync, mkdirSync, openSync, type Stats, statSync } from "node:fs";
import { dirname } from "node:path";
import { VolumeError } from "./volume-error.ts";

const checks: Readonly<Record<string, { readonly is: (stats: Stats) => boolean; readonly what: string }>> = {
  Directory: { is: (stats) => stats.isDirectory(), what: "a directory" },
  File: { is: (stats) => stats.isFile(), what: "a file" },
  Socket: { is: (stats) => stats.isSocket(), what: "a socket file" },
  CharDevice: { is: (stats) => stats.isCharacterDevice(), what: "a character device" },
  BlockDevice: { is: (stats) => stats.isBlockDevice(), what: "a block device" },
};
const made: Readonly<Record<string, string>> = { DirectoryOrCreate: "Directory", FileOrCreate: "File" };

/** Makes and checks the path as its `type` says. Throws `VolumeError`, in the kubelet's words. */
export function prepareHostPath(volume: string, path: string, type: string): void {
  const stats = statSync(path, { throwIfNoEntry: false });
  try {
    if (stats === undefined && type === "FileOrCreate") {
      mkdirSync(dirname(path), { recursive: true });
      closeSync(openSync(path, "a", 0o644));
    } else if (stats === undefined && (type === "" || type === "DirectoryOrCreate")) {
      mkdirSync(path, { recursive: true, mode: 0o755 });
    }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new VolumeError(volume, `hostPath ${path} cannot be made: ${why}`, { cause });
  }
  const check = checks[made[type] ?? type];
  const now = statSync(path, { throwIfNoEntry: false });
  if (check !== undefined && (now === undefined || !check.is(now)))
    throw new VolumeError(volume, `hostPath type check failed: ${path} is not ${check.what}`);
}
