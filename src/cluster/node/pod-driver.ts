import type { Pod, Probe } from "../../api/core.ts";
import type { Cancel, Instant } from "../../time/clock.ts";

/** One container of a pod, ordinary or init, by its name in the pod's spec. */
export interface ContainerKey {
  readonly pod: Pod;
  readonly container: string;
}

export interface PodNetwork {
  readonly podIp: string;
  /** Real port for each container port, where the pod has no address of its own. */
  readonly portMap?: Readonly<Record<string, number>>;
}

export interface ContainerExit {
  readonly exitCode: number;
  readonly signal?: number;
  /** `Completed`, `Error`, `StartError`, `ContainerStatusUnknown`. */
  readonly reason: string;
  readonly message?: string;
  readonly startedAt: Instant;
  readonly finishedAt: Instant;
}

/** A started container. */
export interface RunningContainer {
  /** As in `containerStatuses[].containerID`. */
  readonly id: string;
  readonly startedAt: Instant;
  /** Resolves once, when the container has ended; never rejects. */
  readonly exited: Promise<ContainerExit>;
  /** Asks the container to end (`SIGTERM`) or ends it (`SIGKILL`); nothing happens when it has ended. Never throws. */
  signal(name: "SIGTERM" | "SIGKILL"): void;
  /** Present when the driver itself knows readiness, so that no readiness probe is made. Tells the state at once and each change. */
  followReadiness?(listener: (ready: boolean) => void): Cancel;
}

/** What became of a container that an earlier agent started. */
export type Earlier =
  | { readonly is: "running"; readonly run: number; readonly container: RunningContainer }
  | { readonly is: "ended"; readonly run: number; readonly id: string; readonly exit: ContainerExit }
  | { readonly is: "unknown" };

export type Handler = Pick<Probe, "httpGet" | "tcpSocket" | "exec" | "grpc">;

/** `message` is worded to follow `Readiness probe failed: `. */
export type CheckResult = { readonly healthy: true } | { readonly healthy: false; readonly message: string };

/** Why a container must not serve although its probes pass; for an event and the pod's conditions. */
export interface Objection {
  readonly reason: string;
  readonly message: string;
}

/** What a manifest asks for and is otherwise here; for an event. */
export type Remark = Objection;

/** What a container's processes have used since they began, and the memory that they hold. */
export interface ContainerUsage {
  readonly container: string;
  readonly cpuSeconds: number;
  readonly memoryBytes: number;
}

/** Why a volume of the pod is not there yet. */
export interface VolumeProblem {
  readonly volume: string;
  readonly message: string;
}

/**
 * How pods really run: as processes of this machine, or simulated. Life-cycle rules are not a driver's business. What a driver
 * throws, whatever it is, concerns the one container it was asked about, and is shown and tried again there.
 */
export interface PodDriver {
  /** Name and version for `nodeInfo.containerRuntimeVersion`. */
  readonly runtime: string;
  /** Gives the pod its address; the same one when called again for the same pod. */
  prepare(pod: Pod): Promise<PodNetwork>;
  /** Makes the pod's volumes, before anything else of it; answers which are not there, and is asked again later. */
  setUpVolumes?(pod: Pod): Promise<readonly VolumeProblem[]>;
  /** Calls `listener` when what a volume of the pod needs may have come. */
  followVolumes?(pod: Pod, listener: () => void): Cancel;
  /** Finds the container's image and answers its id; throws `ContainerError` with reason `ErrImagePull`. */
  pull(key: ContainerKey): Promise<string>;
  /** Starts the n-th run, n from 0; throws `ContainerError`. */
  start(key: ContainerKey, run: number): Promise<RunningContainer>;
  /** Looks for the container as an earlier agent left it. */
  resume(key: ContainerKey): Promise<Earlier>;
  /** Makes one probe or runs one hook. Never rejects: a check that cannot be made is unhealthy. */
  check(key: ContainerKey, handler: Handler, timeoutSeconds: number): Promise<CheckResult>;
  /** Looks whether the running container does what its neighbours suffer from, where the driver can tell. */
  objectionTo?(key: ContainerKey): Objection | undefined;
  /** What of the pod's manifest does not happen here. */
  remarksOn?(pod: Pod): readonly Remark[];
  /** What of the container, which runs, is not as its author will have meant it. */
  remarksOnRunning?(key: ContainerKey): readonly Remark[];
  /** Of each container of the pod that runs; nothing where that cannot be measured. */
  usageOf?(pod: Pod): readonly ContainerUsage[];
  /** The pod's object has changed. */
  podChanged?(pod: Pod): void;
  /** Forgets an ended pod: address, files. */
  remove(podUid: string): Promise<void>;
  /** Ends and forgets everything of pods not in `podUids`. */
  removeAllBut(podUids: ReadonlySet<string>): Promise<void>;
  /** Calls `listener` when an image may have become available. */
  followImages(listener: () => void): Cancel;
  /** Lets go of timers and files; running containers stay. */
  close(): void;
}

/** Why a container cannot run, in the kubelet's words: `reason` is what `containerStatuses[].state.waiting` shows. */
export class ContainerError extends Error {
  readonly reason:
    | "ErrImagePull"
    | "InvalidImageName"
    | "CreateContainerConfigError"
    | "CreateContainerError"
    | "RunContainerError";

  constructor(reason: ContainerError["reason"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ContainerError";
    this.reason = reason;
  }
}
