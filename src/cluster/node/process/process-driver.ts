import { randomUUID } from "node:crypto";
import { statSync } from "node:fs";
import { join } from "node:path";
import type { Pod } from "../../../api/core.ts";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import { type Cancel, type Clock, instant, later } from "../../../time/clock.ts";
import type { Addresses } from "../../addresses.ts";
import { commandOf, viewOf } from "../images/image-command.ts";
import { ImageError } from "../images/image-folder.ts";
import type { ImageStore, ResolvedImage } from "../images/image-store.ts";
import { RunLogs } from "../logs/run-log.ts";
import {
  type CheckResult,
  ContainerError,
  type ContainerKey,
  type Earlier,
  type Handler,
  type Objection,
  type PodDriver,
  type PodNetwork,
  type Remark,
  type RunningContainer,
} from "../pod-driver.ts";
import { checkCommand, checkHttp, checkTcp } from "./checks.ts";
import { baseEnvironment, containerEnvironment } from "./container-environment.ts";
import { containerOf, markFor, nameOf, uidOf } from "./container-key.ts";
import { type ContainerMark, clusterOf, endMarked, isSameMark, markOf } from "./container-mark.ts";
import { type ContainerPlace, ContainerProcess, type ProcessPlan } from "./container-process.ts";
import { Expansion } from "./expand-variables.ts";
import { ignoredFields } from "./ignored-fields.ts";
import { canListenOn, PodAddresses, sharedAddress } from "./pod-addresses.ts";
import { type ContainerRecord, PodFolder, type PodRecord } from "./pod-folder.ts";
import { PodListeners } from "./pod-listeners.ts";
import { allPids, groupOf } from "./proc-files.ts";
import { wildcardPortsOf } from "./wildcard-listeners.ts";

export interface ProcessDriverOptions {
  readonly dataFolder: string;
  readonly addresses: Addresses;
  readonly clock: Clock;
  /** Reads the ConfigMaps and Secrets that manifests name. */
  readonly client: KubernetesClient;
  readonly images: ImageStore;
  readonly hostIp: string;
  readonly onProblem: (text: string) => void;
  /** Whoever reads logs of running containers reads them there. */
  readonly logs?: RunLogs;
  /** `own`: each pod has an address; `shared`: all are on 127.0.0.1 with ports of their own; found out when absent. */
  readonly addressing?: "own" | "shared";
}

interface Place {
  readonly host: string;
  readonly port: number;
}

/** As in a probe. */
interface AskedPlace {
  readonly port: number | string;
  readonly host?: string;
}

const logCheckSeconds = 10;
const leftoverGraceSeconds = 2;
// Events have 1,024 bytes at most.
const longestRemark = 1000;

/** Runs containers as processes of this machine. What it must know after a crash is in the pods' folders. */
export class ProcessDriver implements PodDriver {
  readonly runtime = `process://${process.version}`;
  readonly #options: ProcessDriverOptions;
  readonly #addresses: PodAddresses;
  readonly #listeners: PodListeners;
  readonly #logs: RunLogs;
  readonly #records = new Map<string, PodRecord>();
  readonly #plans = new Map<string, ProcessPlan>();
  readonly #processes = new Map<string, ContainerProcess>();
  /** Records that could not be written, by the container's name: to be written when there is room again. */
  readonly #unwritten = new Map<string, ContainerRecord>();
  /** What went wrong last with each container's log, so that it is told once. */
  readonly #logProblems = new Map<string, string>();
  #opened: Promise<"own" | "shared"> | undefined;
  #cancelLogCheck: Cancel = () => {};

  constructor(options: ProcessDriverOptions) {
    this.#options = options;
    this.#addresses = new PodAddresses(options.addresses);
    this.#listeners = new PodListeners(options.clock);
    this.#logs = options.logs ?? new RunLogs(options.clock);
  }

  async prepare(pod: Pod): Promise<PodNetwork> {
    const uid = pod.metadata.uid ?? "";
    const addressing = await this.#open();
    const known = this.#records.get(uid);
    if (known !== undefined) return known;
    const record = addressing === "own" ? this.#addresses.give(pod) : await sharedAddress(pod);
    this.#folder(uid).writePod(record);
    this.#records.set(uid, record);
    return record;
  }

  async pull(key: ContainerKey): Promise<string> {
    const { folder } = await this.#image(key);
    return `file://${folder}`;
  }

  async start(key: ContainerKey, run: number): Promise<RunningContainer> {
    const name = nameOf(key);
    const folder = this.#folder(uidOf(key));
    const logPath = folder.openLog(key.container, run);
    const plan = await this.#plan(key);
    this.#plans.set(name, plan);
    const id = `process://${randomUUID()}`;
    const container = await ContainerProcess.start(plan, { ...this.#place(key), id, run, logPath });
    try {
      folder.writeContainer(key.container, container.record);
    } catch (error) {
      // The next agent would know nothing of it.
      container.signal("SIGKILL");
      await container.exited;
      throw error;
    }
    this.#follow(key, container);
    return container;
  }

  async resume(key: ContainerKey): Promise<Earlier> {
    const known = this.#processes.get(nameOf(key));
    if (known !== undefined) return { is: "running", run: known.record.run, container: known };
    const mark = markFor(this.#cluster(), key);
    const record = this.#readContainer(uidOf(key), key.container);
    if (record === undefined) await this.#endStrays(isSame(mark));
    if (record === undefined) return { is: "unknown" };
    const { run, id, exit } = record;
    const running = exit === undefined ? ContainerProcess.adopt(record, this.#place(key)) : undefined;
    if (running !== undefined) {
      this.#follow(key, running);
      return { is: "running", run, container: running };
    }
    await this.#endStrays(isSame(mark));
    if (exit === undefined) return { is: "unknown" };
    return { is: "ended", run, id, exit: { ...exit, startedAt: instant(record.startedAt) } };
  }

  async check(key: ContainerKey, handler: Handler, timeoutSeconds: number): Promise<CheckResult> {
    const { clock } = this.#options;
    const { httpGet, tcpSocket, exec } = handler;
    try {
      if (httpGet !== undefined) {
        return await this.#checkAt(key, httpGet, (place) => checkHttp(clock, httpGet, place, timeoutSeconds));
      }
      if (tcpSocket !== undefined)
        return await this.#checkAt(key, tcpSocket, (place) => checkTcp(clock, place, timeoutSeconds));
      if (exec === undefined) return { healthy: false, message: "this kind of check is not known" };
      const plan = this.#plans.get(nameOf(key)) ?? (await this.#plan(key));
      this.#plans.set(nameOf(key), plan);
      const command = plan.view.command(exec.command ?? []);
      return await checkCommand(clock, { ...plan, command }, timeoutSeconds);
    } catch (error) {
      return { healthy: false, message: error instanceof Error ? error.message : String(error) };
    }
  }

  /** A server that listens for all addresses answers in the place of other pods, and keeps them from their port. */
  objectionTo(key: ContainerKey): Objection | undefined {
    const network = this.#records.get(uidOf(key));
    const running = this.#processes.get(nameOf(key));
    // Where pods share one address, each has ports of its own.
    if (running === undefined || network === undefined || network.portMap !== undefined) return undefined;
    const { PORT } = this.#plans.get(nameOf(key))?.environment ?? {};
    const declared = key.pod.spec.containers.flatMap(({ ports = [] }) => ports);
    const ports = new Set([...declared.map(({ containerPort }) => containerPort), Number(PORT)]);
    const taken = wildcardPortsOf(ports, () => running.pids());
    if (taken.length === 0) return undefined;
    const message =
      `Container ${key.container} listens on port ${taken.join(", ")} of all addresses, so it answers for other pods too ` +
      `and is not made ready: listen on the address in HOST (${network.podIp})`;
    return { reason: "ListensOnAllAddresses", message };
  }

  remarksOn(pod: Pod): readonly Remark[] {
    const ignored = ignoredFields(pod);
    if (ignored.length === 0) return [];
    const text = `The embedded cluster ignores ${ignored.join("; ")}`;
    const message = text.length <= longestRemark ? text : `${text.slice(0, longestRemark - 1)}…`;
    return [{ reason: "IgnoredFields", message }];
  }

  /** A program that is told another HOST than the pod's address listens where no Service leads. */
  remarksOnRunning(key: ContainerKey): readonly Remark[] {
    const network = this.#records.get(uidOf(key));
    const { HOST } = this.#plans.get(nameOf(key))?.environment ?? {};
    if (network === undefined || HOST === undefined || HOST === network.podIp) return [];
    const message =
      `Container ${key.container} is given HOST=${HOST} by its manifest or image. On the embedded cluster HOST is the pod's own ` +
      `address (${network.podIp}), on which the program should listen: leave HOST out, or take it from status.podIP`;
    return [{ reason: "HostIsSet", message }];
  }

  async remove(podUid: string): Promise<void> {
    await this.#open();
    const folder = this.#folder(podUid);
    await this.#endLeftovers(podUid);
    const record = this.#records.get(podUid);
    if (record !== undefined) this.#addresses.release(record);
    this.#records.delete(podUid);
    this.#listeners.forget(podUid);
    folder.remove();
    for (const map of [this.#plans, this.#unwritten, this.#logProblems])
      for (const name of map.keys()) if (name.startsWith(`${podUid}/`)) map.delete(name);
  }

  async removeAllBut(podUids: ReadonlySet<string>): Promise<void> {
    const gone = PodFolder.uids(this.#options.dataFolder).filter((uid) => !podUids.has(uid));
    await Promise.all(
      gone.map((uid) =>
        this.remove(uid).catch((error: unknown) =>
          this.#tell(`pod ${uid}, which is gone, leaves its folder`, error),
        ),
      ),
    );
  }

  followImages(listener: () => void): Cancel {
    return this.#options.images.follow(listener);
  }

  close(): void {
    this.#cancelLogCheck();
    for (const container of this.#processes.values()) container.release();
    this.#logs.release();
  }

  /** Reads once what an earlier agent has left, so that no address is given twice. */
  #open(): Promise<"own" | "shared"> {
    this.#opened ??= this.#readRecords();
    return this.#opened;
  }

  async #readRecords(): Promise<"own" | "shared"> {
    const { dataFolder, addresses, addressing } = this.#options;
    for (const uid of PodFolder.uids(dataFolder)) {
      try {
        const record = this.#inBlock(uid, this.#folder(uid).readPod());
        if (record === undefined) continue;
        this.#records.set(uid, record);
        this.#addresses.keep(record);
      } catch (error) {
        this.#tell(`pod ${uid} gets a new address`, error);
      }
    }
    this.#lookAfterFiles();
    if (addressing !== undefined) return addressing;
    return (await canListenOn(addresses.pod(0))) ? "own" : "shared";
  }

  /** The cluster may have had to leave the block in which the pod got its address. */
  #inBlock(podUid: string, record: PodRecord | undefined): PodRecord | undefined {
    if (record?.addressIndex === undefined) return record;
    const podIp = this.#options.addresses.pod(record.addressIndex);
    if (podIp === record.podIp) return record;
    const moved = { ...record, podIp };
    this.#folder(podUid).writePod(moved);
    return moved;
  }

  #follow(key: ContainerKey, container: ContainerProcess): void {
    const name = nameOf(key);
    this.#processes.set(name, container);
    const logPath = this.#folder(uidOf(key)).logPath(key.container, container.record.run);
    this.#logs.open(logPath);
    void container.exited.then(({ startedAt: _startedAt, ...exit }) => {
      this.#logs.close(logPath);
      if (this.#processes.get(name) !== container) return;
      this.#processes.delete(name);
      this.#unwritten.set(name, { ...container.record, exit });
      const problem = this.#writeUnwritten(name);
      if (problem !== undefined)
        this.#tell(`how container ${name} has ended is not written down yet`, problem);
    });
  }

  /** Ends what still runs in a pod's folder, asking first. */
  async #endLeftovers(podUid: string): Promise<void> {
    const { clock } = this.#options;
    const cluster = this.#cluster();
    const folder = this.#folder(podUid);
    const ends = folder.containers().map(async (name) => {
      const key = `${podUid}/${name}`;
      const record = this.#readContainer(podUid, name);
      const container =
        this.#processes.get(key) ??
        (record === undefined || record.exit !== undefined
          ? undefined
          : ContainerProcess.adopt(record, {
              mark: { cluster, podUid, container: name },
              clock,
              onProblem: this.#options.onProblem,
            }));
      this.#processes.delete(key);
      if (container === undefined) return;
      container.signal("SIGTERM");
      const cancel = clock.at(later(clock.now(), leftoverGraceSeconds), () => container.signal("SIGKILL"));
      await container.exited;
      cancel();
    });
    await Promise.all(ends);
    await this.#endStrays((mark) => mark.cluster === cluster && mark.podUid === podUid);
  }

  /** Ends processes that have outlived their container. */
  #endStrays(isStray: (mark: ContainerMark) => boolean): Promise<void> {
    return endMarked(isStray, leftoverGraceSeconds, this.#options.clock);
  }

  /** Now and then: no log grows for ever, and what could not be written is written. */
  #lookAfterFiles(): void {
    const { clock } = this.#options;
    for (const [name, { record }] of this.#processes) {
      const [uid = "", container = ""] = name.split("/");
      try {
        this.#logs.at(this.#folder(uid).logPath(container, record.run)).limit();
        this.#logProblems.delete(name);
      } catch (error) {
        const text = error instanceof Error ? error.message : String(error);
        if (this.#logProblems.get(name) === text) continue;
        this.#logProblems.set(name, text);
        this.#tell(`the older part of the log of container ${container} of pod ${uid} is lost`, error);
      }
    }
    for (const name of this.#unwritten.keys()) this.#writeUnwritten(name);
    this.#cancelLogCheck = clock.at(later(clock.now(), logCheckSeconds), () => this.#lookAfterFiles());
  }

  /** Answers why it could not be done. */
  #writeUnwritten(name: string): unknown {
    const record = this.#unwritten.get(name);
    const [uid = "", container = ""] = name.split("/");
    try {
      if (record !== undefined) this.#folder(uid).writeContainer(container, record);
      this.#unwritten.delete(name);
      return undefined;
    } catch (error) {
      return error;
    }
  }

  /** What is known of an earlier run; nothing when that cannot be read. */
  #readContainer(podUid: string, container: string): ContainerRecord | undefined {
    try {
      return this.#folder(podUid).readContainer(container);
    } catch (error) {
      this.#tell(`container ${container} of pod ${podUid} is started anew`, error);
      return undefined;
    }
  }

  #place(key: ContainerKey): ContainerPlace {
    const { clock, onProblem } = this.#options;
    return { mark: markFor(this.#cluster(), key), clock, onProblem };
  }

  #tell(what: string, error: unknown): void {
    this.#options.onProblem(`${what}: ${error instanceof Error ? error.message : String(error)}`);
  }

  async #image(key: ContainerKey): Promise<ResolvedImage> {
    const { image = "" } = containerOf(key);
    try {
      return await this.#options.images.resolve(image);
    } catch (error) {
      if (!(error instanceof ImageError)) throw error;
      throw new ContainerError("ErrImagePull", error.message, { cause: error });
    }
  }

  async #plan(key: ContainerKey): Promise<ProcessPlan> {
    const { client, hostIp } = this.#options;
    const { pod } = key;
    const container = containerOf(key);
    const image = await this.#image(key);
    const folder = join(image.root ?? image.folder, container.workingDir ?? image.workingDir);
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) {
      const message = `working directory ${folder} does not exist (workingDir is taken inside the image's folder)`;
      throw new ContainerError("CreateContainerError", message);
    }
    const home = join(this.#folder(uidOf(key)).path, container.name);
    const expansion = new Expansion();
    const base = baseEnvironment(home);
    const environment = await containerEnvironment({
      expansion,
      client,
      pod,
      container,
      network: await this.prepare(pod),
      hostIp,
      imageEnvironment: image.env,
      mark: markFor(this.#cluster(), key),
      base,
    });
    const view = viewOf(image, base["PATH"] ?? "");
    const words = commandOf(image, container).map((word) => expansion.expand(word, environment));
    return { command: view.command(words), folder, environment: view.variables(environment), view };
  }

  /** A place of the pod's own is answered for by the pod, or not at all. */
  async #checkAt(
    key: ContainerKey,
    asked: AskedPlace,
    check: (place: Place) => Promise<CheckResult>,
  ): Promise<CheckResult> {
    const place = this.#target(key, asked);
    if (isElsewhere(asked)) return check(place);
    const stranger = this.#strangerAt(key, place);
    if (stranger !== undefined) return { healthy: false, message: stranger };
    const result = await check(place);
    if (!result.healthy) return result;
    // Whoever came, or was left over, in between.
    const successor = this.#strangerAt(key, place);
    return successor === undefined ? result : { healthy: false, message: successor };
  }

  #strangerAt(key: ContainerKey, { host, port }: Place): string | undefined {
    const podUid = uidOf(key);
    const leaders = [...this.#processes].flatMap(([name, { record }]) =>
      name.startsWith(`${podUid}/`) ? [record.pid] : [],
    );
    const cluster = this.#cluster();
    const isOfPod = (mark: ContainerMark | undefined): boolean =>
      mark !== undefined && mark.cluster === cluster && mark.podUid === podUid;
    const all = (): readonly number[] =>
      allPids().filter((pid) => leaders.includes(groupOf(pid) ?? 0) || isOfPod(markOf(pid)));
    const answerer = this.#listeners.whoAnswers(podUid, host, port, { leaders, all });
    return typeof answerer === "object" ? `dial tcp ${host}:${port}: ${answerer.stranger}` : undefined;
  }

  #target(key: ContainerKey, asked: AskedPlace): Place {
    const { port } = asked;
    const network = this.#records.get(uidOf(key));
    const { ports = [] } = containerOf(key);
    const wanted =
      typeof port === "number"
        ? port
        : (ports.find(({ name }) => name === port)?.containerPort ?? Number(port));
    if (network === undefined || Number.isNaN(wanted)) {
      throw new Error(`container ${key.container} has no port "${port}"`);
    }
    if (isElsewhere(asked)) return { host: asked.host, port: wanted };
    return { host: network.podIp, port: network.portMap?.[wanted] ?? wanted };
  }

  #cluster(): string {
    return clusterOf(this.#options.dataFolder);
  }

  #folder(podUid: string): PodFolder {
    return new PodFolder(this.#options.dataFolder, podUid);
  }
}

function isElsewhere(asked: AskedPlace): asked is AskedPlace & { readonly host: string } {
  return asked.host !== undefined && asked.host !== "";
}

function isSame(mark: ContainerMark): (other: ContainerMark) => boolean {
  return (other) => isSameMark(mark, other);
}
