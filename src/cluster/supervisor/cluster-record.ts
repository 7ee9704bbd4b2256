import { dirname } from "node:path";
import { isBlock } from "../addresses.ts";
import type { AuthorizationMode } from "../api-server/access/access.ts";
import { clusterOf } from "../node/process/container-mark.ts";
import { readIfThere, writeWhole } from "../whole-file.ts";
import { isKnownProcess, type KnownProcess } from "./known-process.ts";

export interface PartRecord extends KnownProcess {
  /** It has said that it does its work. */
  readonly isReady?: boolean;
}

/** What `cluster.json` tells other processes about a cluster. It stays when the cluster has stopped, for its port and addresses. */
export interface ClusterRecord {
  readonly port: number;
  /** B of its addresses, 127.B.0.0/16. */
  readonly block: number;
  readonly server: string;
  readonly startedAt: string;
  /** Absent when the cluster was stopped in good order. */
  readonly supervisor?: KnownProcess;
  /** Its name in kubeconfigs; `teal` in records of the first versions, which do not say. */
  readonly context?: string;
  /** Who decides who may do what; everybody may do everything when absent. */
  readonly authorization?: AuthorizationMode;
  /** Port of its registry of images; absent where it has none. */
  readonly registry?: number;
  /** The file that it was written into besides its own, until it has been taken out again. */
  readonly kubeconfig?: string;
  /** By name of the part; one without a process is missing. */
  readonly parts: Readonly<Record<string, PartRecord>>;
  /** How often each part was started again, by its name. */
  readonly restarts?: Readonly<Record<string, number>>;
}

/**
 * Undefined when there is none. Throws with the file's name when it is damaged. In a copy of a data folder the record tells what
 * the original had, and no processes: those are the original's.
 */
export function readRecord(file: string): ClusterRecord | undefined {
  const text = readIfThere(file);
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    const record = parseRecord(value);
    const { folder } = value as { readonly folder?: unknown };
    if (folder === undefined || folder === clusterOf(dirname(file))) return record;
    const { supervisor: _, kubeconfig: __, restarts: ___, ...stopped } = record;
    return { ...stopped, parts: {} };
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
  const text = JSON.stringify({ ...record, folder: clusterOf(dirname(file)) }, null, 2);
  writeWhole(file, `${text}\n`);
}

function parseRecord(value: unknown): ClusterRecord {
  const { port, server, startedAt, supervisor, parts, ...rest } = (value ?? {}) as Partial<
    Record<string, unknown>
  >;
  if (typeof port !== "number" || typeof server !== "string" || typeof startedAt !== "string")
    throw new TypeError("port, server or startedAt is missing");
  const { block = blockOfPort(port), context, authorization, registry, kubeconfig, restarts } = rest;
  if (!isBlock(block)) throw new TypeError("block is none of 1 to 254");
  // Read as anything else it would let everybody in.
  if (authorization !== undefined && authorization !== "rbac" && authorization !== "everybody")
    throw new TypeError("authorization is neither rbac nor everybody");
  if (supervisor !== undefined && !isKnownProcess(supervisor))
    throw new TypeError("supervisor is no process");
  const known = Object.entries((parts ?? {}) as Record<string, unknown>).map(([name, part]) => {
    if (!isKnownProcess(part)) throw new TypeError(`${name} is no process`);
    return [name, part] as const;
  });
  return {
    port,
    block,
    server,
    startedAt,
    ...(supervisor === undefined ? {} : { supervisor }),
    ...(typeof context === "string" ? { context } : {}),
    ...(authorization === undefined ? {} : { authorization }),
    ...(typeof registry === "number" ? { registry } : {}),
    ...(typeof kubeconfig === "string" ? { kubeconfig } : {}),
    ...(typeof restarts === "object" ? { restarts: restarts as Record<string, number> } : {}),
    parts: Object.fromEntries(known),
  };
}

/** Where a cluster of the first versions has its addresses, whose records have no block. */
function blockOfPort(port: number): number {
  return 1 + (port % 250);
}
