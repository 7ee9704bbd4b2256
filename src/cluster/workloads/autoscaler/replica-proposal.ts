import type { Pod } from "../../../api/core.ts";
import { quantityValue } from "../../../api/quantity.ts";
import { type Instant, later, parseTime } from "../../../time/clock.ts";
import type { MetricTarget } from "./horizontal-pod-autoscaler.ts";
import type { PodUsage } from "./usage-samples.ts";

/** What of the pods is measured, and what it should be. */
export interface Measured {
  /** `cpu`, `memory`. */
  readonly name: string;
  /** The one container that counts; all of the pod when absent. */
  readonly container?: string | undefined;
  readonly target: MetricTarget;
}

export interface Proposal {
  readonly replicas: number;
  /** Thousandths, on the average of the pods that were measured. */
  readonly averageValue: number;
  /** Percent of what the pods have requested. */
  readonly averageUtilization?: number | undefined;
}

/** Why no number of replicas can be told from a metric, in Kubernetes' words. */
export class NoProposal extends Error {}

// The defaults of kube-controller-manager: `--horizontal-pod-autoscaler-tolerance`, `-cpu-initialization-period` and
// `-initial-readiness-delay`.
const tolerance = 0.1;
const startingSeconds = 300;
const firstReadinessSeconds = 30;

type Values = ReadonlyMap<string, number>;

/**
 * How many replicas would bring the metric to its target. Pods that are starting or cannot be measured count so that they
 * hold the change back, never so that they turn it round.
 */
export function proposeReplicas(
  measured: Measured,
  replicas: number,
  pods: readonly Pod[],
  usage: ReadonlyMap<string, PodUsage>,
  now: Instant,
): Proposal {
  const { name, target } = measured;
  const values = valuesOf(measured, pods, usage);
  if (values.size === 0)
    throw new NoProposal(
      `unable to get metrics for resource ${name}: no metrics returned from resource metrics API`,
    );
  if (pods.length === 0) throw new NoProposal("no pods returned by selector while calculating replica count");
  const groups = groupsOf(name, pods, values, usage, now);
  const counted = new Map([...values].filter(([uid]) => groups.ready.has(uid)));
  if (counted.size === 0)
    throw new NoProposal("did not receive metrics for targeted pods (pods might be unready)");
  const wanted = wantedOf(measured, pods);
  const utilization = target.averageUtilization;
  const first = ratioOf(counted, wanted, utilization);
  const proposal = (result: number): Proposal => ({
    replicas: result,
    averageValue: first.averageValue,
    ...(utilization === undefined ? {} : { averageUtilization: first.utilization }),
  });
  const countsUnready = groups.unready.size > 0 && first.ratio > 1;
  if (!countsUnready && groups.missing.size === 0)
    return proposal(isWithinTolerance(first.ratio) ? replicas : Math.ceil(first.ratio * counted.size));
  const assumed = new Map(counted);
  for (const uid of groups.missing) {
    const full = (wanted.get(uid) ?? 0) * (utilization === undefined ? 1 : Math.max(100, utilization) / 100);
    if (first.ratio < 1) assumed.set(uid, full);
    else if (first.ratio > 1) assumed.set(uid, 0);
  }
  if (countsUnready) for (const uid of groups.unready) assumed.set(uid, 0);
  const { ratio } = ratioOf(assumed, wanted, utilization);
  const turnsRound = (first.ratio < 1 && ratio > 1) || (first.ratio > 1 && ratio < 1);
  if (isWithinTolerance(ratio) || turnsRound) return proposal(replicas);
  const result = Math.ceil(ratio * assumed.size);
  const contradicts = (ratio < 1 && result > replicas) || (ratio > 1 && result < replicas);
  return proposal(contradicts ? replicas : result);
}

function isWithinTolerance(ratio: number): boolean {
  return Math.abs(1 - ratio) <= tolerance;
}

/** By pod, thousandths. A pod with a container that was not measured is left out. */
function valuesOf(
  { name, container }: Measured,
  pods: readonly Pod[],
  usage: ReadonlyMap<string, PodUsage>,
): Values {
  const part = name === "cpu" || name === "memory" ? name : undefined;
  const values = new Map<string, number>();
  for (const { metadata, spec } of pods) {
    const { uid = "" } = metadata;
    const containers = usage.get(uid)?.containers;
    if (containers === undefined || part === undefined) continue;
    const wanted = container === undefined ? spec.containers.map((one) => one.name) : [container];
    if (!wanted.every((one) => containers[one] !== undefined)) continue;
    const counted = container === undefined ? Object.keys(containers) : wanted;
    values.set(
      uid,
      counted.reduce((sum, one) => sum + (containers[one]?.[part] ?? 0), 0),
    );
  }
  return values;
}

/** By pod, thousandths: what each has requested, or the same target for each. */
function wantedOf({ name, container, target }: Measured, pods: readonly Pod[]): Values {
  if (target.averageUtilization === undefined) {
    const value = thousandths(target.averageValue ?? "0");
    return new Map(pods.map(({ metadata }) => [metadata.uid ?? "", value]));
  }
  return new Map(pods.map((pod) => [pod.metadata.uid ?? "", requested(pod, name, container)]));
}

function requested({ metadata, spec }: Pod, name: string, container: string | undefined): number {
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
  const all = [...spec.containers, ...sidecars];
  const counted = container === undefined ? all : all.filter((one) => one.name === container);
  if (counted.length === 0)
    throw new NoProposal(`container ${container} not present in metrics for pod ${metadata.name}`);
  return counted.reduce((sum, one) => {
    const request = one.resources?.requests?.[name];
    if (request === undefined)
      throw new NoProposal(`missing request for ${name} in container ${one.name} of Pod ${metadata.name}`);
    return sum + thousandths(String(request));
  }, 0);
}

function thousandths(quantity: string): number {
  return Number((quantityValue(quantity) ?? 0n) / 1_000_000n);
}

function ratioOf(values: Values, wanted: Values, utilization: number | undefined) {
  let used = 0;
  let asked = 0;
  for (const [uid, value] of values) {
    used += value;
    asked += wanted.get(uid) ?? 0;
  }
  const averageValue = Math.floor(used / values.size);
  if (utilization === undefined) return { ratio: used / asked, averageValue, utilization: 0 };
  const percent = Math.floor((used * 100) / asked);
  return { ratio: percent / utilization, averageValue, utilization: percent };
}

function groupsOf(
  name: string,
  pods: readonly Pod[],
  values: Values,
  usage: ReadonlyMap<string, PodUsage>,
  now: Instant,
) {
  const groups = { ready: new Set<string>(), unready: new Set<string>(), missing: new Set<string>() };
  for (const pod of pods) {
    const { uid = "", deletionTimestamp } = pod.metadata;
    const phase = pod.status?.phase;
    if (deletionTimestamp !== undefined || phase === "Failed") continue;
    if (phase === "Pending") groups.unready.add(uid);
    else if (!values.has(uid)) groups.missing.add(uid);
    else if (name === "cpu" && isStarting(pod, usage.get(uid), now)) groups.unready.add(uid);
    else groups.ready.add(uid);
  }
  return groups;
}

/** Whether what the pod uses of the CPU says little about its load, because it has not been ready, or not for a whole window. */
function isStarting({ status }: Pod, usage: PodUsage | undefined, now: Instant): boolean {
  const ready = status?.conditions?.find(({ type }) => type === "Ready");
  const startedAt = parseTime(status?.startTime ?? "");
  const changedAt = parseTime(ready?.lastTransitionTime ?? "");
  if (ready === undefined || startedAt === undefined || changedAt === undefined) return true;
  const isUnready = ready.status === "False";
  if (later(startedAt, startingSeconds) <= now)
    return isUnready && later(startedAt, firstReadinessSeconds) > changedAt;
  return (
    isUnready || usage === undefined || usage.measuredAt < later(changedAt, Math.ceil(usage.windowSeconds))
  );
}
