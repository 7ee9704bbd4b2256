import { longestGraceSeconds } from "../cluster/supervisor/departure.ts";
import { runningPods } from "../cluster/supervisor/leftover-pods.ts";
import type { Part, Place } from "../cluster/supervisor/part.ts";

const graceSeconds = 45;
const mostPodsNamed = 3;

/** What `teal up` starts, in this order; it stops them in the reverse one. */
export const parts: readonly Part[] = [
  {
    name: "api-server",
    title: "API server",
    needs: [],
    arguments: (place) => ["part", "api-server", ...whereabouts(place)],
    // Written when the cluster comes up; a file that people change must not keep the API server from coming back.
    firstArguments: ({ kubeconfig, addOns = [] }) => [
      ...(kubeconfig === undefined ? [] : ["--kubeconfig", kubeconfig]),
      ...(addOns.length === 0 ? [] : ["--with", addOns.join(",")]),
    ],
    graceSeconds,
    load: async () => (await import("./api-server.ts")).apiServerPart,
  },
  {
    name: "node",
    title: "node",
    needs: ["api-server"],
    arguments: (place) => ["part", "node", ...whereabouts(place)],
    // It has its pods to wait for.
    graceSeconds: longestGraceSeconds + graceSeconds,
    remaining: (data) => someOf(runningPods(data)),
    load: async () => (await import("./node.ts")).nodePart,
  },
  {
    name: "traffic",
    title: "traffic",
    needs: ["api-server"],
    arguments: (place) => ["part", "traffic", ...whereabouts(place)],
    keepsSockets: true,
    graceSeconds,
    load: async () => (await import("./traffic.ts")).trafficPart,
  },
  {
    name: "registry",
    title: "registry",
    needs: [],
    isWanted: ({ registry }) => registry !== undefined,
    arguments: (place) => ["part", "registry", ...whereabouts(place), "--registry", String(place.registry)],
    graceSeconds,
    load: async () => (await import("./registry.ts")).registryPart,
  },
  // The same `teal controller` that people run on any other Kubernetes.
  {
    name: "controller",
    title: "controller",
    needs: ["api-server"],
    isWanted: ({ hasController }) => hasController ?? true,
    arguments: ({ data }) => ["controller", "--kubeconfig", data.kubeconfig],
    graceSeconds,
  },
];

function whereabouts({
  data,
  port,
  block,
  addressing,
  address,
  sync,
  authorization,
  context,
}: Place): readonly string[] {
  const place = ["--data", data.path, "--port", String(port), "--block", String(block), "--name", context];
  return [
    ...place,
    "--addresses",
    addressing,
    ...(address === undefined ? [] : ["--address", address]),
    ...(sync === undefined ? [] : ["--sync", sync]),
    ...(authorization === undefined ? [] : ["--authorization", authorization]),
  ];
}

function someOf(pods: readonly string[]): string {
  const more = pods.length - mostPodsNamed;
  const named = pods.slice(0, mostPodsNamed).join(", ");
  return pods.length === 0 ? "" : `pods: ${named}${more > 0 ? ` and ${more} more` : ""}`;
}
