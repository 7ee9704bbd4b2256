import type { KubernetesObject, LabelSelector, PodTemplateSpec, ReplicaSet } from "../../../../api/core.ts";
import { selectorText } from "../../../../api/label-selector.ts";
import { controllerOf } from "../../../../api/metadata.ts";
import { ageOf } from "./age.ts";
import { printCronJob, printJob } from "./batch-rows.ts";
import { containerCells, orNone, printerOf, type RowPrinter } from "./cells.ts";
import { printEvent } from "./event-row.ts";
import { printNode } from "./node-row.ts";
import {
  printClaim,
  printHorizontalPodAutoscaler,
  printIngress,
  printIngressClass,
  printNetworkPolicy,
  printPodTemplate,
  printPriorityClass,
  printResourceQuota,
  printScale,
  printStorageClass,
  printVolume,
} from "./object-rows.ts";
import { printPod } from "./pod-row.ts";
import { printRoleBinding } from "./role-binding-row.ts";
import { printEndpointSlice, printEndpoints, printService } from "./service-row.ts";

type Data = Readonly<Record<string, string>>;

const printReplicaSet = printerOf<ReplicaSet>(({ metadata, spec, status }, now) => [
  metadata.name,
  spec.replicas ?? 1,
  status?.replicas ?? 0,
  status?.readyReplicas ?? 0,
  ageOf(metadata.creationTimestamp, now),
  ...containerCells(spec.template.spec.containers),
  orNone(selectorText(spec.selector)),
]);

interface Deployment extends KubernetesObject {
  readonly spec: {
    readonly replicas?: number;
    readonly selector: LabelSelector;
    readonly template: PodTemplateSpec;
  };
  readonly status?: {
    readonly readyReplicas?: number;
    readonly updatedReplicas?: number;
    readonly availableReplicas?: number;
  };
}

const printDeployment = printerOf<Deployment>(({ metadata, spec, status }, now) => [
  metadata.name,
  `${status?.readyReplicas ?? 0}/${spec.replicas ?? 1}`,
  status?.updatedReplicas ?? 0,
  status?.availableReplicas ?? 0,
  ageOf(metadata.creationTimestamp, now),
  ...containerCells(spec.template.spec.containers),
  orNone(selectorText(spec.selector)),
]);

const printStatefulSet = printerOf<Deployment>(({ metadata, spec, status }, now) => [
  metadata.name,
  `${status?.readyReplicas ?? 0}/${spec.replicas ?? 1}`,
  ageOf(metadata.creationTimestamp, now),
  ...containerCells(spec.template.spec.containers),
]);

interface DaemonSet extends KubernetesObject {
  readonly spec: { readonly selector: LabelSelector; readonly template: PodTemplateSpec };
  readonly status?: Readonly<Record<string, number>>;
}

const printDaemonSet = printerOf<DaemonSet>(({ metadata, spec, status = {} }, now) => {
  const { nodeSelector = {}, containers } = spec.template.spec as PodTemplateSpec["spec"] & {
    readonly nodeSelector?: Data;
  };
  return [
    metadata.name,
    status["desiredNumberScheduled"] ?? 0,
    status["currentNumberScheduled"] ?? 0,
    status["numberReady"] ?? 0,
    status["updatedNumberScheduled"] ?? 0,
    status["numberAvailable"] ?? 0,
    orNone(selectorText({ matchLabels: nodeSelector })),
    ageOf(metadata.creationTimestamp, now),
    ...containerCells(containers),
    orNone(selectorText(spec.selector)),
  ];
});

const printControllerRevision = printerOf<KubernetesObject & { readonly revision: number }>((object, now) => {
  const { metadata, revision } = object;
  const owner = controllerOf(object);
  const group = owner?.apiVersion.includes("/") === true ? `.${owner.apiVersion.split("/")[0]}` : "";
  const controller = owner === undefined ? "<none>" : `${owner.kind.toLowerCase()}${group}/${owner.name}`;
  return [metadata.name, controller, revision, ageOf(metadata.creationTimestamp, now)];
});

interface PodDisruptionBudget extends KubernetesObject {
  readonly spec: { readonly minAvailable?: number | string; readonly maxUnavailable?: number | string };
  readonly status?: { readonly disruptionsAllowed?: number };
}

const printPodDisruptionBudget = printerOf<PodDisruptionBudget>(({ metadata, spec, status }, now) => [
  metadata.name,
  String(spec.minAvailable ?? "N/A"),
  String(spec.maxUnavailable ?? "N/A"),
  status?.disruptionsAllowed ?? 0,
  ageOf(metadata.creationTimestamp, now),
]);

const printNamespace = printerOf<KubernetesObject & { readonly status?: { readonly phase?: string } }>(
  ({ metadata, status }, now) => [metadata.name, status?.phase ?? "", ageOf(metadata.creationTimestamp, now)],
);

const printConfigMap = printerOf<KubernetesObject & { readonly data?: Data; readonly binaryData?: Data }>(
  ({ metadata, data = {}, binaryData = {} }, now) => [
    metadata.name,
    Object.keys(data).length + Object.keys(binaryData).length,
    ageOf(metadata.creationTimestamp, now),
  ],
);

const printSecret = printerOf<KubernetesObject & { readonly type?: string; readonly data?: Data }>(
  ({ metadata, type = "Opaque", data = {} }, now) => [
    metadata.name,
    type,
    Object.keys(data).length,
    ageOf(metadata.creationTimestamp, now),
  ],
);

const printServiceAccount = printerOf<KubernetesObject & { readonly secrets?: readonly unknown[] }>(
  ({ metadata, secrets = [] }, now) => [
    metadata.name,
    secrets.length,
    ageOf(metadata.creationTimestamp, now),
  ],
);

const printLease = printerOf<KubernetesObject & { readonly spec?: { readonly holderIdentity?: string } }>(
  ({ metadata, spec }, now) => [
    metadata.name,
    spec?.holderIdentity ?? "",
    ageOf(metadata.creationTimestamp, now),
  ],
);

const printNameAndTime: RowPrinter = ({ metadata }) => [metadata.name, metadata.creationTimestamp ?? null];

/** Kinds whose rows say more than name and age, by `group/Kind`. */
export const rowPrinters: Readonly<Record<string, RowPrinter>> = {
  "/ConfigMap": printConfigMap,
  "/Endpoints": printEndpoints,
  "/Event": printEvent,
  "/LimitRange": printNameAndTime,
  "/Namespace": printNamespace,
  "/Node": printNode,
  "/PersistentVolume": printVolume,
  "/PersistentVolumeClaim": printClaim,
  "/Pod": printPod,
  "/PodTemplate": printPodTemplate,
  "/ResourceQuota": printResourceQuota,
  "/Secret": printSecret,
  "/Service": printService,
  "/ServiceAccount": printServiceAccount,
  "apiextensions.k8s.io/CustomResourceDefinition": printNameAndTime,
  "apps/ControllerRevision": printControllerRevision,
  "apps/DaemonSet": printDaemonSet,
  "apps/Deployment": printDeployment,
  "apps/ReplicaSet": printReplicaSet,
  "apps/StatefulSet": printStatefulSet,
  "autoscaling/HorizontalPodAutoscaler": printHorizontalPodAutoscaler,
  "autoscaling/Scale": printScale,
  "batch/CronJob": printCronJob,
  "batch/Job": printJob,
  "coordination.k8s.io/Lease": printLease,
  "discovery.k8s.io/EndpointSlice": printEndpointSlice,
  "events.k8s.io/Event": printEvent,
  "networking.k8s.io/Ingress": printIngress,
  "networking.k8s.io/IngressClass": printIngressClass,
  "networking.k8s.io/NetworkPolicy": printNetworkPolicy,
  "policy/PodDisruptionBudget": printPodDisruptionBudget,
  "rbac.authorization.k8s.io/ClusterRole": printNameAndTime,
  "rbac.authorization.k8s.io/ClusterRoleBinding": printRoleBinding,
  "rbac.authorization.k8s.io/Role": printNameAndTime,
  "rbac.authorization.k8s.io/RoleBinding": printRoleBinding,
  "scheduling.k8s.io/PriorityClass": printPriorityClass,
  "storage.k8s.io/StorageClass": printStorageClass,
};
