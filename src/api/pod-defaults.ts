import type { PodTemplateSpec } from "./core.ts";
import { canonicalQuantity } from "./quantity.ts";

// What a Kubernetes API server (level 1.34) makes of a pod template: it drops what means nothing (null, empty lists, empty
// text) and adds the defaults. Two templates mean the same exactly when these results are equal.

type Fields = Readonly<Record<string, unknown>>;

/** The template as an API server would answer it after storing it in a ReplicaSet. The input is left as it is. */
export function withPodTemplateDefaults<T extends PodTemplateSpec>(template: T): T {
  const bare = fieldsOf(withoutZeroValues(template));
  return {
    ...bare,
    metadata: bare.metadata ?? {},
    spec: withPodSpecDefaults(fieldsOf(bare.spec)),
  } as unknown as T;
}

/** Defaults of a pod's spec that hold in templates too. */
function withPodSpecDefaults(spec: Fields): Fields {
  const account = spec.serviceAccountName ?? spec.serviceAccount;
  return {
    restartPolicy: "Always",
    terminationGracePeriodSeconds: 30,
    dnsPolicy: "ClusterFirst",
    securityContext: {},
    schedulerName: "default-scheduler",
    ...spec,
    ...(account === undefined ? {} : { serviceAccountName: account, serviceAccount: account }),
    ...each(spec, "volumes", withVolumeDefaults),
    ...each(spec, "initContainers", withContainerDefaults),
    ...each(spec, "containers", withContainerDefaults),
    ...each(spec, "ephemeralContainers", withContainerDefaults),
    ...inside(spec, "overhead", withResourceListDefaults),
    ...inside(spec, "resources", withResourcesDefaults),
  };
}

/** Further defaults that an API server gives to pods but not to templates of pods. */
export function withPodOnlyDefaults(spec: Fields): Fields {
  const hostNetwork = spec.hostNetwork === true;
  const container = (it: Fields): Fields => withRequestsFromLimits(hostNetwork ? withHostPorts(it) : it);
  return {
    enableServiceLinks: true,
    ...spec,
    ...each(spec, "initContainers", container),
    ...each(spec, "containers", container),
  };
}

function withContainerDefaults(container: Fields): Fields {
  return {
    terminationMessagePath: "/dev/termination-log",
    terminationMessagePolicy: "File",
    imagePullPolicy: pullPolicyOf(container.image),
    ...container,
    resources: withResourcesDefaults(fieldsOf(container.resources)),
    ...each(container, "ports", (port) => ({ protocol: "TCP", ...port })),
    ...each(container, "env", withVariableDefaults),
    ...inside(container, "livenessProbe", withProbeDefaults),
    ...inside(container, "readinessProbe", withProbeDefaults),
    ...inside(container, "startupProbe", withProbeDefaults),
    ...inside(container, "lifecycle", (lifecycle) => ({
      ...lifecycle,
      ...inside(lifecycle, "postStart", withHandlerDefaults),
      ...inside(lifecycle, "preStop", withHandlerDefaults),
    })),
  };
}

function withProbeDefaults(probe: Fields): Fields {
  return {
    timeoutSeconds: 1,
    periodSeconds: 10,
    successThreshold: 1,
    failureThreshold: 3,
    ...probe,
    ...withHandlerDefaults(probe),
    ...inside(probe, "grpc", (grpc) => ({ service: "", ...grpc })),
  };
}

function withHandlerDefaults(handler: Fields): Fields {
  return {
    ...handler,
    ...inside(handler, "httpGet", (get) => ({ path: "/", scheme: "HTTP", ...get })),
    ...inside(handler, "sleep", (sleep) => ({ seconds: 0, ...sleep })),
  };
}

function withVariableDefaults(variable: Fields): Fields {
  return { ...variable, ...inside(variable, "valueFrom", withFieldSourceDefaults) };
}

function withFieldSourceDefaults(source: Fields): Fields {
  return {
    ...source,
    ...inside(source, "fieldRef", (reference) => ({ apiVersion: "v1", ...reference })),
    ...inside(source, "resourceFieldRef", (reference) => ({
      ...reference,
      divisor: quantity(reference.divisor ?? "0"),
    })),
  };
}

const defaultMode = 0o644;

function withVolumeDefaults(volume: Fields): Fields {
  const isBare = Object.keys(volume).every((field) => field === "name");
  if (isBare) return { ...volume, emptyDir: {} };
  return {
    ...volume,
    ...inside(volume, "emptyDir", (emptyDir) => ({
      ...emptyDir,
      ...(emptyDir.sizeLimit === undefined ? {} : { sizeLimit: quantity(emptyDir.sizeLimit) }),
    })),
    ...inside(volume, "secret", (secret) => ({ defaultMode, ...secret })),
    ...inside(volume, "configMap", (configMap) => ({ defaultMode, ...configMap })),
    ...inside(volume, "downwardAPI", (api) => ({
      defaultMode,
      ...api,
      ...each(api, "items", withFieldSourceDefaults),
    })),
    ...inside(volume, "projected", (projected) => ({
      defaultMode,
      ...projected,
      ...each(projected, "sources", withProjectionDefaults),
    })),
    ...inside(volume, "hostPath", (hostPath) => ({ type: "", ...hostPath })),
    ...inside(volume, "iscsi", (iscsi) => ({ iscsiInterface: "default", lun: 0, ...iscsi })),
    ...inside(volume, "rbd", (rbd) => ({
      pool: "rbd",
      user: "admin",
      keyring: "/etc/ceph/keyring",
      ...rbd,
    })),
    ...inside(volume, "azureDisk", (disk) => ({
      cachingMode: "ReadWrite",
      fsType: "ext4",
      readOnly: false,
      kind: "Shared",
      ...disk,
    })),
    ...inside(volume, "scaleIO", (scaleIO) => ({
      storageMode: "ThinProvisioned",
      fsType: "xfs",
      ...scaleIO,
    })),
    ...inside(volume, "image", (image) => ({ pullPolicy: pullPolicyOf(image.reference), ...image })),
    ...inside(volume, "ephemeral", (ephemeral) => ({
      ...ephemeral,
      ...inside(ephemeral, "volumeClaimTemplate", (template) => ({
        metadata: {},
        ...template,
        ...inside(template, "spec", (spec) => ({
          volumeMode: "Filesystem",
          ...spec,
          resources: withResourcesDefaults(fieldsOf(spec.resources)),
        })),
      })),
    })),
  };
}

function withProjectionDefaults(source: Fields): Fields {
  return {
    ...source,
    ...inside(source, "serviceAccountToken", (token) => ({ expirationSeconds: 3600, ...token })),
    ...inside(source, "downwardAPI", (api) => ({ ...api, ...each(api, "items", withFieldSourceDefaults) })),
  };
}

function withResourcesDefaults(resources: Fields): Fields {
  return {
    ...resources,
    ...inside(resources, "limits", withResourceListDefaults),
    ...inside(resources, "requests", withResourceListDefaults),
  };
}

function withResourceListDefaults(list: Fields): Fields {
  return Object.fromEntries(Object.entries(list).map(([name, amount]) => [name, quantity(amount, 3)]));
}

function withRequestsFromLimits(container: Fields): Fields {
  const resources = fieldsOf(container.resources);
  const limits = fieldsOf(resources.limits);
  if (Object.keys(limits).length === 0) return container;
  return {
    ...container,
    resources: { ...resources, requests: { ...limits, ...fieldsOf(resources.requests) } },
  };
}

function withHostPorts(container: Fields): Fields {
  return {
    ...container,
    ...each(container, "ports", (port) => ({ hostPort: port.containerPort, ...port })),
  };
}

// A name without tag and digest means `latest`; a text that is no image name is treated as if it had another tag.
const imageName = /^(?:[^/@]*[.:][^/@]*\/|localhost\/)?[a-z0-9._/-]+(?::([\w][\w.-]{0,127}))?(@[\w+.:-]+)?$/;

function pullPolicyOf(image: unknown): string {
  const match = typeof image === "string" ? imageName.exec(image) : null;
  if (match === null) return "IfNotPresent";
  const [, tag, digest] = match;
  return (tag ?? (digest === undefined ? "latest" : "")) === "latest" ? "Always" : "IfNotPresent";
}

// A text that is no quantity is kept: it is for validation to refuse.
function quantity(value: unknown, decimals?: number): unknown {
  if (typeof value !== "string" && typeof value !== "number") return value;
  return canonicalQuantity(String(value), decimals) ?? value;
}

// Zero values that mean the same as leaving the field out. Elsewhere in a pod an empty text, false or 0 means something.
const emptyTextIsNothing = new Set([
  "value",
  "image",
  "workingDir",
  "imagePullPolicy",
  "pullPolicy",
  "terminationMessagePath",
  "terminationMessagePolicy",
  "restartPolicy",
  "dnsPolicy",
  "nodeName",
  "hostname",
  "subdomain",
  "schedulerName",
  "serviceAccountName",
  "serviceAccount",
  "priorityClassName",
  "protocol",
  "hostIP",
  "subPath",
  "subPathExpr",
  "scheme",
  "host",
  "path",
  "medium",
  "secretName",
  "prefix",
  "apiVersion",
  "containerName",
  "operator",
  "effect",
  "generateName",
  "namespace",
  "fsType",
  "iscsiInterface",
  "pool",
  "user",
  "keyring",
  "storageMode",
]);
const falseIsNothing = new Set([
  "hostNetwork",
  "hostPID",
  "hostIPC",
  "stdin",
  "stdinOnce",
  "tty",
  "readOnly",
  "chapAuthDiscovery",
  "chapAuthSession",
  "sslEnabled",
]);
const zeroIsNothing = new Set([
  "initialDelaySeconds",
  "timeoutSeconds",
  "periodSeconds",
  "successThreshold",
  "failureThreshold",
  "hostPort",
  "partition",
  "generation",
]);
const emptyMapIsNothing = new Set([
  "labels",
  "annotations",
  "nodeSelector",
  "matchLabels",
  "limits",
  "requests",
  "overhead",
  "options",
  "volumeAttributes",
]);
// Inside these, names are the user's, and every entry counts; null stands for the zero value.
const zeroOfEntry: Readonly<Record<string, string>> = {
  labels: "",
  annotations: "",
  nodeSelector: "",
  matchLabels: "",
  options: "",
  volumeAttributes: "",
  limits: "0",
  requests: "0",
  overhead: "0",
};
// Inside these the zero value is not the same as leaving a field out.
const exact = new Set(["httpHeaders", "azureDisk", "csi"]);

function withoutZeroValues(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutZeroValues);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([field, inner]) => !isNothing(field, inner))
      .map(([field, inner]) => [field, withoutZeroValuesInside(field, inner)]),
  );
}

function withoutZeroValuesInside(field: string, value: unknown): unknown {
  const zero = zeroOfEntry[field];
  if (zero === undefined && !exact.has(field)) return withoutZeroValues(value);
  // Of headers and of a resolver's options.
  if (Array.isArray(value)) return value;
  const entries = Object.entries(fieldsOf(value));
  if (!entries.some(([, entry]) => entry === null)) return value;
  return Object.fromEntries(
    entries
      .filter(([, entry]) => entry !== null || zero !== undefined)
      .map(([key, entry]) => [key, entry ?? zero]),
  );
}

function isNothing(field: string, value: unknown): boolean {
  if (value === null || value === undefined) return true;
  if (Array.isArray(value)) return value.length === 0;
  if (value === "") return emptyTextIsNothing.has(field);
  if (value === false) return falseIsNothing.has(field);
  if (value === 0) return zeroIsNothing.has(field);
  return emptyMapIsNothing.has(field) && typeof value === "object" && Object.keys(value).length === 0;
}

function each(parent: Fields, field: string, change: (element: Fields) => Fields): Fields {
  const list = parent[field];
  return Array.isArray(list) ? { [field]: list.map((element) => change(fieldsOf(element))) } : {};
}

function inside(parent: Fields, field: string, change: (value: Fields) => Fields): Fields {
  const value = parent[field];
  return typeof value === "object" && value !== null ? { [field]: change(fieldsOf(value)) } : {};
}

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}
