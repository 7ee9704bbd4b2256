import type { Condition, KubernetesObject } from "../../api/core.ts";
import { formatTime, type Instant } from "../../time/clock.ts";

export interface NodeFacts {
  readonly name: string;
  readonly address: string;
  readonly runtime: string;
  readonly version: string;
  readonly machine: {
    /** Kubernetes' words: `amd64`, `arm64`. */
    readonly architecture: string;
    readonly operatingSystem: string;
    readonly kernelVersion: string;
    readonly osImage: string;
    readonly cpus: number;
    readonly memoryBytes: number;
  };
}

const podCapacity = 1000;

/** The Node object without its status. */
export function nodeObject({ name, machine }: NodeFacts): KubernetesObject {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      labels: {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": machine.operatingSystem,
        "kubernetes.io/arch": machine.architecture,
      },
    },
  };
}

/** The Node's status; `readySince` is when this agent began. */
export function nodeStatus(facts: NodeFacts, now: Instant, readySince: Instant): object {
  const { machine } = facts;
  const amounts = {
    cpu: String(machine.cpus),
    memory: `${Math.floor(machine.memoryBytes / 1024)}Ki`,
    pods: String(podCapacity),
  };
  const condition = (
    type: string,
    status: string,
    reason: string,
    message: string,
  ): Condition & { lastHeartbeatTime: string } => ({
    type,
    status,
    reason,
    message,
    lastHeartbeatTime: formatTime(now),
    lastTransitionTime: formatTime(readySince),
  });
  return {
    capacity: amounts,
    allocatable: amounts,
    addresses: [
      { type: "InternalIP", address: facts.address },
      { type: "Hostname", address: facts.name },
    ],
    conditions: [
      condition(
        "MemoryPressure",
        "False",
        "KubeletHasSufficientMemory",
        "kubelet has sufficient memory available",
      ),
      condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
      condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
      condition("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
    ],
    nodeInfo: {
      architecture: machine.architecture,
      operatingSystem: machine.operatingSystem,
      kernelVersion: machine.kernelVersion,
      osImage: machine.osImage,
      containerRuntimeVersion: facts.runtime,
      kubeletVersion: facts.version,
      kubeProxyVersion: facts.version,
      machineID: "",
      systemUUID: "",
      bootID: "",
    },
  };
}
