import assert from "node:assert/strict";
import { test } from "node:test";
import type { EndpointSlice, Service } from "../api/core.ts";
import { lastAppliedAnnotation, managedByAnnotation, routedGenerationAnnotation } from "../api/names.ts";
import { rollout, service } from "./small-cluster.fixture.ts";
import { trimApplied, trimEndpointSlice, trimService } from "./trim.ts";

test("forgets the applied manifest and keeps all other annotations", () => {
  const web = rollout("web");
  const annotations = { [lastAppliedAnnotation]: "{}", team: "blue" };
  const trimmed = trimApplied({ ...web, metadata: { ...web.metadata, annotations } });
  assert.deepEqual(trimmed, { ...web, metadata: { ...web.metadata, annotations: { team: "blue" } } });
});

test("keeps of a Service its type, its selector and who manages it", () => {
  const { apiVersion, kind, metadata, spec } = service(
    "web",
    { [managedByAnnotation]: "web", other: "x" },
    "1",
  );
  const full: Service = {
    apiVersion,
    kind,
    metadata: { ...metadata, uid: "u", resourceVersion: "7", labels: { app: "web" } },
    spec: { ...spec, type: "LoadBalancer", ports: [{ port: 80 }] },
  };
  const { name, namespace } = metadata;
  assert.deepEqual(trimService(full), {
    apiVersion,
    kind,
    metadata: {
      name,
      namespace,
      uid: "u",
      resourceVersion: "7",
      annotations: { [managedByAnnotation]: "web" },
    },
    spec: { selector: spec.selector, type: "LoadBalancer" },
  });
});

test("keeps of an EndpointSlice which pods are ready and what the traffic process has confirmed", () => {
  const slice: EndpointSlice = {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: "web-x",
      generation: 3,
      labels: { a: "b" },
      annotations: { [routedGenerationAnnotation]: "3", other: "x" },
    },
    addressType: "IPv4",
    endpoints: [
      {
        addresses: ["10.0.0.1"],
        conditions: { ready: false, serving: true, terminating: true },
        nodeName: "n",
        targetRef: { kind: "Pod", name: "p", uid: "u" },
      },
      { addresses: ["10.0.0.2"] },
    ],
    ports: [{ port: 80 }],
  };
  const { ports: _, ...rest } = slice;
  assert.deepEqual(trimEndpointSlice(slice), {
    ...rest,
    metadata: { ...slice.metadata, annotations: { [routedGenerationAnnotation]: "3" } },
    endpoints: [
      { addresses: ["10.0.0.1"], conditions: { ready: false }, targetRef: { name: "p" } },
      { addresses: ["10.0.0.2"] },
    ],
  });
});
