import type { Condition, ContainerStatus, Pod } from "../../../../api/core.ts";
import type { Instant } from "../../../../time/clock.ts";
import { ageOf } from "./age.ts";
import { none, orNone, printerOf } from "./cells.ts";

type PrintedPod = Pod & {
  readonly spec: { readonly readinessGates?: readonly { readonly conditionType: string }[] };
  readonly status?: { readonly nominatedNodeName?: string };
};

/** What the containers of a kind (init or main) say about the pod. */
interface ContainerSummary {
  readonly reason: string;
  readonly ready: number;
  readonly restarts: number;
  readonly lastRestart: string | undefined;
}

export const printPod = printerOf<PrintedPod>((pod, now) => {
  const summary = summarize(pod);
  const gates = pod.spec.readinessGates ?? [];
  const passed = gates.filter(({ conditionType }) => isTrue(pod, conditionType)).length;
  return [
    pod.metadata.name,
    `${summary.ready}/${pod.spec.containers.length}`,
    summary.reason,
    restartText(summary, now),
    ageOf(pod.metadata.creationTimestamp, now),
    orNone(pod.status?.podIPs?.[0]?.ip ?? pod.status?.podIP),
    orNone(pod.spec.nodeName),
    orNone(pod.status?.nominatedNodeName),
    gates.length === 0 ? none : `${passed}/${gates.length}`,
  ];
});

function restartText({ restarts, lastRestart }: ContainerSummary, now: Instant): string {
  return restarts > 0 && lastRestart !== undefined
    ? `${restarts} (${ageOf(lastRestart, now)} ago)`
    : `${restarts}`;
}

function summarize(pod: Pod): ContainerSummary {
  const phase = pod.status?.reason || pod.status?.phase || "";
  const reason = condition(pod, "PodScheduled")?.reason === "SchedulingGated" ? "SchedulingGated" : phase;
  const initializing = summarizeInit(pod);
  const summary =
    initializing === undefined || isTrue(pod, "Initialized") ? summarizeMain(pod, reason) : initializing;
  if (pod.metadata.deletionTimestamp === undefined) return summary;
  if (pod.status?.reason === "NodeLost") return { ...summary, reason: "Unknown" };
  const finished = pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
  return finished ? summary : { ...summary, reason: "Terminating" };
}

/** Undefined when no init container holds the pod up. */
function summarizeInit(pod: Pod): ContainerSummary | undefined {
  const statuses = pod.status?.initContainerStatuses ?? [];
  const current = statuses.findIndex(({ state }) => state?.terminated?.exitCode !== 0);
  const holding = statuses[current];
  if (holding === undefined) return undefined;
  const seen = statuses.slice(0, current + 1);
  const { terminated, waiting } = holding.state ?? {};
  const total = pod.spec.initContainers?.length ?? statuses.length;
  const why =
    terminated !== undefined
      ? `Init:${terminatedText(terminated)}`
      : waiting?.reason !== undefined && waiting.reason !== "" && waiting.reason !== "PodInitializing"
        ? `Init:${waiting.reason}`
        : `Init:${current}/${total}`;
  return { reason: why, ready: 0, ...restartsOf(seen) };
}

function summarizeMain(pod: Pod, phase: string): ContainerSummary {
  const statuses = pod.status?.containerStatuses ?? [];
  let reason = phase;
  let ready = 0;
  // The first container decides, so it comes last.
  for (const { state, ready: isReady } of [...statuses].reverse()) {
    if (state?.waiting?.reason) reason = state.waiting.reason;
    else if (state?.terminated !== undefined) reason = terminatedText(state.terminated);
    else if (isReady && state?.running !== undefined) ready += 1;
  }
  if (reason === "Completed" && ready > 0) reason = isTrue(pod, "Ready") ? "Running" : "NotReady";
  return { reason, ready, ...restartsOf(statuses) };
}

function restartsOf(
  statuses: readonly ContainerStatus[],
): Pick<ContainerSummary, "restarts" | "lastRestart"> {
  const finished = statuses.flatMap(({ lastState }) => lastState?.terminated?.finishedAt ?? []);
  return {
    restarts: statuses.reduce((sum, { restartCount }) => sum + restartCount, 0),
    lastRestart: finished.sort().at(-1),
  };
}

function terminatedText(state: {
  readonly reason?: string;
  readonly signal?: number;
  readonly exitCode: number;
}): string {
  if (state.reason) return state.reason;
  return state.signal ? `Signal:${state.signal}` : `ExitCode:${state.exitCode}`;
}

function condition(pod: Pod, type: string): Condition | undefined {
  return pod.status?.conditions?.find((each) => each.type === type);
}

function isTrue(pod: Pod, type: string): boolean {
  return condition(pod, type)?.status === "True";
}
