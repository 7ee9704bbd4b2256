import type { Endpoint, EndpointSlice, KubernetesObject, Pod, Service } from "../../src/api/core.ts";
import {
  endpointSliceManagedByLabel,
  kubernetesEndpointSliceController,
  podTemplateHashLabel,
  serviceNameLabel,
} from "../../src/api/names.ts";
import { type Resource, resources } from "../../src/api/resources.ts";
import type { ServiceRoute } from "../../src/api/strategy.ts";
import { applyMergePatch } from "../../src/cluster/api-server/patch/merge-patch.ts";
import type { Objects } from "../../src/traffic/objects.ts";
import type { Owner, RouteWrite, Side } from "../../src/traffic/router.ts";
import { serviceRouter } from "../../src/traffic/service/service-router.ts";
import type { RouterBed } from "./router.ts";

export const label = podTemplateHashLabel;
export const side = (value: string): Side => ({ label, value });
export const owner = (name: string): Owner => ({ kind: "Rollout", namespace: "shop", name });

export function routeTo(name: string): ServiceRoute {
  return { kind: "service", role: "active", namespace: "shop", name, field: "spec.activeService" };
}

export const route = routeTo("web");

/** Why a Rollout whose pods the Service selects cannot use it. */
export function problem(of: ServiceRoute, objects: Objects): string | undefined {
  const tenant = { owner: owner("web"), podLabels: { app: "web" }, label, claims: [] };
  return serviceRouter.problems(of, tenant, objects)[0];
}

/** A Service, the EndpointSlices that a test gives it, and pods that are named after their version: `blue-1`, `green-2`. */
export class ServiceBed implements RouterBed {
  readonly route = route;
  service: Service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web", namespace: "shop", uid: "u", resourceVersion: "1" },
    spec: { selector: { app: "web" }, ports: [{ port: 80 }] },
  };
  slices: readonly EndpointSlice[] = [];
  /** What the pod cache answers instead of a pod that is as its name says. */
  readonly odd = new Map<string, Pod | undefined>();
  readonly objects: Objects = {
    get: <T extends KubernetesObject>({ kind }: Resource, _: string, name: string) => {
      if (kind === resources.pods.kind)
        return (this.odd.has(name) ? this.odd.get(name) : pod(name)) as T | undefined;
      return name === "web" ? (this.service as KubernetesObject as T) : undefined;
    },
    about: <T extends KubernetesObject>() => this.slices as readonly KubernetesObject[] as readonly T[],
  };

  apply(write: RouteWrite): void {
    this.service = applyMergePatch(this.service, write.patch) as Service;
  }

  select(hash: string): this {
    const selector = { app: "web", [podTemplateHashLabel]: hash };
    this.service = { ...this.service, spec: { ...this.service.spec, selector } };
    return this;
  }

  strip(): void {
    this.service = { ...this.service, spec: { ...this.service.spec, selector: { app: "web" } } };
    this.takeEffect(2);
  }

  takeEffect(podsEach: 0 | 1 | 2): void {
    const hash = this.service.spec.selector?.[podTemplateHashLabel];
    const names = (hash === undefined ? ["blue", "green"] : [hash]).flatMap((version) =>
      [`${version}-1`, `${version}-2`].slice(0, podsEach),
    );
    this.slices = [slice({ endpoints: names.map((name) => ready(name)) })];
  }
}

/** Its hash is what its name begins with; no hash when that is `none`. */
export function pod(name: string, podIPs?: readonly string[]): Pod {
  const [hash = ""] = name.split("-");
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "shop", labels: hash === "none" ? {} : { [podTemplateHashLabel]: hash } },
    spec: { containers: [] },
    ...(podIPs === undefined ? {} : { status: { podIPs: podIPs.map((ip) => ({ ip })) } }),
  };
}

interface SliceFacts {
  readonly name?: string;
  /** Who manages it; Kubernetes when not said, nobody when undefined. */
  readonly by?: string | undefined;
  readonly addressType?: string;
  readonly endpoints?: EndpointSlice["endpoints"];
  readonly ports?: EndpointSlice["ports"];
  readonly annotations?: Readonly<Record<string, string>>;
}

export function slice(facts: SliceFacts): EndpointSlice {
  const { name = "web-x", addressType = "IPv4", endpoints = [], annotations } = facts;
  const manager = "by" in facts ? facts.by : kubernetesEndpointSliceController;
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name,
      namespace: "shop",
      generation: 4,
      labels: {
        [serviceNameLabel]: "web",
        ...(manager === undefined ? {} : { [endpointSliceManagedByLabel]: manager }),
      },
      ...(annotations === undefined ? {} : { annotations }),
    },
    addressType,
    endpoints,
    ports: facts.ports === undefined ? [{ name: "", port: 8080, protocol: "TCP" }] : facts.ports,
  };
}

/** An endpoint with exactly these conditions; none means that the field is absent. */
export function endpoint(podName: string, conditions?: Endpoint["conditions"]): Endpoint {
  return {
    addresses: ["10.0.0.1"],
    ...(conditions === undefined ? {} : { conditions }),
    targetRef: { kind: "Pod", name: podName, namespace: "shop" },
  };
}

export function ready(podName: string): Endpoint {
  return endpoint(podName, { ready: true, serving: true, terminating: false });
}

/** Failing its readiness probe. */
export function unready(podName: string): Endpoint {
  return endpoint(podName, { ready: false, serving: false, terminating: false });
}

/** Being deleted, and still answering. */
export function leaving(podName: string): Endpoint {
  return endpoint(podName, { ready: false, serving: true, terminating: true });
}

/** Being deleted, and not answering any more. */
export function gone(podName: string): Endpoint {
  return endpoint(podName, { ready: false, serving: false, terminating: true });
}
