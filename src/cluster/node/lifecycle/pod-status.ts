import type { Condition, ContainerStatus, Pod, PodStatus } from "../../../api/core.ts";
import { formatTime, formatTimeNotBefore, type Instant } from "../../../time/clock.ts";
import type { Objection, PodNetwork } from "../pod-driver.ts";
import { restartsAfter } from "./restart-policy.ts";

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
  const phase = podPhase(facts);
  const verdicts = conditionVerdicts(facts, phase);
  const conditions = ownConditions.map((type): Condition => {
    const verdict = verdicts[type];
    const status = verdict === true ? "True" : "False";
    const known = before?.conditions?.find((condition) => condition.type === type);
    const lastTransitionTime =
      known?.status === status && known.lastTransitionTime !== undefined
        ? known.lastTransitionTime
        : changeTime(type, status, now);
    return { type, status, lastTransitionTime, ...(verdict === true ? {} : verdict) };
  });
  return {
    phase,
    hostIP: facts.hostIp,
    startTime: before?.startTime ?? formatTime(now),
    ...(network === undefined ? {} : { podIP: network.podIp, podIPs: [{ ip: network.podIp }] }),
    conditions,
    ...(initContainers.length === 0 ? {} : { initContainerStatuses: initContainers }),
    containerStatuses: containers,
  };
}

// Cut to the second, the time would be before the truth, and `minReadySeconds` would be counted short.
function changeTime(type: string, status: string, now: Instant): string {
  return type.endsWith("Ready") && status === "True" ? formatTimeNotBefore(now) : formatTime(now);
}

type Verdict = true | { readonly reason?: string; readonly message?: string };

function conditionVerdicts(facts: PodFacts, phase: string): Record<(typeof ownConditions)[number], Verdict> {
  const { network, initContainers, containers, objections } = facts;
  const incomplete = initContainers.filter(({ state }) => state?.terminated?.exitCode !== 0);
  const unready = containers.filter(({ ready }) => !ready);
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
        ? completed
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

function podPhase({ pod, initContainers, containers }: PodFacts): string {
  const policy = pod.spec.restartPolicy ?? "Always";
  const isOver = (role: "init" | "main") => (status: ContainerStatus) => {
    const exitCode = status.state?.terminated?.exitCode;
    return exitCode !== undefined && !restartsAfter(exitCode, policy, role);
  };
  if (initContainers.filter(isOver("init")).some(({ state }) => state?.terminated?.exitCode !== 0)) {
    return "Failed";
  }
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
