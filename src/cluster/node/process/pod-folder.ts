import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writeWhole } from "../../whole-file.ts";
import type { ContainerExit, PodNetwork } from "../pod-driver.ts";

/** What outlives the agent about a started container. */
export interface ContainerRecord {
  readonly id: string;
  readonly run: number;
  readonly pid: number;
  readonly identity: string;
  readonly startedAt: number;
  /** Absent while it runs, or when nobody saw it end. */
  readonly exit?: Omit<ContainerExit, "startedAt">;
}

/** What outlives the agent about a pod. */
export interface PodRecord extends PodNetwork {
  readonly namespace: string;
  readonly name: string;
  /** Which of the cluster's pod addresses it has; absent when it has none of its own. */
  readonly addressIndex?: number;
}

/**
 * The folder `pods/<uid>` of the data folder: `pod.json`, and for each container a folder with `record.json` and the logs
 * of its last two runs, `<run>.log`. Records are written at once and whole, because a crash may come at any moment.
 */
export class PodFolder {
  readonly path: string;

  constructor(dataFolder: string, podUid: string) {
    this.path = join(dataFolder, "pods", podUid);
  }

  static uids(dataFolder: string): readonly string[] {
    return foldersIn(join(dataFolder, "pods"));
  }

  readPod(): PodRecord | undefined {
    return readRecord<PodRecord>(join(this.path, "pod.json"));
  }

  writePod(record: PodRecord): void {
    mkdirSync(this.path, { recursive: true, mode: 0o700 });
    writeRecord(join(this.path, "pod.json"), record);
  }

  readContainer(container: string): ContainerRecord | undefined {
    return readRecord<ContainerRecord>(join(this.path, container, "record.json"));
  }

  writeContainer(container: string, record: ContainerRecord): void {
    writeRecord(join(this.path, container, "record.json"), record);
  }

  /** Names of the containers that were started at least once. */
  containers(): readonly string[] {
    return foldersIn(this.path).filter((name) => !name.startsWith("."));
  }

  /** Makes place for the n-th run's log, and drops those before the previous one. */
  openLog(container: string, run: number): string {
    const folder = join(this.path, container);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (const file of readdirSync(folder)) {
      const runOfFile = /^(\d+)\.log/.exec(file)?.[1];
      if (runOfFile !== undefined && Number(runOfFile) < run - 1)
        rmSync(join(folder, file), { recursive: true, force: true });
    }
    return this.logPath(container, run);
  }

  /** What the container keeps there: records, logs, and what its programs take for their home. */
  containerPath(container: string): string {
    return join(this.path, container);
  }

  /** The folder of the pod's volumes. No container can have such a name. */
  get volumesPath(): string {
    return join(this.path, ".volumes");
  }

  /** The root that the container sees; its last run's. */
  rootPath(container: string): string {
    return join(this.path, ".roots", container);
  }

  terminationLogPath(container: string, run: number): string {
    return join(this.path, container, `${run}.log.termination`);
  }

  logPath(container: string, run: number): string {
    return join(this.path, container, `${run}.log`);
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

function foldersIn(path: string): readonly string[] {
  try {
    const entries = readdirSync(path, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

function readRecord<T>(path: string): T | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as T;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw new Error(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

function writeRecord(path: string, record: object): void {
  writeWhole(path, JSON.stringify(record));
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
