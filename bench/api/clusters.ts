import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readRecord } from "../../src/cluster/supervisor/cluster-record.ts";
import { dataFolder } from "../../src/cluster/supervisor/data-folder.ts";

const ticksPerSecond = 100;

/** A cluster that was started to be measured. */
export interface MeasuredCluster {
  readonly name: string;
  readonly kubeconfig: string;
  /** Of the store and the API server. */
  readonly pids: readonly number[];
  /** From the command to the answer to the first `kubectl get`. */
  readonly startSeconds: number;
  readonly stop: () => void;
}

const teal = join(import.meta.dirname, "../../bin/teal");

/** `teal up` in `folder`. Its API server also runs what is the controller manager on a real cluster. */
export function startTeal(folder: string, port: number): MeasuredCluster {
  const from = performance.now();
  run(teal, "up", "--data", folder, "--port", String(port), "--no-controller", "--background");
  const data = dataFolder(folder);
  const startSeconds = firstAnswer(data.kubeconfig, from);
  const pid = readRecord(data.record)?.parts["api-server"]?.pid;
  if (pid === undefined) throw new Error(`${data.record} has no API server`);
  const stop = (): void => run(teal, "down", "--data", folder);
  return { name: "teal", kubeconfig: data.kubeconfig, pids: [pid], startSeconds, stop };
}

/**
 * A real control plane: `COMMANDS/up --node none --dir DIR --port PORT` starts it, leaves `kubeconfig/admin` in DIR, and names its
 * processes in `pids`, a line of `NAME PID` each; `COMMANDS/down --dir DIR` ends it.
 */
export function startReal(commands: string, folder: string, port: number): MeasuredCluster {
  const from = performance.now();
  run(join(commands, "up"), "--node", "none", "--dir", folder, "--port", String(port));
  const kubeconfig = join(folder, "kubeconfig/admin");
  const startSeconds = firstAnswer(kubeconfig, from);
  const pids = readFileSync(join(folder, "pids"), "utf8")
    .split("\n")
    .map((line) => line.split(" "))
    .filter(([name]) => name === "etcd" || name === "kube-apiserver")
    .map(([, pid]) => Number(pid));
  const stop = (): void => run(join(commands, "down"), "--dir", folder);
  return { name: "real", kubeconfig, pids, startSeconds, stop };
}

function firstAnswer(kubeconfig: string, from: number): number {
  run("kubectl", "--kubeconfig", kubeconfig, "get", "namespaces");
  return (performance.now() - from) / 1000;
}

function run(program: string, ...args: readonly string[]): void {
  execFileSync(program, args, { stdio: ["ignore", "ignore", "inherit"] });
}

/** Processor time that the store and the API server have used so far. */
export function processorSeconds({ pids }: MeasuredCluster): number {
  const ticks = pids.map((pid) => {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name, in brackets, may hold spaces; user and system time are the 12th and 13th field after it.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return Number(fields[11]) + Number(fields[12]);
  });
  return sum(ticks) / ticksPerSecond;
}

/** In MB. */
export function residentMegabytes({ pids }: MeasuredCluster): number {
  const kilobytes = pids.map((pid) =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]),
  );
  return sum(kilobytes) / 1024;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, each) => all + each, 0);
}
