import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { EndpointSlice, Pod, Service } from "../../src/api/core.ts";
import {
  embeddedEndpointSliceController,
  endpointSliceManagedByLabel,
  managedByAnnotation,
  podTemplateHashLabel,
  routedGenerationAnnotation,
} from "../../src/api/names.ts";
import type { Observed, RouteWrite } from "../../src/traffic/router.ts";
import { serviceRouter } from "../../src/traffic/service/service-router.ts";
import { type RouterBed, routerConformance } from "./router.ts";

const route = { role: "active", namespace: "shop", service: "web" } as const;

class ServiceBed implements RouterBed {
  readonly route = route;
  service: Service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web", namespace: "shop", uid: "u", resourceVersion: "1" },
    spec: { selector: { app: "web" }, ports: [{ port: 80 }] },
  };
  slice: EndpointSlice = {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "web-x", generation: 1 },
    addressType: "IPv4",
    endpoints: [],
  };
  readonly observed: Observed = {
    service: (_, name) => (name === "web" ? this.service : undefined),
    endpointSlices: () => [this.slice],
    pod: (_, name) => this.pod(name),
  };

  pod(name: string): Pod {
    const labels = { app: "web", [podTemplateHashLabel]: name };
    return { apiVersion: "v1", kind: "Pod", metadata: { name, labels }, spec: { containers: [] } };
  }

  apply(write: RouteWrite): void {
    const { spec } = write.patch as { readonly spec: { readonly selector: Record<string, string> } };
    this.service = {
      ...this.service,
      spec: { ...this.service.spec, selector: { ...this.service.spec.selector, ...spec.selector } },
    };
  }

  strip(): void {
    this.service = { ...this.service, spec: { ...this.service.spec, selector: { app: "web" } } };
    this.takeEffect();
  }

  takeEffect(): void {
    const hash = this.service.spec.selector?.[podTemplateHashLabel];
    this.endpoints(hash === undefined ? ["blue", "green"] : [hash]);
  }

  endpoints(ready: readonly string[], unready: readonly string[] = []): void {
    const of = (name: string, isReady: boolean) => ({
      addresses: ["127.0.0.1"],
      conditions: { ready: isReady },
      targetRef: { kind: "Pod", name },
    });
    const endpoints = [...ready.map((name) => of(name, true)), ...unready.map((name) => of(name, false))];
    const generation = (this.slice.metadata.generation ?? 0) + 1;
    this.slice = { ...this.slice, metadata: { ...this.slice.metadata, generation }, endpoints };
  }

  mark(labels: Record<string, string>, annotations: Record<string, string>): void {
    this.slice = { ...this.slice, metadata: { ...this.slice.metadata, labels, annotations } };
  }
}

routerConformance(serviceRouter, () => new ServiceBed());

describe("the Service router", () => {
  const blue = (): ServiceBed => {
    const bed = new ServiceBed();
    for (const write of serviceRouter.writes(route, "blue", "web", bed.observed)) bed.apply(write);
    return bed;
  };
  const verdict = (bed: ServiceBed): string => serviceRouter.verify(route, "blue", bed.observed).is;

  it("writes the managed-by annotation once, and leaves the user's selector keys alone", () => {
    const bed = new ServiceBed();
    assert.deepEqual(serviceRouter.writes(route, "blue", "shop-web", bed.observed)[0]?.patch, {
      metadata: { annotations: { [managedByAnnotation]: "shop-web" } },
      spec: { selector: { [podTemplateHashLabel]: "blue" } },
    });
    bed.service = {
      ...bed.service,
      metadata: { ...bed.service.metadata, annotations: { [managedByAnnotation]: "shop-web" } },
    };
    assert.deepEqual(serviceRouter.writes(route, "blue", "shop-web", bed.observed)[0]?.patch, {
      spec: { selector: { [podTemplateHashLabel]: "blue" } },
    });
  });

  it("does not call a Service routed that has no ready endpoint", () => {
    const bed = blue();
    bed.endpoints([], ["blue"]);
    assert.equal(verdict(bed), "pending");
  });

  it("does not mind endpoints of the old version that are not ready", () => {
    const bed = blue();
    bed.endpoints(["blue"], ["green"]);
    assert.equal(verdict(bed), "routed");
  });

  it("does not call it routed while an endpoint's pod is unknown", () => {
    const bed = blue();
    bed.endpoints(["blue", "stranger"]);
    bed.pod = (name) => ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, labels: name === "blue" ? { [podTemplateHashLabel]: "blue" } : {} },
      spec: { containers: [] },
    });
    assert.equal(verdict(bed), "pending");
  });

  it("waits on the embedded cluster for the traffic process to confirm the slice's generation", () => {
    const bed = blue();
    bed.takeEffect();
    const labels = { [endpointSliceManagedByLabel]: embeddedEndpointSliceController };
    bed.mark(labels, { [routedGenerationAnnotation]: "1" });
    assert.equal(verdict(bed), "pending");
    bed.mark(labels, { [routedGenerationAnnotation]: String(bed.slice.metadata.generation) });
    assert.equal(verdict(bed), "routed");
  });

  it("tells why a Service cannot be used", () => {
    const bed = new ServiceBed();
    assert.equal(serviceRouter.problem(route, bed.observed), undefined);
    assert.match(
      serviceRouter.problem({ ...route, service: "gone" }, bed.observed) ?? "",
      /"gone" not found/,
    );
    bed.service = { ...bed.service, spec: { type: "ExternalName" } };
    assert.match(serviceRouter.problem(route, bed.observed) ?? "", /ExternalName/);
  });
});
