import type { KubernetesObject, LabelSelector, Pod } from "../../api/core.ts";
import { selects } from "../../api/label-selector.ts";
import { quantityValue } from "../../api/quantity.ts";

/** What of a Node decides which pods it takes. */
export interface NodeObject extends KubernetesObject {
  readonly spec?: { readonly unschedulable?: boolean; readonly taints?: readonly Taint[] };
  readonly status?: { readonly allocatable?: Readonly<Record<string, string>> };
}

interface Taint {
  readonly key: string;
  readonly value?: string;
  readonly effect: string;
}

interface Toleration {
  readonly key?: string;
  readonly operator?: string;
  readonly value?: string;
  readonly effect?: string;
}

interface Requirement {
  readonly key: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

interface AffinityTerm {
  readonly topologyKey?: string;
  readonly labelSelector?: LabelSelector;
  readonly namespaces?: readonly string[];
}

interface Required<T> {
  readonly requiredDuringSchedulingIgnoredDuringExecution?: T;
}

interface Placement {
  readonly schedulerName?: string;
  readonly schedulingGates?: readonly { readonly name: string }[];
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly tolerations?: readonly Toleration[];
  readonly affinity?: {
    readonly nodeAffinity?: Required<{
      readonly nodeSelectorTerms: readonly {
        readonly matchExpressions?: readonly Requirement[];
        readonly matchFields?: readonly Requirement[];
      }[];
    }>;
    readonly podAffinity?: Required<readonly AffinityTerm[]>;
    readonly podAntiAffinity?: Required<readonly AffinityTerm[]>;
  };
}

/** Why a pod is left unplaced; `reason` and `message` are those of its PodScheduled condition. */
export interface Obstacle {
  readonly reason: "Unschedulable" | "SchedulingGated";
  readonly message: string;
}

const unhelpful = "1 Preemption is not helpful for scheduling.";
const noVictims = "1 No preemption victims found for incoming pod.";
const cordon: Taint = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" };

/** Whether somebody else than the node is asked to place the pod. */
export function isForOtherScheduler({ spec }: Pod): boolean {
  const { schedulerName = "default-scheduler" } = spec as Placement;
  return schedulerName !== "default-scheduler";
}

/**
 * What keeps the pod off the cluster's only node, in the words of Kubernetes' scheduler v1.34; undefined when nothing does.
 * What pods request is compared with all that the node has, each pod for itself: processes share the machine, and requests
 * reserve nothing. `others` are the pods that are on the node.
 */
export function whyNotHere(
  pod: Pod,
  node: NodeObject | undefined,
  others: readonly Pod[],
): Obstacle | undefined {
  const placement = pod.spec as Placement;
  if ((placement.schedulingGates ?? []).length > 0)
    return {
      reason: "SchedulingGated",
      message: "Scheduling is blocked due to non-empty scheduling gates",
    };
  const claim = missingClaim(pod);
  if (claim !== undefined) return unschedulable(claim);
  // Before the node is known it has neither labels nor taints.
  if (node === undefined) return undefined;
  const { unschedulable: isCordoned = false, taints = [] } = node.spec ?? {};
  if (isCordoned && !isTolerated(cordon, placement)) return never("node(s) were unschedulable");
  if (taints.some((taint) => keepsOff(taint) && !isTolerated(taint, placement)))
    return never("node(s) had untolerated taint(s)");
  if (!isSelected(node, placement)) return never("node(s) didn't match Pod's node affinity/selector");
  if (hasTakenPort(pod, others)) return later("node(s) didn't have free ports for the requested pod ports");
  const lacking = lackingOf(pod, node.status?.allocatable);
  if (lacking.length > 0) return never(...lacking.map((name) => `Insufficient ${name}`));
  const { podAffinity, podAntiAffinity } = placement.affinity ?? {};
  const isNear = ({ labelSelector, namespaces = [] }: AffinityTerm, other: Pod): boolean => {
    const wanted = namespaces.length === 0 ? [pod.metadata.namespace ?? ""] : namespaces;
    const isWanted = labelSelector !== undefined && selects(labelSelector, other.metadata.labels);
    return isWanted && wanted.includes(other.metadata.namespace ?? "");
  };
  const near = podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  // A node without the label belongs to no such place: nobody is near there, and nobody is in the way.
  const isPlace = ({ topologyKey = "" }: AffinityTerm): boolean =>
    node.metadata.labels?.[topologyKey] !== undefined;
  // The first of pods that want to be together has nobody to be with yet.
  if (!near.every((term) => isPlace(term) && [...others, pod].some((other) => isNear(term, other))))
    return never("node(s) didn't match pod affinity rules");
  const far = podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  if (far.some((term) => isPlace(term) && others.some((other) => isNear(term, other))))
    return later("node(s) didn't match pod anti-affinity rules");
  return undefined;
}

/** Whether a pod is for this node by its selectors, and tolerates the node's taints of these effects and its cordon. */
export function suits(pod: Pod, node: NodeObject, effects: readonly string[]): boolean {
  const placement = pod.spec as Placement;
  const { unschedulable: isCordoned = false, taints = [] } = node.spec ?? {};
  const all = isCordoned ? [...taints, cordon] : taints;
  return (
    isSelected(node, placement) &&
    all.every((taint) => !effects.includes(taint.effect) || isTolerated(taint, placement))
  );
}

function unschedulable(why: string): Obstacle {
  return { reason: "Unschedulable", message: `0/1 nodes are available: ${why}` };
}

/** What no other pod's end would change. */
function never(...reasons: readonly string[]): Obstacle {
  return because(reasons, unhelpful);
}

function later(...reasons: readonly string[]): Obstacle {
  return because(reasons, noVictims);
}

function because(reasons: readonly string[], preemption: string): Obstacle {
  const text = reasons.map((reason) => `1 ${reason}`).join(", ");
  return unschedulable(
    `${text}. no new claims to deallocate, preemption: 0/1 nodes are available: ${preemption}`,
  );
}

function keepsOff({ effect }: Taint): boolean {
  return effect === "NoSchedule" || effect === "NoExecute";
}

function isTolerated(taint: Taint, { tolerations = [] }: Placement): boolean {
  return tolerations.some(({ key = "", operator = "Equal", value = "", effect = "" }) => {
    if (effect !== "" && effect !== taint.effect) return false;
    if (key === "" ? operator !== "Exists" : key !== taint.key) return false;
    return operator === "Exists" || value === (taint.value ?? "");
  });
}

function isSelected({ metadata }: NodeObject, { nodeSelector = {}, affinity }: Placement): boolean {
  const { labels = {}, name } = metadata;
  if (!selects({ matchLabels: nodeSelector }, labels)) return false;
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  if (required === undefined) return true;
  return required.nodeSelectorTerms.some(({ matchExpressions = [], matchFields = [] }) => {
    // A term that says nothing takes no node.
    if (matchExpressions.length + matchFields.length === 0) return false;
    return (
      matchExpressions.every((one) =>
        isMet(one, Object.hasOwn(labels, one.key) ? labels[one.key] : undefined),
      ) && matchFields.every((one) => isMet(one, one.key === "metadata.name" ? name : undefined))
    );
  });
}

function isMet({ operator, values = [] }: Requirement, value: string | undefined): boolean {
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    case "Gt":
      return value !== undefined && Number(value) > Number(values[0]);
    case "Lt":
      return value !== undefined && Number(value) < Number(values[0]);
    default:
      return false;
  }
}

interface HostPort {
  readonly hostPort?: number;
  readonly hostIP?: string;
  readonly protocol?: string;
}

function hasTakenPort(pod: Pod, others: readonly Pod[]): boolean {
  const wanted = hostPortsOf(pod);
  if (wanted.length === 0) return false;
  const taken = others.flatMap(hostPortsOf);
  const isEvery = (ip: string) => ip === "" || ip === "0.0.0.0";
  return wanted.some(({ hostPort, hostIP = "", protocol = "TCP" }) =>
    taken.some(
      (other) =>
        other.hostPort === hostPort &&
        (other.protocol ?? "TCP") === protocol &&
        (isEvery(hostIP) || isEvery(other.hostIP ?? "") || hostIP === other.hostIP),
    ),
  );
}

function hostPortsOf({ spec }: Pod): readonly HostPort[] {
  const ports: readonly HostPort[] = spec.containers.flatMap(({ ports: own }) => own ?? []);
  return ports.filter(({ hostPort = 0 }) => hostPort !== 0);
}

/** The resources of which the pod alone requests more than the node has. */
function lackingOf({ spec }: Pod, allocatable: Readonly<Record<string, string>> | undefined): string[] {
  if (allocatable === undefined) return [];
  const sums = new Map<string, bigint>();
  for (const { resources } of spec.containers)
    for (const [name, amount] of Object.entries(resources?.requests ?? {}))
      sums.set(name, (sums.get(name) ?? 0n) + (quantityValue(String(amount)) ?? 0n));
  for (const { resources } of spec.initContainers ?? [])
    for (const [name, amount] of Object.entries(resources?.requests ?? {})) {
      const value = quantityValue(String(amount)) ?? 0n;
      if (value > (sums.get(name) ?? 0n)) sums.set(name, value);
    }
  return [...sums]
    .filter(([name, sum]) => {
      // The node does not say how much disk it has.
      if (name === "ephemeral-storage" && allocatable[name] === undefined) return false;
      return sum > (quantityValue(allocatable[name] ?? "0") ?? 0n);
    })
    .map(([name]) => name)
    .toSorted();
}

/** Pods that claim storage wait for ever, as they do where nobody provides any; undefined for a pod that claims none. */
function missingClaim({ spec }: Pod): string | undefined {
  const claims = (spec.volumes ?? []).flatMap(({ name, persistentVolumeClaim, ephemeral }) =>
    persistentVolumeClaim !== undefined
      ? [persistentVolumeClaim.claimName]
      : ephemeral !== undefined
        ? [name]
        : [],
  );
  const [first] = claims;
  return first === undefined
    ? undefined
    : `persistentvolumeclaim "${first}" has no volume. The embedded cluster has no persistent volumes: use emptyDir, or hostPath for what outlives the pod.`;
}
