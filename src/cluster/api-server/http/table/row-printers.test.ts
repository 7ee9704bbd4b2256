import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { instant } from "../../../../time/clock.ts";
import { resourceData } from "../../schema-data.ts";
import type { Cell } from "./cells.ts";
import { rowPrinters } from "./row-printers.ts";

const now = instant(Date.parse("2026-11-21T12:00:47Z"));
const metadata = { name: "x", creationTimestamp: "2026-11-21T12:00:00Z" };
const template = { spec: { containers: [{ name: "c", image: "nginx" }] } };
const selector = { matchLabels: { app: "a" } };

function print(kind: string, object: object): readonly Cell[] {
  const printer = rowPrinters[kind];
  assert.ok(printer, kind);
  return printer({ apiVersion: "v1", kind, metadata, ...object }, now);
}

interface Case {
  readonly says: string;
  readonly kind: string;
  readonly object: object;
  readonly cells: readonly Cell[];
}

const container = (state: object, more: object = {}) => ({
  name: "c",
  ready: false,
  restartCount: 0,
  state,
  ...more,
});
const pod = (status: object, more: object = {}): object => ({ spec: template.spec, status, ...more });
const podCells = (ready: string, status: string, restarts = "0"): readonly Cell[] => [
  "x",
  ready,
  status,
  restarts,
  "47s",
  "<none>",
  "<none>",
  "<none>",
  "<none>",
];

const cases: readonly Case[] = [
  {
    says: "a pod that nothing is known of",
    kind: "/Pod",
    object: pod({ phase: "Pending" }),
    cells: podCells("0/1", "Pending"),
  },
  {
    says: "a running pod with address, node and gates",
    kind: "/Pod",
    object: {
      spec: {
        ...template.spec,
        nodeName: "n1",
        readinessGates: [{ conditionType: "g" }, { conditionType: "h" }],
      },
      status: {
        phase: "Running",
        podIP: "10.1.1.1",
        podIPs: [{ ip: "10.1.1.1" }],
        conditions: [{ type: "g", status: "True" }],
        containerStatuses: [container({ running: {} }, { ready: true })],
      },
    },
    cells: ["x", "1/1", "Running", "0", "47s", "10.1.1.1", "n1", "<none>", "1/2"],
  },
  {
    says: "a container that waits after restarts",
    kind: "/Pod",
    object: pod({
      phase: "Running",
      containerStatuses: [
        container(
          { waiting: { reason: "CrashLoopBackOff" } },
          { restartCount: 3, lastState: { terminated: { exitCode: 1, finishedAt: "2026-11-21T12:00:07Z" } } },
        ),
      ],
    }),
    cells: podCells("0/1", "CrashLoopBackOff", "3 (40s ago)"),
  },
  {
    says: "a container that was killed",
    kind: "/Pod",
    object: pod({
      phase: "Running",
      containerStatuses: [container({ terminated: { exitCode: 137, signal: 9 } })],
    }),
    cells: podCells("0/1", "Signal:9"),
  },
  {
    says: "a container that ended without a reason",
    kind: "/Pod",
    object: pod({ phase: "Running", containerStatuses: [container({ terminated: { exitCode: 3 } })] }),
    cells: podCells("0/1", "ExitCode:3"),
  },
  {
    says: "one container of two completed",
    kind: "/Pod",
    object: pod({
      phase: "Running",
      conditions: [{ type: "Ready", status: "False" }],
      containerStatuses: [
        container({ terminated: { exitCode: 0, reason: "Completed" } }),
        container({ running: {} }, { ready: true }),
      ],
    }),
    cells: podCells("1/1", "NotReady"),
  },
  {
    says: "an init container at work",
    kind: "/Pod",
    object: {
      spec: { ...template.spec, initContainers: [{ name: "i" }, { name: "j" }] },
      status: {
        phase: "Pending",
        initContainerStatuses: [container({ terminated: { exitCode: 0 } }), container({ running: {} })],
        containerStatuses: [container({ waiting: { reason: "PodInitializing" } })],
      },
    },
    cells: podCells("0/1", "Init:1/2"),
  },
  {
    says: "an init container that failed",
    kind: "/Pod",
    object: pod({ phase: "Pending", initContainerStatuses: [container({ terminated: { exitCode: 2 } })] }),
    cells: podCells("0/1", "Init:ExitCode:2"),
  },
  {
    says: "an image that cannot be had",
    kind: "/Pod",
    object: pod({
      phase: "Pending",
      containerStatuses: [container({ waiting: { reason: "ErrImagePull" } })],
    }),
    cells: podCells("0/1", "ErrImagePull"),
  },
  {
    says: "an evicted pod",
    kind: "/Pod",
    object: pod({ phase: "Failed", reason: "Evicted" }),
    cells: podCells("0/1", "Evicted"),
  },
  {
    says: "a pod being deleted",
    kind: "/Pod",
    object: pod(
      { phase: "Running", containerStatuses: [container({ running: {} }, { ready: true })] },
      { metadata: { ...metadata, deletionTimestamp: "2026-11-21T12:00:30Z" } },
    ),
    cells: podCells("1/1", "Terminating"),
  },
  {
    says: "a ClusterIP Service",
    kind: "/Service",
    object: {
      spec: {
        type: "ClusterIP",
        clusterIP: "10.96.157.35",
        clusterIPs: ["10.96.157.35"],
        ports: [
          { port: 80, protocol: "TCP" },
          { port: 53, protocol: "UDP" },
        ],
        selector: { b: "2", app: "a" },
      },
    },
    cells: ["x", "ClusterIP", "10.96.157.35", "<none>", "80/TCP,53/UDP", "47s", "app=a,b=2"],
  },
  {
    says: "a headless Service",
    kind: "/Service",
    object: { spec: { type: "ClusterIP", clusterIPs: ["None"], ports: [{ port: 80, protocol: "TCP" }] } },
    cells: ["x", "ClusterIP", "None", "<none>", "80/TCP", "47s", "<none>"],
  },
  {
    says: "an ExternalName Service",
    kind: "/Service",
    object: { spec: { type: "ExternalName", externalName: "example.com" } },
    cells: ["x", "ExternalName", "<none>", "example.com", "<none>", "47s", "<none>"],
  },
  {
    says: "a LoadBalancer Service that waits for its address",
    kind: "/Service",
    object: {
      spec: {
        type: "LoadBalancer",
        clusterIPs: ["10.96.231.214"],
        ports: [{ port: 80, nodePort: 30474, protocol: "TCP" }],
      },
      status: { loadBalancer: {} },
    },
    cells: ["x", "LoadBalancer", "10.96.231.214", "<pending>", "80:30474/TCP", "47s", "<none>"],
  },
  {
    says: "a LoadBalancer Service with addresses",
    kind: "/Service",
    object: {
      spec: {
        type: "LoadBalancer",
        clusterIPs: ["10.96.231.214"],
        ports: [{ port: 80, nodePort: 30474, protocol: "TCP" }],
      },
      status: { loadBalancer: { ingress: [{ ip: "127.1.128.2" }, { hostname: "lb.example.com" }] } },
    },
    cells: [
      "x",
      "LoadBalancer",
      "10.96.231.214",
      "127.1.128.2,lb.example.com",
      "80:30474/TCP",
      "47s",
      "<none>",
    ],
  },
  {
    says: "a Deployment",
    kind: "apps/Deployment",
    object: {
      spec: { replicas: 5, selector, template },
      status: { readyReplicas: 1, updatedReplicas: 2, availableReplicas: 3 },
    },
    cells: ["x", "1/5", 2, 3, "47s", "c", "nginx", "app=a"],
  },
  {
    says: "a ReplicaSet without status, whose selector has expressions",
    kind: "apps/ReplicaSet",
    object: {
      spec: {
        replicas: 1,
        selector: {
          matchLabels: { tier: "web" },
          matchExpressions: [
            { key: "app", operator: "In", values: ["b", "a"] },
            { key: "z", operator: "DoesNotExist" },
          ],
        },
        template,
      },
    },
    cells: ["x", 1, 0, 0, "47s", "c", "nginx", "app in (a,b),tier=web,!z"],
  },
  {
    says: "a StatefulSet",
    kind: "apps/StatefulSet",
    object: { spec: { replicas: 3, selector: {}, template }, status: { readyReplicas: 2 } },
    cells: ["x", "2/3", "47s", "c", "nginx"],
  },
  {
    says: "a DaemonSet",
    kind: "apps/DaemonSet",
    object: {
      spec: { selector: { matchLabels: { app: "web" } }, template },
      status: { desiredNumberScheduled: 1, numberReady: 1 },
    },
    cells: ["x", 1, 0, 1, 0, 0, "<none>", "47s", "c", "nginx", "app=web"],
  },
  {
    says: "a ControllerRevision",
    kind: "apps/ControllerRevision",
    object: { revision: 2 },
    cells: ["x", "<none>", 2, "47s"],
  },
  {
    says: "an EndpointSlice",
    kind: "discovery.k8s.io/EndpointSlice",
    object: { addressType: "IPv4", ports: [{ port: 80 }], endpoints: [{ addresses: ["10.1.1.1"] }] },
    cells: ["x", "IPv4", "80", "10.1.1.1", "47s"],
  },
  {
    says: "an EndpointSlice with nothing, and one with more than fits",
    kind: "discovery.k8s.io/EndpointSlice",
    object: {
      addressType: "IPv4",
      endpoints: ["a", "b", "c", "d", "e"].map((each) => ({ addresses: [each] })),
    },
    cells: ["x", "IPv4", "<unset>", "a,b,c + 2 more...", "47s"],
  },
  {
    says: "an Event that never says when",
    kind: "/Event",
    object: { reason: "X", message: "m\n", involvedObject: { kind: "Pod", name: "p1" } },
    cells: ["<unknown>", "", "X", "pod/p1", "", "", "m", "<unknown>", 1, "x"],
  },
  {
    says: "an Event that was seen several times",
    kind: "/Event",
    object: {
      type: "Normal",
      reason: "X",
      message: "m",
      involvedObject: { kind: "Pod", name: "p1", fieldPath: "spec.containers{c}" },
      source: { component: "kubelet", host: "n1" },
      firstTimestamp: "2026-11-21T12:00:00Z",
      lastTimestamp: "2026-11-21T12:00:40Z",
      count: 4,
    },
    cells: ["7s", "Normal", "X", "pod/p1", "spec.containers{c}", "kubelet, n1", "m", "47s", 4, "x"],
  },
  {
    says: "an Event of events.k8s.io",
    kind: "events.k8s.io/Event",
    object: {
      type: "Normal",
      reason: "X",
      note: "m",
      regarding: { kind: "Pod", name: "p1" },
      reportingController: "x.y/z",
      reportingInstance: "i",
      eventTime: "2026-11-21T12:00:37.000000Z",
    },
    cells: ["10s", "Normal", "X", "pod/p1", "", "x.y/z, i", "m", "10s", 1, "x"],
  },
  {
    says: "a Namespace",
    kind: "/Namespace",
    object: { status: { phase: "Active" } },
    cells: ["x", "Active", "47s"],
  },
  {
    says: "a ConfigMap",
    kind: "/ConfigMap",
    object: { data: { a: "1" }, binaryData: { b: "" } },
    cells: ["x", 2, "47s"],
  },
  {
    says: "a Secret",
    kind: "/Secret",
    object: { type: "Opaque", data: { a: "MQ==" } },
    cells: ["x", "Opaque", 1, "47s"],
  },
  { says: "a ServiceAccount", kind: "/ServiceAccount", object: {}, cells: ["x", 0, "47s"] },
  {
    says: "a Lease",
    kind: "coordination.k8s.io/Lease",
    object: { spec: { holderIdentity: "me" } },
    cells: ["x", "me", "47s"],
  },
  {
    says: "a Node that nothing is known of",
    kind: "/Node",
    object: {},
    cells: ["x", "Unknown", "<none>", "47s", "", "<none>", "<none>", "<unknown>", "<unknown>", "<unknown>"],
  },
  {
    says: "a Node with everything",
    kind: "/Node",
    object: {
      metadata: { ...metadata, labels: { "node-role.kubernetes.io/control-plane": "" } },
      spec: { unschedulable: true },
      status: {
        conditions: [{ type: "Ready", status: "True" }],
        addresses: [{ type: "InternalIP", address: "127.0.0.1" }],
        nodeInfo: {
          kubeletVersion: "v1",
          osImage: "os",
          kernelVersion: "k",
          containerRuntimeVersion: "process://1",
        },
      },
    },
    cells: [
      "x",
      "Ready,SchedulingDisabled",
      "control-plane",
      "47s",
      "v1",
      "127.0.0.1",
      "<none>",
      "os",
      "k",
      "process://1",
    ],
  },
  {
    says: "a CustomResourceDefinition",
    kind: "apiextensions.k8s.io/CustomResourceDefinition",
    object: {},
    cells: ["x", "2026-11-21T12:00:00Z"],
  },
  ...(
    [
      ["runs", {}, ["Running", "0/1", ""]],
      [
        "has ended",
        {
          succeeded: 1,
          startTime: "2026-11-21T12:00:01Z",
          completionTime: "2026-11-21T12:00:04Z",
          conditions: [
            { type: "SuccessCriteriaMet", status: "True" },
            { type: "Complete", status: "True" },
          ],
        },
        ["Complete", "1/1", "3s"],
      ],
      ["is suspended", { conditions: [{ type: "Suspended", status: "True" }] }, ["Suspended", "0/1", ""]],
      [
        "is about to fail",
        { startTime: "2026-11-21T12:00:40Z", conditions: [{ type: "FailureTarget", status: "True" }] },
        ["FailureTarget", "0/1", "7s"],
      ],
    ] as const
  ).map(([says, status, cells]) => ({
    says: `a Job that ${says}`,
    kind: "batch/Job",
    object: { spec: { completions: 1, selector, template }, status },
    cells: ["x", ...cells, "47s", "c", "nginx", "app=a"],
  })),
  {
    says: "a Job without a number of completions",
    kind: "batch/Job",
    object: { spec: { parallelism: 3, template } },
    cells: ["x", "Running", "0/1 of 3", "", "47s", "c", "nginx", "<none>"],
  },
  {
    says: "a CronJob",
    kind: "batch/CronJob",
    object: {
      spec: { schedule: "* * * * *", timeZone: "UTC", suspend: true, jobTemplate: { spec: { template } } },
      status: { active: [{}], lastScheduleTime: "2026-11-21T12:00:00Z" },
    },
    cells: ["x", "* * * * *", "UTC", "True", 1, "47s", "47s", "c", "nginx", "<none>"],
  },
  {
    says: "a PodDisruptionBudget",
    kind: "policy/PodDisruptionBudget",
    object: { spec: { minAvailable: 1 }, status: { disruptionsAllowed: 2 } },
    cells: ["x", "1", "N/A", 2, "47s"],
  },
  {
    says: "Endpoints",
    kind: "/Endpoints",
    object: {
      subsets: [
        { addresses: ["1", "2"].map((n) => ({ ip: `10.1.1.${n}` })), ports: [{ port: 80 }, { port: 81 }] },
      ],
    },
    cells: ["x", "10.1.1.1:80,10.1.1.2:80,10.1.1.1:81 + 1 more...", "47s"],
  },
  { says: "empty Endpoints", kind: "/Endpoints", object: {}, cells: ["x", "<none>", "47s"] },
  ...["ClusterRole", "Role"].map((kind) => ({
    says: `a ${kind}`,
    kind: `rbac.authorization.k8s.io/${kind}`,
    object: { rules: [] },
    cells: ["x", "2026-11-21T12:00:00Z"],
  })),
  ...["ClusterRoleBinding", "RoleBinding"].map((kind) => ({
    says: `a ${kind}`,
    kind: `rbac.authorization.k8s.io/${kind}`,
    object: {
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view" },
      subjects: [
        { kind: "User", name: "alice" },
        { kind: "User", name: "bob" },
        { kind: "Group", name: "dev" },
        { kind: "ServiceAccount", namespace: "default", name: "ci" },
      ],
    },
    cells: ["x", "ClusterRole/view", "47s", "alice, bob", "dev", "default/ci"],
  })),
  {
    says: "an autoscaler",
    kind: "autoscaling/HorizontalPodAutoscaler",
    object: {
      spec: {
        maxReplicas: 5,
        scaleTargetRef: { kind: "Deployment", name: "web" },
        metrics: [
          {
            type: "Resource",
            resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } },
          },
          { type: "Resource", resource: { name: "memory", target: { averageValue: "1Gi" } } },
          { type: "Pods", pods: { target: { averageValue: "3" } } },
        ],
      },
    },
    cells: [
      "x",
      "Deployment/web",
      "cpu: <unknown>/80%, memory: <unknown>/1Gi + 1 more...",
      "<unset>",
      5,
      0,
      "47s",
    ],
  },
  {
    says: "an Ingress with hosts and without",
    kind: "networking.k8s.io/Ingress",
    object: { spec: { rules: [{ host: "a.example.com" }, {}], tls: [{}] } },
    cells: ["x", "<none>", "a.example.com", "", "80, 443", "47s"],
  },
  {
    says: "an Ingress class",
    kind: "networking.k8s.io/IngressClass",
    object: {
      spec: { controller: "example.com/some", parameters: { apiGroup: "g", kind: "Parameters", name: "p" } },
    },
    cells: ["x", "example.com/some", "Parameters.g/p", "47s"],
  },
  {
    says: "a network policy",
    kind: "networking.k8s.io/NetworkPolicy",
    object: { spec: { podSelector: { matchLabels: { a: "b" } } } },
    cells: ["x", "a=b", "47s"],
  },
  {
    says: "a priority class",
    kind: "scheduling.k8s.io/PriorityClass",
    object: { value: 10, preemptionPolicy: "Never" },
    cells: ["x", 10, false, "47s", "Never"],
  },
  {
    says: "a storage class",
    kind: "storage.k8s.io/StorageClass",
    object: { provisioner: "example.com/p", reclaimPolicy: "Delete", volumeBindingMode: "Immediate" },
    cells: ["x", "example.com/p", "Delete", "Immediate", false, "47s"],
  },
  {
    says: "a claim",
    kind: "/PersistentVolumeClaim",
    object: {
      spec: { volumeName: "v", storageClassName: "fast", volumeMode: "Filesystem" },
      status: { phase: "Bound", capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"] },
    },
    cells: ["x", "Bound", "v", "1Gi", "RWO", "fast", "<unset>", "47s", "Filesystem"],
  },
  {
    says: "a volume",
    kind: "/PersistentVolume",
    object: {
      spec: {
        accessModes: ["ReadWriteMany"],
        capacity: { storage: "1Gi" },
        persistentVolumeReclaimPolicy: "Retain",
        claimRef: { namespace: "n", name: "c" },
        volumeMode: "Block",
      },
      status: { phase: "Bound" },
    },
    cells: ["x", "1Gi", "RWX", "Retain", "Bound", "n/c", "", "<unset>", "", "47s", "Block"],
  },
  {
    says: "a quota",
    kind: "/ResourceQuota",
    object: { status: { hard: { pods: "5", "limits.cpu": "2" }, used: { pods: "1" } } },
    cells: ["x", "pods: 1/5", "limits.cpu: 0/2", "47s"],
  },
  { says: "a limit range", kind: "/LimitRange", object: {}, cells: ["x", "2026-11-21T12:00:00Z"] },
  {
    says: "a pod template",
    kind: "/PodTemplate",
    object: { template: { metadata: { labels: { a: "b" } }, ...template } },
    cells: ["x", "c", "nginx", "a=b"],
  },
];

describe("the row of", () => {
  for (const { says, kind, object, cells } of cases)
    it(says, () => assert.deepEqual(print(kind, object), cells));
});

describe("row printers", () => {
  it("fill every column of every kind that is served", () => {
    for (const { groupVersion, kind, columns, verbs } of resourceData) {
      if (!verbs.includes("list")) continue;
      const group = groupVersion.includes("/") ? groupVersion.split("/")[0] : "";
      const example = cases.find((each) => each.kind === `${group}/${kind}`);
      assert.ok(example, `${groupVersion} ${kind} has no example`);
      assert.equal(print(example.kind, example.object).length, columns.length, kind);
    }
  });
});
