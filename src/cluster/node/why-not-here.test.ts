import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod } from "../../api/core.ts";
import { type NodeObject, whyNotHere } from "./why-not-here.ts";

const labels = { "kubernetes.io/hostname": "teal", disk: "ssd", generation: "3" };
const allocatable = { cpu: "2", memory: "8Gi", pods: "1000" };

function nodeWith(spec: NodeObject["spec"] = {}): NodeObject {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: "teal", labels },
    spec,
    status: { allocatable },
  };
}

function podWith(spec: object, podLabels: Record<string, string> = {}): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web", namespace: "shop", labels: podLabels },
    spec: { containers: [{ name: "web" }], ...spec },
  };
}

const requesting = (requests: object) => ({ containers: [{ name: "web", resources: { requests } }] });
const onNode = (...matchExpressions: readonly object[]) => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions }] },
    },
  },
});
const term = { topologyKey: "kubernetes.io/hostname", labelSelector: { matchLabels: { app: "web" } } };
const beside = (kind: string) => ({
  affinity: { [kind]: { requiredDuringSchedulingIgnoredDuringExecution: [term] } },
});
const port = { containers: [{ name: "web", ports: [{ containerPort: 80, hostPort: 8080 }] }] };
const taints = [{ key: "only", value: "gpu", effect: "NoSchedule" }];

const never = (text: string) =>
  `0/1 nodes are available: ${text}. no new claims to deallocate, preemption: 0/1 nodes are available: ` +
  "1 Preemption is not helpful for scheduling.";
const later = (text: string) =>
  never(text).replace(
    "1 Preemption is not helpful for scheduling.",
    "1 No preemption victims found for incoming pod.",
  );

// The texts are those of kube-scheduler v1.34 with one node.
const refused: readonly [string, Pod, NodeObject, readonly Pod[], string][] = [
  [
    "a cordoned node",
    podWith({}),
    nodeWith({ unschedulable: true }),
    [],
    never("1 node(s) were unschedulable"),
  ],
  ["a taint", podWith({}), nodeWith({ taints }), [], never("1 node(s) had untolerated taint(s)")],
  [
    "a taint of another value than is tolerated",
    podWith({ tolerations: [{ key: "only", value: "cpu" }] }),
    nodeWith({ taints }),
    [],
    never("1 node(s) had untolerated taint(s)"),
  ],
  [
    "a node selector",
    podWith({ nodeSelector: { disk: "tape" } }),
    nodeWith(),
    [],
    never("1 node(s) didn't match Pod's node affinity/selector"),
  ],
  [
    "a required node affinity",
    podWith(onNode({ key: "disk", operator: "NotIn", values: ["ssd"] })),
    nodeWith(),
    [],
    never("1 node(s) didn't match Pod's node affinity/selector"),
  ],
  [
    "requests beyond what the node has, all of them",
    podWith(requesting({ cpu: "3", memory: "9Gi", "example.com/gpu": "1" })),
    nodeWith(),
    [],
    never("1 Insufficient cpu, 1 Insufficient example.com/gpu, 1 Insufficient memory"),
  ],
  [
    "a port of the host that another pod has",
    podWith(port),
    nodeWith(),
    [podWith(port)],
    later("1 node(s) didn't have free ports for the requested pod ports"),
  ],
  [
    "a pod that it must not be beside",
    podWith(beside("podAntiAffinity")),
    nodeWith(),
    [podWith({}, { app: "web" })],
    later("1 node(s) didn't match pod anti-affinity rules"),
  ],
  [
    "a place to be beside others that the node is none of",
    podWith({
      affinity: {
        podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ ...term, topologyKey: "rack" }] },
      },
    }),
    nodeWith(),
    [podWith({}, { app: "web" })],
    never("1 node(s) didn't match pod affinity rules"),
  ],
  [
    "no pod that it must be beside",
    podWith(beside("podAffinity")),
    nodeWith(),
    [podWith({}, { app: "db" })],
    never("1 node(s) didn't match pod affinity rules"),
  ],
];
for (const [what, pod, node, others, message] of refused)
  test(`keeps a pod off for ${what}`, () => {
    assert.deepEqual(whyNotHere(pod, node, others), { reason: "Unschedulable", message });
  });

const taken: readonly [string, Pod, NodeObject, readonly Pod[]][] = [
  [
    "that tolerates the cordon",
    podWith({ tolerations: [{ operator: "Exists" }] }),
    nodeWith({ unschedulable: true }),
    [],
  ],
  [
    "that tolerates the taint",
    podWith({ tolerations: [{ key: "only", value: "gpu" }] }),
    nodeWith({ taints }),
    [],
  ],
  [
    "where a taint is only a preference",
    podWith({}),
    nodeWith({ taints: [{ key: "only", effect: "PreferNoSchedule" }] }),
    [],
  ],
  [
    "that must not be beside another in a place that the node is none of",
    podWith({
      affinity: {
        podAntiAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [{ ...term, topologyKey: "rack" }],
        },
      },
    }),
    nodeWith(),
    [podWith({}, { app: "web" })],
  ],
  [
    "whose node affinity is met",
    podWith(
      onNode({ key: "disk", operator: "Exists" }, { key: "generation", operator: "Gt", values: ["2"] }),
    ),
    nodeWith(),
    [],
  ],
  ["that requests all that there is", podWith(requesting({ cpu: "2000m", memory: "8Gi" })), nodeWith(), []],
  [
    "that is the first of those that want to be together",
    podWith(beside("podAffinity"), { app: "web" }),
    nodeWith(),
    [],
  ],
];
for (const [what, pod, node, others] of taken)
  test(`takes a pod ${what}`, () => {
    assert.equal(whyNotHere(pod, node, others), undefined);
  });

test("leaves a pod alone whose gates are closed", () => {
  const pod = podWith({ schedulingGates: [{ name: "example.com/gate" }] });
  assert.equal(whyNotHere(pod, nodeWith(), [])?.reason, "SchedulingGated");
});
