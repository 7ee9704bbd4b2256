import type { Pod, PodStatus } from "../../api/core.ts";

export interface PodShape {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly phase?: string;
  readonly ready?: boolean;
  /** Second of the first minute of 2026 at which the pod became ready or unready. */
  readonly since?: number;
  readonly created?: number;
  readonly restarts?: number;
  readonly node?: string | undefined;
  readonly ip?: string;
  readonly terminating?: boolean;
  readonly ports?: NonNullable<Pod["spec"]["containers"][number]["ports"]>;
}

/** A pod for tests: running and ready unless told otherwise. */
export function pod(shape: PodShape): Pod {
  const { name, phase = "Running", ready = true, since = 0, created = 0, restarts = 0, ip } = shape;
  const node = "node" in shape ? shape.node : "laptop";
  const status: PodStatus = {
    phase,
    ...(ip === undefined ? {} : { podIP: ip }),
    conditions: [{ type: "Ready", status: ready ? "True" : "False", lastTransitionTime: second(since) }],
    containerStatuses: [{ name: "app", image: "app", imageID: "", ready, restartCount: restarts }],
  };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace: "default",
      uid: `uid-${name}`,
      creationTimestamp: second(created),
      ...(shape.labels === undefined ? {} : { labels: shape.labels }),
      ...(shape.annotations === undefined ? {} : { annotations: shape.annotations }),
      ...(shape.terminating === true ? { deletionTimestamp: second(0) } : {}),
    },
    spec: {
      containers: [{ name: "app", image: "app", ports: shape.ports ?? [] }],
      ...(node === undefined ? {} : { nodeName: node }),
    },
    status,
  };
}

function second(n: number): string {
  return `2026-01-01T00:00:${String(n).padStart(2, "0")}Z`;
}
