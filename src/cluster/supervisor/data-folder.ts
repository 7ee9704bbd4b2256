import { mkdirSync, rmdirSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/** Where one embedded cluster keeps everything it has. */
export interface DataFolder {
  readonly path: string;
  readonly kubeconfig: string;
  /** Which processes run the cluster, and on which port. */
  readonly record: string;
  /** A folder that is there while a supervisor uses all this. */
  readonly lock: string;
  readonly store: string;
  readonly pki: string;
  readonly logs: string;
}

export const defaultDataFolder = ".teal";

export function dataFolder(path: string = defaultDataFolder): DataFolder {
  const absolute = resolve(path);
  return {
    path: absolute,
    kubeconfig: join(absolute, "kubeconfig"),
    record: join(absolute, "cluster.json"),
    lock: join(absolute, "lock"),
    store: join(absolute, "store"),
    pki: join(absolute, "pki"),
    logs: join(absolute, "log"),
  };
}

/** Makes the folder, for its owner only. Answers the first of the folders above it, or it itself, that was not there before. */
export function makeDataFolder({ path }: DataFolder): string | undefined {
  return mkdirSync(path, { recursive: true, mode: 0o700 });
}

/** Undoes `makeDataFolder`; folders above it stay when somebody has put something into them. */
export function removeDataFolder({ path }: DataFolder, firstMade: string): void {
  rmSync(path, { recursive: true, force: true });
  for (let above = path; above !== resolve(firstMade); ) {
    above = dirname(above);
    try {
      rmdirSync(above);
    } catch {
      return;
    }
  }
}
