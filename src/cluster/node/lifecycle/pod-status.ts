import type { ContainerStatus, Pod, PodCondition, PodStatus } from "../../../api/core.ts";
import { formatTime, formatTimeNotBefore, type Instant } from "../../../time/clock.ts";
import type { Objection, PodNetwork } from "../pod-driver.ts";
import { restartsAfter, roleOf } from "./restart-policy.ts";

export interface PodFacts {
  readonly pod: Pod;
  /** The status before: what has not changed keeps its times. */
  readonly before: PodStatus | undefined;
  readonly now: Instant;
  readonly hostIp: string;
  readonly network: PodNetwork | undefined;
  readonly initContainers: readonly ContainerStatus[];
  readonly containers: readonly ContainerStatus[];
  /** What holds containers back from being ready. */
  readonly objections: readonly Objection[];
  /** Why the pod as a whole has failed, if so. */
  readonly failure: WholeFailure | undefined;
}

/** Why a pod ends that its containers have not ended; as `status.reason` and `status.message`. */
export interface WholeFailure {
  readonly reason: string;
  readonly message: string;
}

/** Conditions that the node writes; all others belong to somebody else. */
const ownConditions = [
  "PodReadyToStartContainers",
  "Initialized",
  "Ready",
  "ContainersReady",
  "PodScheduled",
] as const;

/** A pod's status as the kubelet would write it, from what its containers do. */
export function podStatus(facts: PodFacts): PodStatus {
  const { before, now, network, initContainers, containers } = facts;
  const failure = facts.failure ?? failureBefore(before);
  const phase = podPhase(facts, failure !== undefined);
  const generation = facts.pod.metadata.generation;
  const observed = generation === undefined ? {} : { observedGeneration: generation };
  const verdicts = conditionVerdicts(facts, phase);
  const conditions = ownConditions.map((type): PodCondition => {
    const verdict = verdicts[type];
    const status = verdict === true || verdict === completedWell ? "True" : "False";
    const known = before?.conditions?.find((condition) => condition.type === type);
    const lastTransitionTime =
      known?.status === status && known.lastTransitionTime !== undefined
        ? known.lastTransitionTime
        : changeTime(type, status, now);
    return { type, status, lastTransitionTime, ...observed, ...(verdict === true ? {} : verdict) };
  });
  return {
    phase,
    ...observed,
    ...(phase === "Failed" ? failure : {}),
    hostIP: facts.hostIp,
    hostIPs: [{ ip: facts.hostIp }],
    startTime: before?.startTime ?? formatTime(now),
    ...(network === undefined ? {} : { podIP: network.podIp, podIPs: [{ ip: network.podIp }] }),
    conditions,
    ...(initContainers.length === 0 ? {} : { initContainerStatuses: initContainers }),
    containerStatuses: containers,
  };
}

/** One that an earlier agent has seen. */
function failureBefore(before: PodStatus | undefined): WholeFailure | undefined {
  if (before?.phase !== "Failed" || before.reason === undefined) return undefined;
  return { reason: before.reason, message: before.message ?? "" };
}

// Cut to the second, the time would be before the truth, and `minReadySeconds` would be counted short.
function changeTime(type: string, status: string, now: Instant): string {
  return type.endsWith("Ready") && status === "True" ? formatTimeNotBefore(now) : formatTime(now);
}

// The one condition that a pod keeps when it has done its work.
const completedWell = { reason: "PodCompleted" };

type Verdict = true | { readonly reason?: string; readonly message?: string };

function conditionVerdicts(facts: PodFacts, phase: string): Record<(typeof ownConditions)[number], Verdict> {
  const { network, initContainers, containers, objections } = facts;
  const incomplete = initContainers.filter((status) => !isInitialized(status, facts));
  const sidecars = initContainers.filter((status) => isSidecar(status, facts));
  const unready = [...sidecars, ...containers].filter(({ ready }) => !ready);
  const completed = { reason: "PodCompleted" };
  const hasEnded = phase === "Succeeded" || phase === "Failed";
  const containersReady: Verdict =
    phase === "Succeeded"
      ? completed
      : phase === "Failed"
        ? { reason: "PodFailed" }
        : unready.length === 0 || {
            reason: "ContainersNotReady",
            message: [`containers with unready status: ${names(unready)}`, ...objections.map(textOf)].join(
              "; ",
            ),
          };
  return {
    PodScheduled: true,
    PodReadyToStartContainers: (network !== undefined && !hasEnded) || {},
    Initialized:
      phase === "Succeeded"
        ? completedWell
        : incomplete.length === 0 || {
            reason: "ContainersNotInitialized",
            message: `containers with incomplete status: ${names(incomplete)}`,
          },
    ContainersReady: containersReady,
    Ready: containersReady === true ? gatesVerdict(facts.pod) : containersReady,
  };
}

function gatesVerdict(pod: Pod): Verdict {
  const closed = (pod.spec.readinessGates ?? []).flatMap(({ conditionType }) => {
    const condition = pod.status?.conditions?.find(({ type }) => type === conditionType);
    if (condition?.status === "True") return [];
    return condition === undefined
      ? [`corresponding condition of pod readiness gate "${conditionType}" does not exist.`]
      : [`the status of pod readiness gate "${conditionType}" is not "True", but ${condition.status}`];
  });
  return closed.length === 0 || { reason: "ReadinessGatesNotReady", message: closed.join(", ") };
}

function isSidecar({ name }: ContainerStatus, { pod }: PodFacts): boolean {
  const container = pod.spec.initContainers?.find((each) => each.name === name);
  return container !== undefined && roleOf(container) === "sidecar";
}

function isInitialized(status: ContainerStatus, facts: PodFacts): boolean {
  if (!isSidecar(status, facts)) return status.state?.terminated?.exitCode === 0;
  // One that has ended with the pod had started.
  return status.started === true || status.state?.terminated !== undefined;
}

function podPhase(facts: PodFacts, hasFailed: boolean): string {
  const { pod, containers } = facts;
  const initContainers = facts.initContainers.filter((status) => !isSidecar(status, facts));
  const isRunning = [...facts.initContainers, ...containers].some(
    ({ state }) => state?.running !== undefined,
  );
  if (hasFailed) return isRunning ? (facts.before?.phase ?? "Running") : "Failed";
  const policy = pod.spec.restartPolicy ?? "Always";
  const isOver = (role: "init" | "main") => (status: ContainerStatus) => {
    const exitCode = status.state?.terminated?.exitCode;
    return exitCode !== undefined && !restartsAfter(exitCode, policy, role);
  };
  if (initContainers.filter(isOver("init")).some(({ state }) => state?.terminated?.exitCode !== 0)) {
    return isRunning ? "Pending" : "Failed";
  }
  if (containers.every(isOver("main")) && isRunning) return "Running";
  if (containers.every(isOver("main"))) {
    return containers.every(({ state }) => state?.terminated?.exitCode === 0) ? "Succeeded" : "Failed";
  }
  const hasBegun = containers.every(
    ({ state, lastState }) =>
      state?.running !== undefined || state?.terminated !== undefined || lastState?.terminated !== undefined,
  );
  return hasBegun ? "Running" : "Pending";
}

function textOf({ reason, message }: Objection): string {
  return `${reason}: ${message}`;
}

function names(containers: readonly ContainerStatus[]): string {
  return `[${containers.map(({ name }) => name).join(" ")}]`;
}
