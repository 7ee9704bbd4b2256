import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Clock, formatTime, later } from "../../time/clock.ts";
import { addressesOf, blockOf } from "../addresses.ts";
import type { AuthorizationMode } from "../api-server/access/access.ts";
import { listeners } from "../node/process/listeners.ts";
import { canListenOn } from "../node/process/pod-addresses.ts";
import { openFiles } from "../node/process/proc-files.ts";
import type { SyncMode } from "../store/file-journal.ts";
import { type ClaimedBlock, claimBlock } from "./address-block.ts";
import { type ClusterRecord, readRecord } from "./cluster-record.ts";
import { type DataFolder, makeDataFolder, removeDataFolder } from "./data-folder.ts";
import { ensureDeparture } from "./departure.ts";
import { lockFolder } from "./folder-lock.ts";
import { HeldSockets } from "./held-sockets.ts";
import { isRunning, type KnownProcess, knownProcess } from "./known-process.ts";
import { contextFor, leaveKubeconfigOf } from "./kubeconfig-context.ts";
import { endContainers, leftoverContainers } from "./leftover-pods.ts";
import { limitLogs } from "./log-file.ts";
import type { Addressing, Part, Place } from "./part.ts";
import { PartFailed, PartProcess } from "./part-process.ts";
import { RecordKeeper } from "./record-keeper.ts";

export const defaultPort = 7443;

// Parts of a supervisor that was killed stop by themselves; this is how long they may take.
const leftoverSeconds = 20;
const folderCheckSeconds = 1;
const looksUntilGone = 2;
/** The one loopback address that every machine has. */
const onlyAddress = "127.0.0.1";

/** Tells people what is waited for, and how long already. */
export interface Progress {
  /** `detail` is asked again and again for what is to be told of it so far. */
  during<T>(what: string, work: Promise<T>, detail?: () => string): Promise<T>;
  /** One line that stays. */
  say(line: string): void;
}

export interface SupervisorOptions {
  readonly data: DataFolder;
  /** Each after those that it needs. */
  readonly parts: readonly Part[];
  /** The one used last when absent, else 7443. */
  readonly port?: number | undefined;
  /** Found out by trying when absent. */
  readonly addressing?: Addressing | undefined;
  /** The one that LoadBalancer Services share. */
  readonly address?: string | undefined;
  /** When writes are forced onto the disk; in the background when absent. */
  readonly sync?: SyncMode | undefined;
  /** Who decides who may do what; as when it was up last when absent, else everybody may do everything. */
  readonly authorization?: AuthorizationMode | undefined;
  /** Port of the registry of images; as when it was up last when absent, else there is none. */
  readonly registry?: number | "none" | undefined;
  /** Names of those whose kinds a new cluster is to know besides; none when absent. */
  readonly addOns?: readonly string[] | undefined;
  /** Whether Teal's own controller is part of it; it is when absent. */
  readonly hasController?: boolean | undefined;
  /** Written besides the one in the data folder. */
  readonly kubeconfig?: string | undefined;
  /** Of the cluster in kubeconfigs; the one used last when absent, else one that is free. */
  readonly name?: string | undefined;
  /** What the caller had to make of the data folder, if anything: see `makeDataFolder`. */
  readonly firstMade?: string | undefined;
  /** Node and Teal's main file. */
  readonly program: readonly [string, ...string[]];
  readonly clock: Clock;
  readonly progress: Progress;
  /** The data folder is gone, and with it all that the cluster is. */
  readonly onFolderGone?: () => void;
  /** A part has ended, whether it was to or not. */
  readonly onEnded?: (part: string) => unknown;
}

export interface UpCluster {
  readonly server: string;
  readonly port: number;
  /** Its name in kubeconfigs. */
  readonly context: string;
  /** Port of its registry; absent where it has none. */
  readonly registry?: number;
}

/**
 * Starts the parts of a cluster, each when those that it needs say that they are ready, keeps them running, and stops them in
 * reverse order. Each is a process of its own; this one only looks after them. When it is killed, the parts notice and stop by
 * themselves.
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #started = new Map<Part, PartProcess>();
  readonly #sockets = new HeldSockets();
  #unlock: () => void = () => {};
  #claim: ClaimedBlock | undefined;
  #cancelLogCheck: () => void = () => {};
  #cancelFolderCheck: () => void = () => {};
  #record: RecordKeeper | undefined;
  #leaveKubeconfig: () => Promise<void> = async () => {};
  #isKilled = false;
  /** The first folder that was made for a cluster that is refused. */
  #inVain: string | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /**
   * Resolves when everything is ready.
   * @throws FolderInUse, or an Error whose message says which part does not start, why, and what to do. Call `stop` then too.
   */
  async start(): Promise<UpCluster> {
    const firstMade = this.#options.firstMade ?? makeDataFolder(this.#options.data);
    try {
      return await this.#startAll();
    } catch (error) {
      // Who is told why needs no folder; a log may tell why otherwise.
      const isRefused = this.#stopped === undefined && !(error instanceof PartFailed);
      if (isRefused) this.#inVain = firstMade;
      throw error;
    }
  }

  async #startAll(): Promise<UpCluster> {
    const { clock, data, progress } = this.#options;
    this.#unlock = lockFolder(data.lock);
    this.#cancelLogCheck = limitLogs(data.logs, clock, (text) => progress.say(text));
    const last = readRecord(data.record);
    await this.#awaitLeftovers(last);
    const port = this.#options.port ?? last?.port ?? defaultPort;
    const block = await this.#claimBlock(last);
    const supervisor = knownProcess(process.pid);
    const server = `https://127.0.0.1:${port}`;
    const { kubeconfig, name, sync, addOns, hasController } = this.#options;
    const { authorization, registry } = this.#settings(last);
    const context = await contextFor({ data, name, kubeconfig, server, last });
    const written = kubeconfig ?? last?.kubeconfig;
    const record = {
      port,
      block,
      server,
      context,
      ...(authorization === undefined ? {} : { authorization }),
      ...(registry === undefined ? {} : { registry }),
      ...(written === undefined ? {} : { kubeconfig: written }),
      startedAt: formatTime(clock.now()),
      ...(supervisor === undefined ? {} : { supervisor }),
    };
    this.#record = new RecordKeeper(data.record, record, (line) => progress.say(line));
    this.#leaveKubeconfig = () => leaveKubeconfigOf(data, record);
    const addressing = await this.#addressing(block);
    const address = this.#options.address ?? (addressing === "single" ? onlyAddress : undefined);
    const settings = {
      addressing,
      address,
      context,
      kubeconfig,
      sync,
      authorization,
      registry,
      addOns,
      hasController,
    };
    await this.#startParts({ data, port, block, ...settings });
    this.#watchFolder();
    return { server, port, context, ...(registry === undefined ? {} : { registry }) };
  }

  /** What a cluster keeps from one start to the next unless it is told otherwise: nobody's rights change in silence. */
  #settings(last: ClusterRecord | undefined): Pick<ClusterRecord, "authorization" | "registry"> {
    const { authorization, registry, progress } = this.#options;
    if (authorization === undefined && last?.authorization === "rbac")
      progress.say("roles say who may do what, as before (--authorization everybody ends that)");
    if (registry === undefined && last?.registry !== undefined)
      progress.say(`the registry is on port ${last.registry}, as before (--registry none leaves it out)`);
    const port = registry ?? last?.registry ?? "none";
    const mode = authorization ?? last?.authorization;
    return {
      ...(mode === undefined ? {} : { authorization: mode }),
      ...(port === "none" ? {} : { registry: port }),
    };
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
    for (const process of this.#started.values()) void process.stop(0);
    return stopped;
  }

  async #stopAll(): Promise<void> {
    const { clock, data, progress } = this.#options;
    for (const part of this.#options.parts.toReversed()) {
      const stopped = this.#started.get(part)?.stop(part.graceSeconds);
      if (stopped !== undefined)
        await progress.during(`${part.name} to stop`, stopped, () => part.remaining?.(data) ?? "");
    }
    this.#sockets.closeAll();
    if (this.#record !== undefined) {
      // Pods outlive a node agent that was not there, or had to be killed, before it could end them.
      await endContainers(leftoverContainers(data), clock, this.#isKilled ? 0 : undefined);
      // A file that is none any more keeps no cluster from ending.
      await this.#leaveKubeconfig().catch((error: Error) => progress.say(error.message));
      this.#record.stopped();
    }
    this.#claim?.release();
    this.#cancelLogCheck();
    this.#cancelFolderCheck();
    this.#unlock();
    if (this.#inVain !== undefined) removeDataFolder(data, this.#inVain);
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

  /** @throws Error when the address that Services are to share is none of this machine's. */
  async #addressing(block: number): Promise<Addressing> {
    const { address, addressing, progress } = this.#options;
    if (address !== undefined && !(await canListenOn(address)))
      throw new Error(`--address ${address}: this machine has no such address`);
    if (addressing !== undefined || (await canListenOn(addressesOf(block).pod(0))))
      return addressing ?? "own";
    progress.say(
      `this machine has no loopback address but ${onlyAddress}: pods share it, each with ports of its own (PORT in its environment)`,
    );
    return "single";
  }

  /** Nobody else could end the processes of a cluster whose folder somebody has deleted. */
  #watchFolder(): void {
    const { clock, data, progress, onFolderGone } = this.#options;
    let missing = 0;
    const look = (): void => {
      missing = existsSync(data.lock) ? 0 : missing + 1;
      // Once may be a network disk that is away for a moment.
      if (missing === looksUntilGone) {
        progress.say(`${data.path} was deleted: the cluster stops`);
        onFolderGone?.();
        return;
      }
      this.#cancelFolderCheck = clock.at(later(clock.now(), folderCheckSeconds), look);
    };
    look();
  }

  async #startParts(place: Place): Promise<void> {
    const ready = new Map<string, Promise<unknown>>();
    for (const part of this.#options.parts.filter((each) => each.isWanted?.(place) ?? true)) {
      const needed = Promise.all(part.needs.map(async (name) => await ready.get(name)));
      ready.set(
        part.name,
        needed.then(() => this.#start(part, place)),
      );
    }
    await Promise.all(ready.values());
  }

  #start(part: Part, place: Place): Promise<unknown> {
    const { name } = part;
    if (this.#stopped !== undefined) throw new Error(`stopped before ${name} was started`);
    const { clock, data, program, progress } = this.#options;
    const process = new PartProcess({
      name,
      command: [...program, ...part.arguments(place)],
      firstArguments: part.firstArguments?.(place) ?? [],
      channel: part.keepsSockets === true ? this.#sockets : undefined,
      logFile: join(data.logs, `${name}.log`),
      clock,
      onProcess: (known) => {
        if (known === undefined) this.#options.onEnded?.(name);
        this.#record?.process(name, known);
      },
      onReady: () => this.#record?.ready(name),
      onRestart: (line) => progress.say(line),
    });
    this.#started.set(part, process);
    return progress.during(part.title, process.start());
  }
}

/** Whether a process that is none of `own` listens in the block. */
function hasStrangers(block: number, own: readonly KnownProcess[]): boolean {
  const found = listeners().filter(({ address }) => blockOf(address) === block);
  if (found.length === 0) return false;
  const open = new Set(own.flatMap(({ pid }) => openFiles(pid) ?? []));
  return found.some(({ inode }) => !open.has(`socket:[${inode}]`));
}
