import type { PodTemplateSpec, Service } from "../../../src/api/core.ts";
import type { Rollout } from "../../../src/api/rollout.ts";
import { type Application, imageOf } from "./setting.ts";

export const namespace = "default";

export function rolloutManifest(application: Application, version: string): Rollout {
  const { name, strategy, spec } = application;
  return {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Rollout",
    metadata: { name, namespace },
    spec: {
      selector: { matchLabels: { app: name } },
      template: templateOf(name, version),
      strategy: { blueGreen: strategy },
      ...spec,
    },
  };
}

export function templateOf(name: string, version: string): PodTemplateSpec {
  return {
    metadata: { labels: { app: name } },
    spec: {
      containers: [{ name: "app", image: imageOf(name, version), ports: [{ containerPort: 5000 }] }],
    },
  };
}

export function serviceManifest(application: string, service: string): Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: service, namespace },
    spec: { selector: { app: application }, ports: [{ port: 80, targetPort: 5000, protocol: "TCP" }] },
  };
}

/** The Services that the application's manifests bring along. */
export function servicesOf({ strategy }: Application): readonly string[] {
  return [strategy.activeService, strategy.previewService].filter((name) => name !== undefined);
}
