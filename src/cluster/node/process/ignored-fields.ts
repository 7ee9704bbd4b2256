import { availableParallelism, totalmem } from "node:os";
import type { Pod } from "../../../api/core.ts";
import { quantityValue } from "../../../api/quantity.ts";

/** What there is of each resource, as quantities. */
export type Machine = Readonly<Record<"cpu" | "memory", string>>;

const thisMachine: Machine = { cpu: String(availableParallelism()), memory: String(totalmem()) };

type Fields = Readonly<Record<string, unknown>>;

/** Of these the process driver makes what they say, or they mean the same for every pod of one node. */
const podFieldsActedOn = new Set([
  "containers",
  "initContainers",
  "nodeName",
  "restartPolicy",
  "terminationGracePeriodSeconds",
  "readinessGates",
  "activeDeadlineSeconds",
  "volumes",
  "hostname",
  "serviceAccountName",
  "serviceAccount",
  "automountServiceAccountToken",
  "enableServiceLinks",
  "tolerations",
  "priority",
  "preemptionPolicy",
]);
const containerFieldsActedOn = new Set([
  "name",
  "image",
  "imagePullPolicy",
  "command",
  "args",
  "workingDir",
  "env",
  "envFrom",
  "ports",
  "lifecycle",
  "livenessProbe",
  "readinessProbe",
  "startupProbe",
  "restartPolicy",
  "volumeMounts",
  "terminationMessagePath",
  "terminationMessagePolicy",
]);

/** What these say when nobody has said anything, and what asks for nothing. */
const defaults: Readonly<Record<string, readonly unknown[]>> = {
  dnsPolicy: ["ClusterFirst", "Default"],
  schedulerName: ["default-scheduler"],
};

/** What does not happen because a field is ignored; fields without words of their own have no effect. */
const consequences: Readonly<Record<string, string>> = {
  volumeDevices: "their devices are not there",
  securityContext: "processes run as the user who has started the cluster, with all that this user may do",
  hostNetwork: "the pod has an address of its own",
  hostAliases: "the names do not resolve",
  subdomain: "the pod has no name in DNS",
  dnsConfig: "names resolve as on this machine",
  dnsPolicy: "names resolve as on this machine",
  nodeSelector: "there is one node, and it takes every pod",
  affinity: "there is one node, and it takes every pod",
  topologySpreadConstraints: "there is one node, and it takes every pod",
  schedulingGates: "the pod is placed at once",
  imagePullSecrets: "images are folders of this machine",
  runtimeClassName: "containers are processes of this machine",
};
const withoutEffect = "no effect";

/**
 * What of a pod's manifest does not happen where containers are processes of this machine: one sentence for each thing. What
 * is not known here to be acted on is named, too, so that nothing is ignored in silence.
 */
export function ignoredFields(
  pod: Pod,
  areLimitsKept = false,
  machine: Machine = thisMachine,
): readonly string[] {
  const spec = pod.spec as unknown as Fields;
  const containers = [...fieldsIn(spec["initContainers"]), ...fieldsIn(spec["containers"])];
  const ofPod = Object.keys(spec).filter((field) => !podFieldsActedOn.has(field) && says(field, spec[field]));
  const ofContainers = containers.flatMap((container) =>
    Object.keys(container).filter(
      (field) => !containerFieldsActedOn.has(field) && field !== "resources" && says(field, container[field]),
    ),
  );
  const fields = new Set([...ofPod, ...ofContainers]);
  return [
    ...[...fields].map((field) => `${field}: ${consequences[field] ?? withoutEffect}`),
    ...(areLimitsKept ? [] : limitsOf(containers)),
    ...requestsOf(fieldsIn(spec["containers"]), machine),
    ...volumesOf(fieldsIn(spec["volumes"])),
    ...portsOf(containers),
  ];
}

/** Whether a value asks for anything. */
function says(field: string, value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === "") return false;
  if (defaults[field]?.includes(value) === true) return false;
  return typeof value !== "object" || Object.keys(value).length > 0;
}

function limitsOf(containers: readonly Fields[]): string[] {
  const names = containers.flatMap((container) => {
    const { limits } = fieldsOf(container["resources"]);
    return Object.keys(fieldsOf(limits)).length === 0 ? [] : [String(container["name"])];
  });
  return names.length === 0
    ? []
    : [`limits of ${names.join(", ")}: containers may use all that this machine has`];
}

/** On one node a request decides only whether the pod is placed at all. */
function requestsOf(containers: readonly Fields[], machine: Machine): string[] {
  return Object.entries(machine).flatMap(([resource, has]) => {
    const asked = containers
      .map(({ resources }) => fieldsOf(fieldsOf(resources)["requests"])[resource])
      .map((amount) => (typeof amount === "string" ? quantityValue(amount) : undefined) ?? 0n)
      .reduce((total, amount) => total + amount, 0n);
    const most = quantityValue(has) ?? 0n;
    if (asked <= most) return [];
    return [`requests of ${resource}: more than this machine has (${has}), and the pod runs all the same`];
  });
}

function volumesOf(volumes: readonly Fields[]): string[] {
  const empty = volumes.map(({ name, emptyDir }) => ({ name: String(name), asked: fieldsOf(emptyDir) }));
  const inMemory = empty.flatMap(({ name, asked }) => (asked["medium"] === "Memory" ? [name] : []));
  // Zero is no limit.
  const limited = empty.flatMap(({ name, asked }) => ((asked["sizeLimit"] ?? "0") === "0" ? [] : [name]));
  return [
    ...(inMemory.length === 0 ? [] : [`medium of volume ${inMemory.join(", ")}: its files are on the disk`]),
    ...(limited.length === 0
      ? []
      : [
          `sizeLimit of volume ${limited.join(", ")}: it may take all that the disk has, and the pod is not evicted`,
        ]),
  ];
}

function portsOf(containers: readonly Fields[]): string[] {
  const ports = containers.flatMap((container) => fieldsIn(container["ports"]));
  const hostPorts = ports.flatMap(({ hostPort }) => (typeof hostPort === "number" ? [hostPort] : []));
  const foreign = ports.flatMap(({ containerPort, protocol }) =>
    protocol === "UDP" || protocol === "SCTP" ? [`${Number(containerPort)}/${protocol}`] : [],
  );
  return [
    ...(hostPorts.length === 0
      ? []
      : [`hostPort ${hostPorts.join(", ")}: nothing listens there; use a Service`]),
    ...(foreign.length === 0 ? [] : [`port ${foreign.join(", ")}: no Service leads there`]),
  ];
}

function fieldsIn(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.map(fieldsOf) : [];
}

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}
