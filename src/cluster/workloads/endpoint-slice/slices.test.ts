import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { EndpointSlice, Service } from "../../../api/core.ts";
import { portMapAnnotation } from "../../../api/names.ts";
import { type PodShape, pod } from "../pods.fixture.ts";
import { sliceChanges } from "./slice-changes.ts";
import { type SliceContent, slicesOf } from "./slices.ts";

const labels = { app: "web" };

function service(spec: Partial<Service["spec"]> = {}): Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web", namespace: "default" },
    spec: { selector: labels, ports: [{ port: 80, targetPort: 5000 }], ...spec },
  };
}

const webPod = (name: string, ip: string, shape: Partial<PodShape> = {}) =>
  pod({ name, ip, labels, ...shape });

const addresses = (slices: readonly SliceContent[]) =>
  slices.map(({ endpoints }) => endpoints.flatMap((endpoint) => endpoint.addresses));

describe("what the slices of a Service say", () => {
  test("one slice lists every pod that the selector takes, with where it runs and what it is", () => {
    const pods = [
      webPod("b", "127.9.0.3"),
      webPod("a", "127.9.0.2"),
      pod({ name: "other", ip: "127.9.0.4", labels: { app: "db" } }),
    ];
    const [slice, ...more] = slicesOf(service(), pods);
    assert.deepEqual(more, []);
    assert.deepEqual(slice?.ports, [{ name: "", port: 5000, protocol: "TCP" }]);
    assert.deepEqual(
      slice?.endpoints.map(({ targetRef }) => targetRef?.name),
      ["a", "b"],
    );
    assert.deepEqual(slice?.endpoints[0], {
      addresses: ["127.9.0.2"],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: "laptop",
      targetRef: { kind: "Pod", name: "a", namespace: "default", uid: "uid-a" },
    });
  });

  const conditions = (shape: Partial<PodShape>, spec: Partial<Service["spec"]> = {}) =>
    slicesOf(service(spec), [webPod("a", "127.9.0.2", shape)])[0]?.endpoints[0]?.conditions;

  test("a pod that is not ready is listed as such", () => {
    assert.deepEqual(conditions({ ready: false }), { ready: false, serving: false, terminating: false });
  });

  test("a ready pod that is being deleted still serves but is not ready", () => {
    assert.deepEqual(conditions({ terminating: true }), { ready: false, serving: true, terminating: true });
  });

  test("publishNotReadyAddresses calls every pod ready", () => {
    assert.deepEqual(conditions({ ready: false }, { publishNotReadyAddresses: true }), {
      ready: true,
      serving: false,
      terminating: false,
    });
  });

  test("pods without an address, and pods that have ended, are left out", () => {
    const pods = [pod({ name: "new", labels }), webPod("done", "127.9.0.2", { phase: "Failed" })];
    assert.deepEqual(addresses(slicesOf(service(), pods)), [[]]);
  });

  test("a named target port is looked up in each pod, and pods are parted by the number found", () => {
    const named = (name: string, ip: string, containerPort: number) =>
      webPod(name, ip, { ports: [{ name: "http", containerPort }] });
    const spec = { ports: [{ name: "web", port: 80, targetPort: "http" }] };
    const slices = slicesOf(service(spec), [
      named("a", "127.9.0.2", 5000),
      named("b", "127.9.0.3", 6000),
      named("c", "127.9.0.4", 5000),
    ]);
    assert.deepEqual(addresses(slices), [["127.9.0.2", "127.9.0.4"], ["127.9.0.3"]]);
    assert.deepEqual(
      slices.map(({ ports }) => ports[0]?.port),
      [5000, 6000],
    );
  });

  test("pods whose real ports differ from their manifest's are listed with the real ones", () => {
    const mapped = (name: string, real: number) =>
      webPod(name, "127.0.0.1", { annotations: { [portMapAnnotation]: `{"5000":${real}}` } });
    const slices = slicesOf(service(), [mapped("a", 41007), mapped("b", 41008)]);
    assert.deepEqual(
      slices.map(({ ports }) => ports[0]?.port),
      [41007, 41008],
    );
  });

  test("a port map that is no map changes nothing", () => {
    const odd = webPod("a", "127.9.0.2", { annotations: { [portMapAnnotation]: "5000:41007" } });
    assert.equal(slicesOf(service(), [odd])[0]?.ports[0]?.port, 5000);
  });
});

describe("what is written to get there", () => {
  const slice = (name: string, { ports, endpoints }: SliceContent): EndpointSlice => ({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name },
    addressType: "IPv4",
    ports,
    endpoints,
  });
  const contentOf = (...pods: readonly ReturnType<typeof webPod>[]): SliceContent => {
    const [content] = slicesOf(service(), pods);
    assert.ok(content);
    return content;
  };
  const old = contentOf(webPod("old", "127.9.0.2"));
  const fresh = contentOf(webPod("new", "127.9.0.3"));

  test("a switch to other pods keeps the slice", () => {
    const existing = slice("web-abcde", old);
    assert.deepEqual(sliceChanges([fresh], [existing]), {
      create: [],
      keep: [{ slice: existing, content: fresh }],
      delete: [],
    });
  });

  test("a slice with other ports is taken over rather than deleted", () => {
    const existing = slice("web-abcde", { ...old, ports: [] });
    assert.deepEqual(sliceChanges([fresh], [existing]).keep, [{ slice: existing, content: fresh }]);
  });

  test("a slice with the wanted ports is preferred to the first one", () => {
    const other = slice("web-aaaaa", { ...old, ports: [{ name: "", port: 9, protocol: "TCP" }] });
    const fitting = slice("web-bbbbb", old);
    const changes = sliceChanges([fresh], [other, fitting]);
    assert.deepEqual(changes.keep, [{ slice: fitting, content: fresh }]);
    assert.deepEqual(changes.delete, [other]);
  });

  test("what has no slice yet gets one", () => {
    assert.deepEqual(sliceChanges([fresh], []), { create: [fresh], keep: [], delete: [] });
  });
});
