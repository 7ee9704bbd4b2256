import assert from "node:assert/strict";
import { test } from "node:test";
import type { EndpointSlice, Pod, Service } from "../../api/core.ts";
import {
  endpointSliceManagedByLabel,
  kubernetesEndpointSliceController,
  managedByAnnotation,
  podTemplateHashLabel,
  routedGenerationAnnotation,
  serviceNameLabel,
} from "../../api/names.ts";
import { endpointSliceKind, podKind, serviceKind } from "./read-kinds.ts";

test("keeps of a pod its version, its owner and its address families", () => {
  const owner = { apiVersion: "apps/v1", kind: "ReplicaSet", name: "web-1", uid: "u", controller: true };
  const pod: Pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: "web-1-x",
      namespace: "shop",
      labels: { [podTemplateHashLabel]: "1", app: "web" },
      annotations: { a: "b" },
      ownerReferences: [{ ...owner, uid: "another", controller: false }, owner],
    },
    spec: { containers: [{ name: "web", image: "web:1" }] },
    status: {
      phase: "Running",
      podIP: "10.0.0.7",
      podIPs: [{ ip: "10.0.0.7" }, { ip: "fd00::7" }],
      conditions: [
        { type: "Initialized", status: "True" },
        { type: "Ready", status: "False", reason: "ContainersNotReady" },
      ],
    },
  };
  assert.deepEqual(podKind.keep(pod), {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: "web-1-x",
      namespace: "shop",
      labels: { [podTemplateHashLabel]: "1" },
      ownerReferences: [owner],
    },
    spec: { containers: [] },
    status: { podIPs: [{ ip: "0.0.0.0" }, { ip: "::" }] },
  });
});

test("keeps of a Service its type, its selector, who manages it and what it asks of containers by name", () => {
  const [apiVersion, kind] = ["v1", "Service"];
  const metadata = {
    name: "web",
    namespace: "shop",
    annotations: { [managedByAnnotation]: "web", other: "x" },
  };
  const spec = { selector: { app: "web", [podTemplateHashLabel]: "1" } };
  const full: Service = {
    apiVersion,
    kind,
    metadata: { ...metadata, uid: "u", resourceVersion: "7", labels: { app: "web" } },
    spec: { ...spec, type: "LoadBalancer", clusterIP: "10.96.0.7", ports: [{ port: 80 }] },
  };
  const { name, namespace } = metadata;
  const kept = {
    apiVersion,
    kind,
    metadata: {
      name,
      namespace,
      uid: "u",
      resourceVersion: "7",
      annotations: { [managedByAnnotation]: "web" },
    },
  };
  const { selector } = spec;
  assert.deepEqual(serviceKind.keep(full), { ...kept, spec: { selector, type: "LoadBalancer" } });
  const ports = [
    { name: "web", port: 80, targetPort: "http", protocol: "TCP" },
    { name: "raw", port: 81, targetPort: 8081 },
  ];
  assert.deepEqual(serviceKind.keep({ ...full, spec: { ...spec, clusterIP: "None", ports } }), {
    ...kept,
    spec: { selector, clusterIP: "None", ports: [{ name: "web", port: 80, targetPort: "http" }] },
  });
});

test("keeps of an EndpointSlice which pods it lists, what differs from being ready, and what the traffic process has confirmed", () => {
  const slice: EndpointSlice = {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: "web-x",
      namespace: "shop",
      generation: 3,
      labels: {
        a: "b",
        [serviceNameLabel]: "web",
        [endpointSliceManagedByLabel]: kubernetesEndpointSliceController,
      },
      annotations: { [routedGenerationAnnotation]: "3", other: "x" },
    },
    addressType: "IPv4",
    endpoints: [
      {
        addresses: ["10.0.0.1"],
        conditions: { ready: false, serving: true, terminating: true },
        nodeName: "n",
        targetRef: { kind: "Pod", name: "p", namespace: "shop", uid: "u" },
      },
      {
        addresses: ["10.0.0.2"],
        conditions: { ready: true, serving: true, terminating: false },
        targetRef: { kind: "Pod", name: "q" },
      },
      { addresses: ["10.0.0.3"], conditions: { ready: true }, targetRef: { kind: "Node", name: "n" } },
    ],
    ports: [{ name: "http", port: 80, protocol: "TCP" }],
  };
  const labels = {
    [serviceNameLabel]: "web",
    [endpointSliceManagedByLabel]: kubernetesEndpointSliceController,
  };
  assert.deepEqual(endpointSliceKind.keep(slice), {
    ...slice,
    metadata: { ...slice.metadata, labels, annotations: { [routedGenerationAnnotation]: "3" } },
    endpoints: [
      {
        addresses: [],
        conditions: { ready: false, serving: true, terminating: true },
        targetRef: { name: "p" },
      },
      { addresses: [], targetRef: { name: "q" } },
      { addresses: ["10.0.0.3"] },
    ],
    ports: [{ name: "http" }],
  });
});

test("keeps of a foreign EndpointSlice only who manages it and whether it lists anything", () => {
  const manager = { [endpointSliceManagedByLabel]: "mesh.example.com" };
  const slice: EndpointSlice = {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "web-y", labels: { ...manager, [serviceNameLabel]: "web" } },
    addressType: "IPv6",
    endpoints: Array.from({ length: 100 }, (_, n) => ({ addresses: [`fd00::${n}`] })),
    ports: [{ name: "http", port: 80 }],
  };
  const { ports: _, ...rest } = slice;
  const kept = { ...rest, metadata: { ...rest.metadata, annotations: {} } };
  assert.deepEqual(endpointSliceKind.keep(slice), { ...kept, endpoints: [{ addresses: [] }] });
  assert.deepEqual(endpointSliceKind.keep({ ...slice, endpoints: [] }), { ...kept, endpoints: [] });
  assert.deepEqual(endpointSliceKind.keep({ ...slice, endpoints: null }), { ...kept, endpoints: [] });
});
