import assert from "node:assert/strict";
import { test } from "node:test";
import type { EndpointSlice, Pod, Service } from "../api/core.ts";
import {
  lastAppliedAnnotation,
  managedByAnnotation,
  podTemplateHashLabel,
  revisionAnnotation,
  revisionHistoryAnnotation,
  routedGenerationAnnotation,
  scaleDownDeadlineAnnotation,
  serviceNameLabel,
} from "../api/names.ts";
import { templateIdentity } from "../rollout/template.ts";
import { replicaSet, rollout, service } from "./small-cluster.fixture.ts";
import { trimEndpointSlice, trimPod, trimReplicaSet, trimRollout, trimService } from "./trim.ts";

test("forgets the applied manifest and keeps all other annotations", () => {
  const web = rollout("web");
  const annotations = { [lastAppliedAnnotation]: "{}", team: "blue" };
  const trimmed = trimRollout({ ...web, metadata: { ...web.metadata, annotations } });
  assert.deepEqual(trimmed, { ...web, metadata: { ...web.metadata, annotations: { team: "blue" } } });
});

test("keeps of a ReplicaSet what it says of its version, and of its template only which one it is", () => {
  const web = replicaSet("web-1", rollout("web"), "web-uid");
  const { metadata, spec } = web;
  const kept = {
    labels: { [podTemplateHashLabel]: "1" },
    annotations: {
      [revisionAnnotation]: "2",
      [revisionHistoryAnnotation]: "1",
      [scaleDownDeadlineAnnotation]: "2026-01-01T00:00:00Z",
    },
  };
  const trimmed = trimReplicaSet({
    ...web,
    metadata: {
      ...metadata,
      labels: { ...kept.labels, app: "web" },
      annotations: { ...kept.annotations, [lastAppliedAnnotation]: "{}", other: "x" },
    },
    status: { replicas: 2, availableReplicas: 1 },
  });
  const { template, ...others } = spec;
  assert.deepEqual(trimmed, {
    ...web,
    metadata: { ...metadata, ...kept },
    spec: others,
    status: { replicas: 2, availableReplicas: 1 },
    templateIdentity: templateIdentity(template),
  });
});

test("keeps of a pod its version, its owner and whether it is ready", () => {
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
      conditions: [
        { type: "Initialized", status: "True" },
        { type: "Ready", status: "False", reason: "ContainersNotReady" },
      ],
    },
  };
  assert.deepEqual(trimPod(pod), {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: "web-1-x",
      namespace: "shop",
      labels: { [podTemplateHashLabel]: "1" },
      ownerReferences: [owner],
    },
    spec: { containers: [] },
    status: { conditions: [{ type: "Ready", status: "False" }] },
  });
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
      labels: { a: "b", [serviceNameLabel]: "web" },
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
      { addresses: ["10.0.0.2"], conditions: { ready: true } },
    ],
    ports: [{ port: 80 }],
  };
  const { ports: _, ...rest } = slice;
  assert.deepEqual(trimEndpointSlice(slice), {
    ...rest,
    metadata: {
      ...slice.metadata,
      labels: { [serviceNameLabel]: "web" },
      annotations: { [routedGenerationAnnotation]: "3" },
    },
    endpoints: [
      { addresses: [], conditions: { ready: false }, targetRef: { name: "p" } },
      { addresses: ["10.0.0.2"] },
    ],
  });
});
