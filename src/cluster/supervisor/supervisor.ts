import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Clock, formatTime } from "../../time/clock.ts";
import { blockOf } from "../addresses.ts";
import { listeners } from "../node/process/listeners.ts";
import { openFiles } from "../node/process/proc-files.ts";
import type { SyncMode } from "../store/file-journal.ts";
import { type ClaimedBlock, claimBlock } from "./address-block.ts";
import { type ClusterRecord, readRecord, writeRecord } from "./cluster-record.ts";
import type { DataFolder } from "./data-folder.ts";
import { ensureDeparture, longestGraceSeconds } from "./departure.ts";
import { lockFolder } from "./folder-lock.ts";
import { HeldSockets } from "./held-sockets.ts";
import { isRunning, type KnownProcess, knownProcess } from "./known-process.ts";
import { endContainers, leftoverContainers, runningPods } from "./leftover-pods.ts";
import { limitLogs } from "./log-file.ts";
import { type PartOptions, PartProcess } from "./part-process.ts";

export const defaultPort = 7443;

// Parts of a supervisor that was killed stop by themselves; this is how long they may take.
const leftoverSeconds = 20;
const stopSeconds = 45;
const mostPodsNamed = 3;

/** Tells people what is waited for, and how long already. */
export interface Progress {
  /** `detail` is asked again and again for what is to be told of it so far. */
  during<T>(what: string, work: Promise<T>, detail?: () => string): Promise<T>;
  /** One line that stays. */
  say(line: string): void;
}

export interface SupervisorOptions {
  readonly data: DataFolder;
  /** The one used last when absent, else 7443. */
  readonly port?: number | undefined;
  /** When writes are forced onto the disk; in the background when absent. */
  readonly sync?: SyncMode | undefined;
  /** Written besides the one in the data folder. */
  readonly kubeconfig?: string | undefined;
  /** Node and Teal's main file. */
  readonly program: readonly [string, ...string[]];
  readonly clock: Clock;
  readonly progress: Progress;
  /** A part has ended, whether it was to or not. */
  readonly onEnded?: (part: string) => unknown;
}

export interface UpCluster {
  readonly server: string;
  readonly port: number;
}

/**
 * Starts the parts of the embedded cluster in order, keeps them running, and stops them in reverse order. Each is a process of
 * its own; this one only looks after them. When it is killed, the parts notice and stop by themselves.
 *
 *   up:    api-server ─▶ node, traffic, controller          each step waits until the part says that it is ready
 *   down:  controller ─▶ traffic ─▶ node and its pods ─▶ api-server
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #processes = new Map<string, KnownProcess>();
  #parts: PartProcess[] = [];
  readonly #sockets = new HeldSockets();
  #unlock: () => void = () => {};
  #claim: ClaimedBlock | undefined;
  #cancelLogCheck: () => void = () => {};
  #record: Omit<ClusterRecord, "parts"> | undefined;
  #isKilled = false;
  #recordProblem: string | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /**
   * Resolves when everything is ready.
   * @throws FolderInUse, or an Error whose message says which part does not start, why, and what to do. Call `stop` then too.
   */
  async start(): Promise<UpCluster> {
    const { clock, data, progress } = this.#options;
    mkdirSync(data.path, { recursive: true, mode: 0o700 });
    this.#unlock = lockFolder(data.lock);
    this.#cancelLogCheck = limitLogs(data.logs, clock, (text) => progress.say(text));
    const last = readRecord(data.record);
    await this.#awaitLeftovers(last);
    const port = this.#options.port ?? last?.port ?? defaultPort;
    const block = await this.#claimBlock(last);
    const supervisor = knownProcess(process.pid);
    this.#record = {
      port,
      block,
      server: `https://127.0.0.1:${port}`,
      startedAt: formatTime(clock.now()),
      ...(supervisor === undefined ? {} : { supervisor }),
    };
    const place = ["--data", data.path, "--port", String(port), "--block", String(block)];
    const { kubeconfig, sync } = this.#options;
    const apiServer = [...place, ...(sync === undefined ? [] : ["--sync", sync])];
    // Written when the cluster comes up; a file that people change must not keep the API server from coming back.
    const firstArguments = kubeconfig === undefined ? [] : ["--kubeconfig", kubeconfig];
    await progress.during("API server", this.#launch("api-server", apiServer, { firstArguments }));
    await Promise.all([
      progress.during("node", this.#launch("node", place)),
      progress.during("traffic", this.#launch("traffic", place, { channel: this.#sockets })),
      progress.during("controller", this.#launch("controller", ["--kubeconfig", data.kubeconfig])),
    ]);
    return { server: this.#record.server, port };
  }

  /** Stops what has been started, in reverse order. Calls after the first wait for the same end. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stopAll();
    return this.#stopped;
  }

  /** As `stop`, also while that is under way, but gives no part and no pod any time. */
  kill(): Promise<void> {
    this.#isKilled = true;
    const stopped = this.stop();
    for (const part of this.#parts) void part.stop(0);
    return stopped;
  }

  async #stopAll(): Promise<void> {
    const { clock, data, progress } = this.#options;
    for (const part of this.#parts.toReversed())
      await progress.during(`${part.name} to stop`, part.stop(stopSecondsOf(part.name)), () =>
        part.name === "node" ? stillRunning(runningPods(data)) : "",
      );
    this.#sockets.closeAll();
    if (this.#record !== undefined) {
      // Pods outlive a node agent that was not there, or had to be killed, before it could end them.
      await endContainers(leftoverContainers(data), clock, this.#isKilled ? 0 : undefined);
      const { supervisor: _, ...rest } = this.#record;
      this.#write({ ...rest, parts: {} });
    }
    this.#claim?.release();
    this.#cancelLogCheck();
    this.#unlock();
  }

  /** The addresses that this cluster had, unless somebody else has them by now. */
  async #claimBlock(last: ClusterRecord | undefined): Promise<number> {
    const { clock, data, progress } = this.#options;
    const own = leftoverContainers(data);
    this.#claim = await claimBlock({
      last: last?.block,
      folder: data.path,
      isInUse: (block) => hasStrangers(block, own),
    });
    const { block } = this.#claim;
    if (last !== undefined && last.block !== block) {
      progress.say(
        `the addresses 127.${last.block} of the cluster in ${data.path} are somebody else's now: its Services and pods move to 127.${block}`,
      );
      // What still listens at an address that it has lost; the node starts it anew.
      await endContainers(own, clock);
    }
    return block;
  }

  async #awaitLeftovers(last: ClusterRecord | undefined): Promise<void> {
    const { clock, progress } = this.#options;
    const left = Object.values(last?.parts ?? {}).filter(isRunning);
    if (left.length === 0) return;
    const what = `${left.length} process(es) of a cluster that was killed to end`;
    const killed = await progress.during(what, ensureDeparture(left, leftoverSeconds, clock));
    for (const { pid } of killed) progress.say(`process ${pid} did not end by itself and was killed`);
  }

  #launch(
    name: string,
    args: readonly string[],
    extra: Pick<PartOptions, "firstArguments" | "channel"> = {},
  ): Promise<unknown> {
    if (this.#stopped !== undefined) throw new Error(`stopped before ${name} was started`);
    const { clock, data, program, progress } = this.#options;
    const part = new PartProcess({
      name,
      command: [...program, name, ...args],
      ...extra,
      logFile: join(data.logs, `${name}.log`),
      clock,
      onProcess: (known) => {
        if (known === undefined) {
          this.#processes.delete(name);
          this.#options.onEnded?.(name);
        } else this.#processes.set(name, known);
        if (this.#record !== undefined)
          this.#write({ ...this.#record, parts: Object.fromEntries(this.#processes) });
      },
      onRestart: (line) => progress.say(line),
    });
    this.#parts.push(part);
    return part.start();
  }

  /** A record that cannot be written, as on a full disk, ends nobody; the next one may be. */
  #write(record: ClusterRecord): void {
    const { data, progress } = this.#options;
    try {
      writeRecord(data.record, record);
      this.#recordProblem = undefined;
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      if (this.#recordProblem === text) return;
      this.#recordProblem = text;
      progress.say(`cannot write ${data.record}: ${text}; the cluster goes on`);
    }
  }
}

/** Whether a process that is none of `own` listens in the block. */
function hasStrangers(block: number, own: readonly KnownProcess[]): boolean {
  const found = listeners().filter(({ address }) => blockOf(address) === block);
  if (found.length === 0) return false;
  const open = new Set(own.flatMap(({ pid }) => openFiles(pid) ?? []));
  return found.some(({ inode }) => !open.has(`socket:[${inode}]`));
}

/** The node has its pods to wait for. */
function stopSecondsOf(name: string): number {
  return name === "node" ? longestGraceSeconds + stopSeconds : stopSeconds;
}

function stillRunning(pods: readonly string[]): string {
  const more = pods.length - mostPodsNamed;
  const named = pods.slice(0, mostPodsNamed).join(", ");
  return pods.length === 0 ? "" : `pods: ${named}${more > 0 ? ` and ${more} more` : ""}`;
}
