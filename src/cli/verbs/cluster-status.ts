import { resources } from "../../api/resources.ts";
import { contextName } from "../../cluster/api-server/http/kubeconfig.ts";
import { usageOf } from "../../cluster/node/process/proc-files.ts";
import { type ClusterRecord, readRecord } from "../../cluster/supervisor/cluster-record.ts";
import { type DataFolder, dataFolder } from "../../cluster/supervisor/data-folder.ts";
import { lockHolder } from "../../cluster/supervisor/folder-lock.ts";
import { isRunning } from "../../cluster/supervisor/known-process.ts";
import { parseTime } from "../../time/clock.ts";
import { connect } from "../cluster-access.ts";
import { dataFlag, tealCommand } from "../cluster-up.ts";
import { type Context, verb } from "../command.ts";
import { oneOf } from "../flags.ts";
import { columns } from "../print/columns.ts";
import { plain } from "../print/paint.ts";
import { ageText } from "../print/words.ts";

const patience = "5s";

type PartState = "ready" | "starting" | "down";

interface PartStatus {
  readonly name: string;
  /** `down`: it has ended, and its supervisor starts it again. */
  readonly state: PartState;
  readonly pid?: number;
  readonly restarts: number;
  /** Resident; absent where the system does not tell. */
  readonly memoryBytes?: number | undefined;
}

/** What `--output json` prints. */
interface ClusterStatus {
  /** Every part is ready and the API server answers. */
  readonly up: boolean;
  readonly dataFolder: string;
  readonly server?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly startedAt?: string;
  readonly parts: readonly PartStatus[];
  readonly nodes?: number;
  readonly pods?: number;
  /** Why the API server does not tell how many nodes and pods there are. */
  readonly problem?: string;
}

export const clusterStatus = verb({
  flags: { output: { takes: "text", short: "o", value: "json", help: "another form than the table" } },
  words: { least: 0, most: 0 },
  async run({ flags }, context) {
    const output = oneOf("output", flags.output, ["json"]);
    const status = await statusOf(dataFolder(flags.data), context);
    const { terminal, clock } = context;
    if (output === "json") terminal.out(`${JSON.stringify(status, null, 2)}\n`);
    else terminal.out(printed(status, ageText(parseTime(status.startedAt ?? ""), clock.now())));
    return status.up ? 0 : 1;
  },
});

async function statusOf(data: DataFolder, context: Context): Promise<ClusterStatus> {
  const supervisor = lockHolder(data.lock);
  const record = supervisor === undefined ? undefined : readRecord(data.record);
  if (supervisor === undefined || record?.supervisor?.pid !== supervisor.pid)
    return { up: false, dataFolder: data.path, parts: [] };
  const parts = [
    partStatus("supervisor", { ...supervisor, isReady: true }, 0),
    ...Object.entries(record.restarts ?? {}).map(([name, restarts]) =>
      partStatus(name, record.parts[name], restarts),
    ),
  ];
  const counts = await countsOf(data, context);
  return {
    up: parts.every(({ state }) => state === "ready") && !("problem" in counts),
    dataFolder: data.path,
    server: record.server,
    kubeconfig: data.kubeconfig,
    context: record.context ?? contextName,
    startedAt: record.startedAt,
    parts,
    ...counts,
  };
}

function partStatus(
  name: string,
  known: ClusterRecord["parts"][string] | undefined,
  restarts: number,
): PartStatus {
  if (known === undefined || !isRunning(known)) return { name, state: "down", restarts };
  const { pid, isReady } = known;
  const memoryBytes = process.platform === "linux" ? usageOf(pid)?.memoryBytes : undefined;
  return { name, state: isReady === true ? "ready" : "starting", pid, restarts, memoryBytes };
}

async function countsOf(
  data: DataFolder,
  { global, clock }: Context,
): Promise<Pick<ClusterStatus, "nodes" | "pods" | "problem">> {
  try {
    const own = { ...global, kubeconfig: data.kubeconfig, context: undefined };
    const { client } = connect(
      { ...own, "request-timeout": global["request-timeout"] ?? patience },
      clock,
      {},
    );
    const [nodes, pods] = await Promise.all(
      [resources.nodes, resources.pods].map(async (resource) => {
        const { items, metadata } = await client.list(resource, { limit: 1 });
        return items.length + (metadata.remainingItemCount ?? 0);
      }),
    );
    return { nodes: nodes ?? 0, pods: pods ?? 0 };
  } catch (error) {
    // Whatever it is: that is what was asked for.
    return { problem: (error as Error).message };
  }
}

function printed(status: ClusterStatus, age: string): string {
  const { up, server, parts, nodes, pods, problem } = status;
  if (server === undefined)
    return `No cluster is up in ${status.dataFolder}. "${tealCommand()} up${dataFlag(dataFolder(status.dataFolder))}" starts one.\n`;
  const rows = parts.map(({ name, state, pid, restarts, memoryBytes }) => [
    name,
    state,
    String(pid ?? "-"),
    name === "supervisor" ? "-" : String(restarts),
    memoryBytes === undefined ? "-" : `${Math.round(memoryBytes / 2 ** 20)} MiB`,
  ]);
  return [
    `The cluster ${up ? "is up" : "is not whole"} at ${server}, started ${age} ago`,
    `data folder: ${status.dataFolder}`,
    `kubeconfig:  ${status.kubeconfig} (context ${status.context})`,
    problem === undefined ? `${counted(nodes, "node")}, ${counted(pods, "pod")}` : `API server: ${problem}`,
    "",
    columns([["PART", "STATE", "PID", "RESTARTS", "MEMORY"], ...rows], 3, plain),
  ].join("\n");
}

function counted(count = 0, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
