import { join, resolve } from "node:path";

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
