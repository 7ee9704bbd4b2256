import { randomUUID } from "node:crypto";
import type { Pod } from "../../../api/core.ts";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import { type Cancel, type Clock, instant, later } from "../../../time/clock.ts";
import type { Addresses } from "../../addresses.ts";
import type { ImageStore } from "../images/image-store.ts";
import { RunLogs } from "../logs/run-log.ts";
import type {
  CheckResult,
  ContainerKey,
  ContainerUsage,
  Earlier,
  Handler,
  Objection,
  PodDriver,
  PodNetwork,
  Remark,
  RunningContainer,
  VolumeProblem,
} from "../pod-driver.ts";
import { besideProcess, type RootPermission } from "../root/private-root.ts";
import { PodVolumes } from "../volumes/pod-volumes.ts";
import { Cgroup, type Limits, limitsOf } from "./cgroup.ts";
import { containerOf, markFor, nameOf, uidOf } from "./container-key.ts";
import { type ContainerMark, clusterOf, endMarked, isSameMark } from "./container-mark.ts";
import { ContainerPlans, type ContainerSurroundings } from "./container-plans.ts";
import { type ContainerPlace, ContainerProcess, type ProcessPlan } from "./container-process.ts";
import { ignoredFields } from "./ignored-fields.ts";
import { canListenOn, PodAddresses, sharedAddress } from "./pod-addresses.ts";
import { PodChecks } from "./pod-checks.ts";
import { type ContainerRecord, PodFolder, type PodRecord } from "./pod-folder.ts";
import { type ProcessUsage, usageOf } from "./proc-files.ts";
import { ServiceVariables } from "./service-variables.ts";
import { terminationMessage } from "./termination-message.ts";

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
  /** Whether containers may have roots of their own; found out when absent. */
  readonly roots?: RootPermission;
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
  readonly #logs: RunLogs;
  readonly #records = new Map<string, PodRecord>();
  readonly #plans: ContainerPlans;
  readonly #services: ServiceVariables;
  readonly #volumes: PodVolumes;
  readonly #checks: PodChecks;
  /** How each container was started. */
  readonly #started = new Map<string, ProcessPlan>();
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
    this.#logs = options.logs ?? new RunLogs(options.clock);
    this.#services = new ServiceVariables(options);
    this.#volumes = new PodVolumes({ ...options, folderOf: (uid) => this.#folder(uid).volumesPath });
    this.#plans = new ContainerPlans({
      ...options,
      services: this.#services,
      placeOfVolume: ({ pod }, name) => this.#volumes.placeOf(pod, name),
    });
    this.#checks = new PodChecks({
      clock: options.clock,
      recordOf: (uid) => this.#records.get(uid),
      processes: this.#processes,
      planBeside: (key, command) => this.planBeside(key, command),
      portOf: (key) => this.#started.get(nameOf(key))?.environment["PORT"],
      cluster: () => this.#cluster(),
    });
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

  setUpVolumes(pod: Pod): Promise<readonly VolumeProblem[]> {
    return this.#volumes.setUp(pod);
  }

  followVolumes(pod: Pod, listener: () => void): Cancel {
    return this.#volumes.follow(pod, listener);
  }

  podChanged(pod: Pod): void {
    this.#volumes.podChanged(pod);
  }

  async pull(key: ContainerKey): Promise<string> {
    const { folder } = await this.#plans.image(key);
    return `file://${folder}`;
  }

  async start(key: ContainerKey, run: number): Promise<RunningContainer> {
    const name = nameOf(key);
    const folder = this.#folder(uidOf(key));
    const logPath = folder.openLog(key.container, run);
    const plan = await this.#plans.planOf(key, run, await this.#surroundings(key));
    this.#started.set(name, plan);
    const id = `process://${randomUUID()}`;
    const cgroup = cgroupOf(key);
    const container = await ContainerProcess.start(plan, { ...this.#place(key), id, run, logPath, cgroup });
    if (cgroup !== undefined) void container.exited.then(() => cgroup.remove());
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

  check(key: ContainerKey, handler: Handler, timeoutSeconds: number): Promise<CheckResult> {
    return this.#checks.check(key, handler, timeoutSeconds);
  }

  objectionTo(key: ContainerKey): Objection | undefined {
    return this.#checks.objectionTo(key);
  }

  /** How a command is started beside the container: with what the container itself has and sees. */
  async planBeside(key: ContainerKey, command: readonly string[]): Promise<ProcessPlan> {
    const known = await this.#planOf(key);
    const plan = { ...known, command: known.view.command(command) };
    const running = this.#processes.get(nameOf(key));
    const roots = await this.#plans.roots();
    const { wrapped: _own, ...bare } = plan;
    if (running === undefined || roots === "none") return bare;
    return { ...bare, folder: "/", ...besideProcess(roots, running.record.pid, plan) };
  }

  usageOf(pod: Pod): readonly ContainerUsage[] {
    const all = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
    return all.flatMap(({ name }) => {
      const running = this.#processes.get(nameOf({ pod, container: name }));
      const uses = running?.pids().flatMap((pid) => usageOf(pid) ?? []) ?? [];
      if (uses.length === 0) return [];
      const sum = (part: keyof ProcessUsage): number => uses.reduce((total, use) => total + use[part], 0);
      return [{ container: name, cpuSeconds: sum("cpuSeconds"), memoryBytes: sum("memoryBytes") }];
    });
  }

  remarksOn(pod: Pod): readonly Remark[] {
    const limited = pod.spec.containers.find((container) => hasLimits(limitsOf(container)));
    const areLimitsKept = limited !== undefined && this.#cgroupIsPermitted({ pod, container: limited.name });
    const ignored = ignoredFields(pod, areLimitsKept);
    if (ignored.length === 0) return [];
    const text = `The embedded cluster ignores ${ignored.join("; ")}`;
    const message = text.length <= longestRemark ? text : `${text.slice(0, longestRemark - 1)}…`;
    return [{ reason: "IgnoredFields", message }];
  }

  /** A program that is told another HOST than the pod's address listens where no Service leads. */
  remarksOnRunning(key: ContainerKey): readonly Remark[] {
    const network = this.#records.get(uidOf(key));
    const { HOST } = this.#started.get(nameOf(key))?.environment ?? {};
    if (network === undefined || HOST === undefined || HOST === network.podIp) return [];
    const message =
      `Container ${key.container} is given HOST=${HOST} by its manifest or image. On the embedded cluster HOST is the pod's own ` +
      `address (${network.podIp}), on which the program should listen: leave HOST out, or take it from status.podIP`;
    return [{ reason: "HostIsSet", message }];
  }

  #cgroupIsPermitted(key: ContainerKey): boolean {
    const group = cgroupOf(key);
    group?.remove();
    return group !== undefined;
  }

  async remove(podUid: string): Promise<void> {
    await this.#open();
    const folder = this.#folder(podUid);
    await this.#endLeftovers(podUid);
    const record = this.#records.get(podUid);
    if (record !== undefined) this.#addresses.release(record);
    this.#records.delete(podUid);
    this.#checks.forget(podUid);
    this.#volumes.forget(podUid);
    // Also of containers that did not start, or that an earlier agent has started.
    for (const container of folder.containers()) Cgroup.remove(cgroupName(podUid, container));
    folder.remove();
    for (const map of [this.#started, this.#unwritten, this.#logProblems])
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
    this.#services.close();
    this.#volumes.close();
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
    const folder = this.#folder(uidOf(key));
    const endMessage = (run: number, exitCode: number): string | undefined =>
      terminationMessage(containerOf(key), exitCode, {
        terminationLog: folder.terminationLogPath(key.container, run),
        log: folder.logPath(key.container, run),
      });
    return { mark: markFor(this.#cluster(), key), clock, onProblem, endMessage };
  }

  #tell(what: string, error: unknown): void {
    this.#options.onProblem(`${what}: ${error instanceof Error ? error.message : String(error)}`);
  }

  /** As it was started; worked out anew where another agent did that. */
  async #planOf(key: ContainerKey): Promise<ProcessPlan> {
    const known = this.#started.get(nameOf(key));
    if (known !== undefined) return known;
    const { plan } = await this.#plans.programOf(key, await this.#surroundings(key));
    this.#started.set(nameOf(key), plan);
    return plan;
  }

  async #surroundings(key: ContainerKey): Promise<ContainerSurroundings> {
    return {
      network: await this.prepare(key.pod),
      folder: this.#folder(uidOf(key)),
      mark: markFor(this.#cluster(), key),
    };
  }

  #cluster(): string {
    return clusterOf(this.#options.dataFolder);
  }

  #folder(podUid: string): PodFolder {
    return new PodFolder(this.#options.dataFolder, podUid);
  }
}

/** The kernel's limits for the container; undefined for one without limits, or where they are not permitted. */
function cgroupOf(key: ContainerKey): Cgroup | undefined {
  const limits = limitsOf(containerOf(key));
  return hasLimits(limits) ? Cgroup.make(cgroupName(uidOf(key), key.container), limits) : undefined;
}

function cgroupName(podUid: string, container: string): string {
  return `${podUid}.${container}`;
}

function hasLimits({ memoryBytes, cpus }: Limits): boolean {
  return memoryBytes !== undefined || cpus !== undefined;
}

function isSame(mark: ContainerMark): (other: ContainerMark) => boolean {
  return (other) => isSameMark(mark, other);
}
