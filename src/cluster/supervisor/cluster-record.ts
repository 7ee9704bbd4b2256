import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { isKnownProcess, type KnownProcess } from "./known-process.ts";

/** What `cluster.json` tells other processes about a cluster. It stays when the cluster has stopped, for its port. */
export interface ClusterRecord {
  readonly port: number;
  readonly server: string;
  readonly startedAt: string;
  /** Absent when the cluster was stopped in good order. */
  readonly supervisor?: KnownProcess;
  /** By name of the part. */
  readonly parts: Readonly<Record<string, KnownProcess>>;
}

/** Undefined when there is none. Throws with the file's name when it is damaged. */
export function readRecord(file: string): ClusterRecord | undefined {
  const text = readIfThere(file);
  if (text === undefined) return undefined;
  try {
    return parseRecord(JSON.parse(text));
  } catch (cause) {
    throw new Error(
      `${file} is damaged (${(cause as Error).message}): delete this file and start the cluster again`,
      {
        cause,
      },
    );
  }
}

export function writeRecord(file: string, record: ClusterRecord): void {
  const draft = `${file}.new`;
  try {
    writeFileSync(draft, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

function parseRecord(value: unknown): ClusterRecord {
  const { port, server, startedAt, supervisor, parts } = (value ?? {}) as Partial<Record<string, unknown>>;
  if (typeof port !== "number" || typeof server !== "string" || typeof startedAt !== "string")
    throw new TypeError("port, server or startedAt is missing");
  if (supervisor !== undefined && !isKnownProcess(supervisor))
    throw new TypeError("supervisor is no process");
  const known = Object.entries((parts ?? {}) as Record<string, unknown>).map(([name, part]) => {
    if (!isKnownProcess(part)) throw new TypeError(`${name} is no process`);
    return [name, part] as const;
  });
  return {
    port,
    server,
    startedAt,
    ...(supervisor === undefined ? {} : { supervisor }),
    parts: Object.fromEntries(known),
  };
}

export function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
