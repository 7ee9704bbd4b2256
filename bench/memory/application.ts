import type {
  Endpoint,
  EndpointSlice,
  Pod,
  PodTemplateSpec,
  ReplicaSet,
  Service,
} from "../../src/api/core.ts";
import {
  desiredReplicasAnnotation,
  lastAppliedAnnotation,
  managedByAnnotation,
  podTemplateHashLabel,
  revisionAnnotation,
  serviceNameLabel,
} from "../../src/api/names.ts";
import type { Rollout, RolloutStatus } from "../../src/api/rollout.ts";
import { fieldsOfService, fieldsOfTemplate } from "./managed-fields.ts";
import { podTemplate } from "./pod-template.ts";

// One application of a large cluster at rest: a Healthy Rollout with two pods of its second version and the ReplicaSet of
// its first, as an API server answers them: with defaults, field managers and the applied manifest. No two are alike.

const namespaceCount = 100;
const podsEach = 2;
const createdAt = "2026-01-01T00:00:00Z";

export interface Application {
  readonly rollout: Rollout;
  readonly replicaSets: readonly ReplicaSet[];
  readonly services: readonly Service[];
  readonly endpointSlices: readonly EndpointSlice[];
  readonly pods: readonly Pod[];
}

/** The application of a number from 0 on; `touched` times somebody has changed a label of its Rollout. */
export function application(number: number, touched = 0): Application {
  const name = `storefront-backend-${String(number).padStart(5, "0")}`;
  const namespace = `team-${String(number % namespaceCount).padStart(3, "0")}`;
  const [old, live] = ["1", "2"].map((release) => ({
    release,
    // As Argo's controller names them, so that only a comparison of templates tells which one is current.
    hash: `${number}x${release}`,
    template: podTemplate(name, release),
  })) as [Release, Release];
  const rollout = rolloutOf(name, namespace, live, touched);
  const replicaSets = [replicaSet(rollout, old, 0), replicaSet(rollout, live, podsEach)];
  const pods = Array.from({ length: podsEach }, (_, index) => pod(rollout, live, index));
  const services = ["active", "preview"].map((role) => service(rollout, role, live.hash));
  const endpointSlices = services.map(({ metadata }) => endpointSlice(metadata.name, namespace, pods));
  return { rollout, replicaSets, services, endpointSlices, pods };
}

interface Release {
  readonly release: string;
  readonly hash: string;
  readonly template: PodTemplateSpec;
}

function rolloutOf(name: string, namespace: string, live: Release, touched: number): Rollout {
  const spec: Rollout["spec"] = {
    replicas: podsEach,
    revisionHistoryLimit: 3,
    selector: { matchLabels: { "app.kubernetes.io/name": name } },
    template: live.template,
    strategy: {
      blueGreen: {
        activeService: `${name}-active`,
        previewService: `${name}-preview`,
        autoPromotionEnabled: false,
        scaleDownDelaySeconds: 300,
      },
    },
  };
  const applied = JSON.stringify({
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Rollout",
    metadata: { name, namespace },
    spec,
  });
  return {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Rollout",
    metadata: {
      ...metadata(name, namespace, 1_000_000 + touched, fieldsOfTemplate),
      generation: 2,
      labels: { "app.kubernetes.io/name": name, "example.com/touched": String(touched) },
      annotations: { [lastAppliedAnnotation]: applied, [revisionAnnotation]: "2" },
    },
    spec,
    status: statusOf(name, live.hash),
  };
}

function statusOf(name: string, hash: string): RolloutStatus {
  const since = { lastTransitionTime: createdAt, lastUpdateTime: createdAt };
  const condition = (type: string, reason: string, message: string): object => ({
    type,
    status: "True",
    reason,
    message,
    ...since,
  });
  return {
    HPAReplicas: podsEach,
    replicas: podsEach,
    updatedReplicas: podsEach,
    readyReplicas: podsEach,
    availableReplicas: podsEach,
    selector: `app.kubernetes.io/name=${name},${podTemplateHashLabel}=${hash}`,
    blueGreen: { activeSelector: hash, previewSelector: hash },
    stableRS: hash,
    currentPodHash: hash,
    observedGeneration: "2",
    phase: "Healthy",
    conditions: [
      condition("Available", "AvailableReason", "Rollout has minimum availability"),
      condition("Healthy", "RolloutHealthy", "Rollout is healthy"),
      condition(
        "Progressing",
        "NewReplicaSetAvailable",
        `ReplicaSet "${name}-${hash}" has successfully progressed.`,
      ),
      condition("Completed", "RolloutCompleted", "RolloutCompleted"),
    ] as NonNullable<RolloutStatus["conditions"]>,
  };
}

function replicaSet({ metadata: owner, spec }: Rollout, release: Release, size: number): ReplicaSet {
  const { namespace = "", name } = owner;
  const labels = { ...release.template.metadata?.labels, [podTemplateHashLabel]: release.hash };
  return {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      ...metadata(`${name}-${release.hash}`, namespace, 2_000_000, fieldsOfTemplate),
      generation: 3,
      labels,
      annotations: {
        [revisionAnnotation]: release.release,
        [desiredReplicasAnnotation]: String(podsEach),
      },
      ownerReferences: [ownedBy("argoproj.io/v1alpha1", "Rollout", name)],
    },
    spec: {
      replicas: size,
      selector: { matchLabels: { ...spec.selector?.matchLabels, [podTemplateHashLabel]: release.hash } },
      template: { ...release.template, metadata: { ...release.template.metadata, labels } },
    },
    status: { replicas: size, readyReplicas: size, availableReplicas: size, observedGeneration: 3 },
  };
}

function service({ metadata: { name, namespace = "" } }: Rollout, role: string, hash: string): Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      ...metadata(`${name}-${role}`, namespace, 3_000_000, fieldsOfService),
      labels: { "app.kubernetes.io/name": name },
      annotations: { [managedByAnnotation]: name },
    },
    spec: {
      type: "ClusterIP",
      clusterIP: "10.96.14.7",
      clusterIPs: ["10.96.14.7"],
      selector: { "app.kubernetes.io/name": name, [podTemplateHashLabel]: hash },
      ports: [{ name: "http", port: 80, targetPort: 8080, protocol: "TCP" }],
    },
    status: { loadBalancer: {} },
  };
}

function endpointSlice(serviceName: string, namespace: string, pods: readonly Pod[]): EndpointSlice {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      ...metadata(`${serviceName}-k7d2q`, namespace, 4_000_000, fieldsOfService),
      generation: 4,
      labels: {
        [serviceNameLabel]: serviceName,
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
      },
      ownerReferences: [ownedBy("v1", "Service", serviceName)],
    },
    addressType: "IPv4",
    endpoints: pods.map(
      ({ metadata: { name, uid = "" } }, index): Endpoint => ({
        addresses: [`10.244.3.${index}`],
        conditions: { ready: true, serving: true, terminating: false },
        nodeName: "worker-3.example.internal",
        targetRef: { kind: "Pod", namespace, name, uid },
      }),
    ),
    ports: [{ name: "http", port: 8080, protocol: "TCP" }],
  };
}

function pod(
  { metadata: { name, namespace = "" } }: Rollout,
  { hash, template }: Release,
  index: number,
): Pod {
  const ready = { status: "True", lastTransitionTime: createdAt };
  const state = { running: { startedAt: createdAt } };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      ...metadata(`${name}-${hash}-q8z${index}x`, namespace, 5_000_000, fieldsOfTemplate),
      labels: { ...template.metadata?.labels, [podTemplateHashLabel]: hash },
      ...(template.metadata?.annotations === undefined ? {} : { annotations: template.metadata.annotations }),
      ownerReferences: [ownedBy("apps/v1", "ReplicaSet", `${name}-${hash}`)],
    },
    spec: { ...template.spec, nodeName: "worker-3.example.internal" },
    status: {
      phase: "Running",
      podIP: `10.244.3.${index}`,
      podIPs: [{ ip: `10.244.3.${index}` }],
      hostIP: "192.168.10.3",
      startTime: createdAt,
      conditions: ["PodScheduled", "Initialized", "ContainersReady", "Ready"].map((type) => ({
        type,
        ...ready,
      })),
      containerStatuses: template.spec.containers.map(({ name: container, image = "" }) => ({
        name: container,
        image,
        imageID: `${image}@sha256:${"0123456789abcdef".repeat(4)}`,
        containerID: `containerd://${"fedcba9876543210".repeat(4)}`,
        ready: true,
        started: true,
        restartCount: 0,
        state,
      })),
    },
  };
}

function metadata(name: string, namespace: string, version: number, fieldsV1: object): Rollout["metadata"] {
  const manager = { apiVersion: "v1", fieldsType: "FieldsV1", time: createdAt };
  const managedFields = [
    { manager: "kubectl-client-side-apply", operation: "Update", ...manager, fieldsV1 },
    {
      manager: "controller",
      operation: "Update",
      subresource: "status",
      ...manager,
      fieldsV1: { "f:status": {} },
    },
  ];
  const stamp = { creationTimestamp: createdAt, managedFields };
  return { name, namespace, uid: uidOf(name), resourceVersion: String(version), ...stamp };
}

/** 36 characters, as uids are. */
function uidOf(name: string): string {
  return `3f2504e0-${name.slice(-27).padStart(27, "0")}`;
}

function ownedBy(
  apiVersion: string,
  kind: string,
  name: string,
): NonNullable<Rollout["metadata"]["ownerReferences"]>[0] {
  return { apiVersion, kind, name, uid: uidOf(name), controller: true, blockOwnerDeletion: true };
}
