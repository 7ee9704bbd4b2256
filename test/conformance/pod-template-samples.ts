import type { PodTemplateSpec } from "../../src/api/core.ts";
import { builtInType } from "../../src/cluster/api-server/type/built-in-type.ts";
import type { StructuralType } from "../../src/cluster/api-server/type/structural-type.ts";

/** A pod template with one field set, and where. */
export interface Sample {
  /** `spec.containers[].env[].value` */
  readonly name: string;
  readonly template: PodTemplateSpec;
  /** What the field is set to; undefined for a type of several fields. */
  readonly value: unknown;
}

const base = {
  metadata: { labels: { app: "web" } },
  spec: { containers: [{ name: "web", image: "web:1" }], volumes: [{ name: "some" }] },
};

/** Every field that a pod template can have, once with each kind of value: something, nothing, zero, null. */
export function podTemplateSamples(): readonly Sample[] {
  return variantsOf(builtInType("io.k8s.api.core.v1.PodTemplateSpec"), "", []).map(
    ({ path, value, leaf }) => ({
      name: path.slice(1),
      template: merged(base, value) as PodTemplateSpec,
      value: leaf,
    }),
  );
}

interface Variant {
  readonly path: string;
  readonly value: unknown;
  readonly leaf?: unknown;
}

function variantsOf(type: StructuralType, path: string, inside: readonly string[]): readonly Variant[] {
  switch (type.is) {
    case "scalar":
      return valuesOf(type.scalar?.goType ?? "", path).map((value) => ({ path, value, leaf: value }));
    case "open":
      return [{ path, value: { a: "" } }];
    case "list":
      return [
        ...[[], null].map((value) => ({ path, value })),
        ...variantsOf(type.element, `${path}[]`, inside).map((it) => ({ ...it, value: [it.value] })),
      ];
    case "object": {
      if (type.further !== undefined) {
        return [
          ...[{}, null].map((value) => ({ path, value })),
          ...variantsOf(type.further.type, `${path}{}`, inside).map((it) => ({
            ...it,
            value: { [keyOf(path)]: it.value },
          })),
        ];
      }
      // Types do not contain themselves in a template, but a generated one might one day.
      if (inside.includes(type.name)) return [];
      const needed = requiredOf(type.name, path);
      const fields = [...type.fields].flatMap(([name, field]) =>
        variantsOf(field.type, `${path}.${name}`, [...inside, type.name]).map((it) => ({
          ...it,
          value: { ...requiredOf(type.name, path, name), [name]: it.value },
        })),
      );
      return [
        { path, value: needed },
        ...(path.endsWith("[]") || Object.keys(needed).length > 0 ? [] : [{ path, value: null }]),
        ...fields,
      ];
    }
  }
}

/** API servers know the names of resources. */
function keyOf(path: string): string {
  if (!/(limits|requests|overhead)$/.test(path)) return "some";
  return path.includes("volumeClaimTemplate") ? "storage" : "memory";
}

function valuesOf(type: string, path: string): readonly unknown[] {
  const field = path.slice(path.lastIndexOf(".") + 1).replaceAll(/[[\]{}]/g, "");
  switch (type) {
    case "string":
      return [...(texts[field] ?? ["some"]), "", null];
    case "bool":
      return [true, false, null];
    case "resource.Quantity":
      return [
        "2",
        "0.5",
        "1500m",
        "1e3",
        "1E3",
        "0",
        2,
        "1024Mi",
        "1.0",
        "100n",
        "9007199254740993",
        "0.0005",
        null,
      ];
    default:
      return [...(numbers[field] ?? [1, 30]), 0, ...(isNeededNumber(path) ? [] : [null])];
  }
}

/** Left out it would be 0, which no API server takes. */
function isNeededNumber(path: string): boolean {
  return /(\.weight|\.containerPort|\.maxSkew|\.grpc\.port|\[\])$/.test(path);
}

/** Values that a real API server takes, of fields that do not take any. */
const texts: Readonly<Record<string, readonly string[]>> = {
  restartPolicy: ["Always", "Never", "NotRequired"],
  dnsPolicy: ["ClusterFirst", "Default"],
  imagePullPolicy: ["Always", "IfNotPresent"],
  pullPolicy: ["Always", "IfNotPresent"],
  terminationMessagePolicy: ["File", "FallbackToLogsOnError"],
  terminationMessagePath: ["/dev/termination-log", "/some"],
  protocol: ["TCP", "UDP"],
  scheme: ["HTTP", "HTTPS"],
  hostIP: ["10.0.0.1"],
  ip: ["10.0.0.1"],
  operator: ["In", "Exists", "Equal", "DoesNotExist", "NotIn"],
  effect: ["NoSchedule", "NoExecute"],
  type: ["", "Directory", "RuntimeDefault"],
  name: ["some", "web", "linux"],
  fieldPath: ["metadata.name"],
  resource: ["limits.cpu", "requests.memory"],
  apiVersion: ["v1"],
  mountPropagation: ["HostToContainer"],
  recursiveReadOnly: ["Disabled"],
  fsGroupChangePolicy: ["Always", "OnRootMismatch"],
  supplementalGroupsPolicy: ["Merge", "Strict"],
  seLinuxChangePolicy: ["Recursive"],
  procMount: ["Default"],
  preemptionPolicy: ["PreemptLowerPriority"],
  whenUnsatisfiable: ["DoNotSchedule", "ScheduleAnyway"],
  nodeAffinityPolicy: ["Honor", "Ignore"],
  nodeTaintsPolicy: ["Honor", "Ignore"],
  topologyKey: ["kubernetes.io/hostname"],
  medium: ["Memory"],
  volumeMode: ["Filesystem", "Block"],
  accessModes: ["ReadWriteOnce"],
  cachingMode: ["ReadWrite", "None"],
  kind: ["Shared", "Managed", "PersistentVolumeClaim"],
  path: ["/", "some", "/some"],
  mountPath: ["/some"],
  schedulerName: ["default-scheduler", "some"],
  storageMode: ["ThinProvisioned", "ThickProvisioned"],
  resourceName: ["cpu"],
  action: ["Restart"],
  stopSignal: ["SIGTERM"],
  nameservers: ["1.1.1.1"],
  add: ["NET_ADMIN"],
  conditionType: ["example.com/ready"],
  monitors: ["10.0.0.1"],
};

const numbers: Readonly<Record<string, readonly number[]>> = {
  terminationGracePeriodSeconds: [1, 30],
  defaultMode: [0o400, 0o644],
  mode: [0o400],
  expirationSeconds: [600, 3600],
  successThreshold: [1],
  timeoutSeconds: [1, 2],
  periodSeconds: [1, 10],
  failureThreshold: [1, 3],
};

/** The fields without which a real API server refuses the type; `but` is the one that the sample sets itself. */
function requiredOf(type: string, path: string, but = ""): object {
  const short = type.slice(type.lastIndexOf(".") + 1);
  if (short === "Container" && path.includes("initContainers")) return { name: "init", image: "init:1" };
  if (short === "LabelSelectorRequirement" || short === "NodeSelectorRequirement")
    return { key: "some", operator: "In", values: ["some"] };
  if (short.endsWith("Probe")) return unions.has(but) ? {} : { tcpSocket: { port: 80 } };
  return required[short] ?? {};
}

const unions = new Set(["exec", "httpGet", "tcpSocket", "grpc", "sleep"]);

const required: Readonly<Record<string, object>> = {
  Container: { name: "web", image: "web:1" },
  EphemeralContainer: { name: "debug", image: "debug:1" },
  Volume: { name: "some" },
  VolumeMount: { name: "some", mountPath: "/some" },
  VolumeDevice: { name: "some", devicePath: "/some" },
  ContainerPort: { containerPort: 80 },
  EnvVar: { name: "SOME" },
  ConfigMapKeySelector: { name: "some", key: "some" },
  SecretKeySelector: { name: "some", key: "some" },
  FileKeySelector: { volumeName: "some", path: "some", key: "SOME" },
  ObjectFieldSelector: { fieldPath: "metadata.name" },
  ResourceFieldSelector: { resource: "limits.cpu", containerName: "web" },
  ConfigMapEnvSource: { name: "some" },
  SecretEnvSource: { name: "some" },
  HTTPGetAction: { port: 80 },
  TCPSocketAction: { port: 80 },
  GRPCAction: { port: 80 },
  ExecAction: { command: ["true"] },
  SleepAction: { seconds: 1 },
  HTTPHeader: { name: "Some", value: "some" },
  KeyToPath: { key: "some", path: "some" },
  HostPathVolumeSource: { path: "/some" },
  GCEPersistentDiskVolumeSource: { pdName: "some" },
  AWSElasticBlockStoreVolumeSource: { volumeID: "some" },
  GitRepoVolumeSource: { repository: "some" },
  SecretVolumeSource: { secretName: "some" },
  ConfigMapVolumeSource: { name: "some" },
  NFSVolumeSource: { server: "some", path: "/some" },
  ISCSIVolumeSource: { targetPortal: "10.0.0.1", iqn: "iqn.2001-04.com.example:storage", lun: 1 },
  GlusterfsVolumeSource: { endpoints: "some", path: "some" },
  PersistentVolumeClaimVolumeSource: { claimName: "some" },
  RBDVolumeSource: { monitors: ["some"], image: "some" },
  FlexVolumeSource: { driver: "some" },
  CinderVolumeSource: { volumeID: "some" },
  CephFSVolumeSource: { monitors: ["some"] },
  FlockerVolumeSource: { datasetName: "some" },
  FCVolumeSource: { targetWWNs: ["some"], lun: 1 },
  AzureFileVolumeSource: { secretName: "some", shareName: "some" },
  VsphereVirtualDiskVolumeSource: { volumePath: "some" },
  QuobyteVolumeSource: { registry: "some:1", volume: "some" },
  AzureDiskVolumeSource: { diskName: "some", diskURI: "https://some/some.vhd" },
  PhotonPersistentDiskVolumeSource: { pdID: "some" },
  PortworxVolumeSource: { volumeID: "some" },
  ScaleIOVolumeSource: { gateway: "some", system: "some", volumeName: "some", secretRef: { name: "some" } },
  StorageOSVolumeSource: { volumeName: "some" },
  CSIVolumeSource: { driver: "some" },
  ImageVolumeSource: { reference: "some" },
  DownwardAPIVolumeFile: { path: "some", fieldRef: { fieldPath: "metadata.name" } },
  ServiceAccountTokenProjection: { path: "some" },
  ClusterTrustBundleProjection: { name: "some", path: "some" },
  PodCertificateProjection: { signerName: "some/some", keyType: "ED25519", keyPath: "some" },
  PersistentVolumeClaimTemplate: {
    spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
  },
  PersistentVolumeClaimSpec: {
    accessModes: ["ReadWriteOnce"],
    resources: { requests: { storage: "1Gi" } },
  },
  VolumeResourceRequirements: { requests: { storage: "1Gi" } },
  TypedLocalObjectReference: { kind: "PersistentVolumeClaim", name: "some" },
  TypedObjectReference: { kind: "PersistentVolumeClaim", name: "some" },
  Toleration: { key: "some", operator: "Exists" },
  TopologySpreadConstraint: { maxSkew: 1, topologyKey: "some", whenUnsatisfiable: "DoNotSchedule" },
  PodAffinityTerm: { topologyKey: "some", labelSelector: { matchLabels: { some: "some" } } },
  WeightedPodAffinityTerm: {
    weight: 1,
    podAffinityTerm: { topologyKey: "some", labelSelector: { matchLabels: { some: "some" } } },
  },
  PreferredSchedulingTerm: {
    weight: 1,
    preference: { matchExpressions: [{ key: "some", operator: "Exists" }] },
  },
  NodeSelector: { nodeSelectorTerms: [{ matchExpressions: [{ key: "some", operator: "Exists" }] }] },
  HostAlias: { ip: "10.0.0.1", hostnames: ["some"] },
  Sysctl: { name: "net.some", value: "1" },
  PodReadinessGate: { conditionType: "some" },
  PodSchedulingGate: { name: "some" },
  PodResourceClaim: { name: "some", resourceClaimName: "some" },
  PodOS: { name: "linux" },
  ResourceClaim: { name: "some" },
  ContainerResizePolicy: { resourceName: "cpu", restartPolicy: "NotRequired" },
  ContainerRestartRule: { action: "Restart", exitCodes: { operator: "In", values: [1] } },
  ContainerRestartRuleOnExitCodes: { operator: "In", values: [1] },
  SeccompProfile: { type: "RuntimeDefault" },
  AppArmorProfile: { type: "RuntimeDefault" },
  PodDNSConfigOption: { name: "some" },
};

type Fields = Readonly<Record<string, unknown>>;

/** Objects field by field, lists element by element; all else as in `more`. */
function merged(given: unknown, more: unknown): unknown {
  if (Array.isArray(given) && Array.isArray(more) && more.length > 0)
    return Array.from({ length: Math.max(given.length, more.length) }, (_, index) =>
      index < more.length ? merged(given[index], more[index]) : given[index],
    );
  if (!isFields(given) || !isFields(more)) return more;
  const keys = new Set([...Object.keys(given), ...Object.keys(more)]);
  return Object.fromEntries(
    [...keys].map((key) => [key, key in more ? merged(given[key], more[key]) : given[key]]),
  );
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
