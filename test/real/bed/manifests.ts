import type { KubernetesObject, Pod, PodTemplateSpec, Service } from "../../../src/api/core.ts";
import type { BlueGreenStrategy, Rollout, RolloutSpec } from "../../../src/api/rollout.ts";

export const rolloutName = "web";
export const activeService = "web-active";
export const previewService = "web-preview";

export interface Setting {
  /** Of the active Service; ClusterIP where it does not say otherwise. */
  readonly activeService?: Partial<Service["spec"]>;
  readonly strategy?: BlueGreenStrategy;
  readonly spec?: Partial<RolloutSpec>;
}

/**
 * What runs in a pod where there is a node that runs pods: answers with its version. Asked to go, it goes on for a while,
 * as traffic is led elsewhere only then, and lets each kept connection end with an answer.
 */
const server = `
const { createServer } = require("node:http");
let isLeaving = false;
const server = createServer({ keepAliveTimeout: 60000 }, (request, response) => {
  request.resume();
  if (isLeaving) response.setHeader("connection", "close");
  response.end(process.env.VERSION);
});
server.listen(8080);
process.on("SIGTERM", () => { isLeaving = true; setTimeout(() => server.close(), 5000); });
`;

/** Any image with Node in it will do. Simulated nodes take the name for it. */
const image = process.env["TEAL_REAL_IMAGE"] ?? "node:24";
const missingImage = "does-not-exist:1";

export function templateOf(version: string): PodTemplateSpec {
  return {
    metadata: { labels: { app: rolloutName } },
    spec: {
      terminationGracePeriodSeconds: 30,
      containers: [
        {
          name: "app",
          image: version.startsWith("bad") ? missingImage : image,
          imagePullPolicy: "IfNotPresent",
          command: ["node", "-e", server],
          env: [{ name: "VERSION", value: version }],
          ports: [{ name: "http", containerPort: 8080 }],
          readinessProbe: { httpGet: { path: "/", port: 8080 }, periodSeconds: 1 },
        } as Container,
      ],
    },
  };
}

type Container = PodTemplateSpec["spec"]["containers"][number];

/** The version that a template or a pod runs. */
export function versionOf({ spec }: Pick<PodTemplateSpec, "spec">): string {
  return spec.containers[0]?.env?.find(({ name }) => name === "VERSION")?.value ?? "";
}

export function isAvailable({ metadata, status }: Pod): boolean {
  const ready = status?.conditions?.find(({ type }) => type === "Ready");
  return ready?.status === "True" && metadata.deletionTimestamp === undefined;
}

export function rolloutOf(version: string, { strategy, spec }: Setting): Rollout {
  return {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Rollout",
    metadata: { name: rolloutName },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: rolloutName } },
      template: templateOf(version),
      strategy: { blueGreen: { activeService, previewService, autoPromotionEnabled: false, ...strategy } },
      ...spec,
    },
  };
}

export function serviceOf(name: string, spec: Partial<Service["spec"]> = {}): Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name },
    spec: {
      selector: { app: rolloutName },
      ports: [{ name: "http", port: 80, targetPort: 8080, protocol: "TCP" }],
      ...spec,
    },
  };
}

export function namespaceOf(name: string, run: string): KubernetesObject {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name, labels: { "teal.dev/test-run": run } } };
}
