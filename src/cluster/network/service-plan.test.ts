import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Endpoint, EndpointSlice, Service, ServicePort } from "../../api/core.ts";
import { planService } from "./service-plan.ts";

function service(spec: Partial<Service["spec"]>): Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { namespace: "shop", name: "web" },
    spec: { type: "ClusterIP", clusterIP: "127.8.64.2", ports: [{ port: 80 }], ...spec },
  };
}

function slice(
  endpoints: EndpointSlice["endpoints"],
  ports: EndpointSlice["ports"] = [{ name: "", port: 5000 }],
): EndpointSlice {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "web-1" },
    addressType: "IPv4",
    endpoints,
    ...(ports === undefined ? {} : { ports }),
  };
}

const pod = (address: string, conditions: Endpoint["conditions"] = { ready: true }): Endpoint => ({
  addresses: [address],
  conditions,
});
const portsOf = (ports: readonly ServicePort[], slices: readonly EndpointSlice[] = []) =>
  planService(service({ ports }), slices)?.ports ?? [];

describe("the plan of a Service", () => {
  test("is none for a headless Service, an ExternalName and one that has no address yet", () => {
    assert.equal(planService(service({ clusterIP: "None" }), []), undefined);
    assert.equal(planService(service({ type: "ExternalName" }), []), undefined);
    const { clusterIP: _none, ...spec } = service({}).spec;
    assert.equal(planService({ ...service({}), spec }, []), undefined);
  });

  test("routes to the pods that are ready, of all slices, each once", () => {
    const slices = [
      slice([pod("127.8.0.2"), pod("127.8.0.3", { ready: false }), pod("127.8.0.4", {})]),
      slice([pod("127.8.0.2"), pod("127.8.0.5")]),
    ];
    assert.deepEqual(
      portsOf([{ port: 80 }], slices)[0]?.endpoints.map(({ address }) => address),
      ["127.8.0.2", "127.8.0.4", "127.8.0.5"],
    );
  });

  test("has no endpoints where a slice has none, as Kubernetes writes it", () => {
    assert.deepEqual(portsOf([{ port: 80 }], [slice(null)])[0]?.endpoints, []);
  });

  test("leaves out a port that nothing can be connected to", () => {
    const slices = [slice([pod("127.8.0.2")], [{ name: "", port: 70_000 }])];
    assert.deepEqual(portsOf([{ port: 80 }], slices)[0]?.endpoints, []);
  });

  test("finds the pods' port in the slice by the name of the Service's port", () => {
    const slices = [
      slice(
        [pod("127.8.0.2")],
        [
          { name: "web", port: 5000, protocol: "TCP" },
          { name: "admin", port: 9000, protocol: "TCP" },
          { name: "web", port: 53, protocol: "UDP" },
        ],
      ),
    ];
    const ports = portsOf(
      [
        { name: "admin", port: 81 },
        { name: "web", port: 80 },
        { name: "other", port: 82 },
      ],
      slices,
    );
    assert.deepEqual(
      ports.map((port) => port.endpoints.map((endpoint) => endpoint.port)),
      [[9000], [5000], []],
    );
  });

  test("routes to pods on their way out that still serve only where none is ready", () => {
    const leaving = (address: string, serving?: boolean) =>
      pod(address, { ready: false, terminating: true, ...(serving === undefined ? {} : { serving }) });
    const routed = (...endpoints: readonly Endpoint[]) =>
      portsOf([{ port: 80 }], [slice(endpoints.slice(0, 1)), slice(endpoints.slice(1))])[0]?.endpoints.map(
        ({ address }) => address,
      );
    const unready = pod("127.8.0.5", { ready: false, serving: true });
    assert.deepEqual(routed(leaving("127.8.0.3", true), pod("127.8.0.2")), ["127.8.0.2"]);
    assert.deepEqual(routed(leaving("127.8.0.3", true), leaving("127.8.0.4", false), unready), ["127.8.0.3"]);
    assert.deepEqual(routed(leaving("127.8.0.3"), unready), ["127.8.0.3"]);
    assert.deepEqual(routed(leaving("127.8.0.3", false), unready), []);
  });

  test("has node ports only for the types that expose them", () => {
    const ports = [{ port: 80, nodePort: 30080 }];
    assert.equal(planService(service({ ports }), [])?.ports[0]?.nodePort, undefined);
    for (const type of ["NodePort", "LoadBalancer"]) {
      assert.equal(planService(service({ type, ports }), [])?.ports[0]?.nodePort, 30080);
    }
  });

  test("leads UDP ports to those of the pods, and leaves SCTP out", () => {
    const ports = [
      { name: "dns", port: 53, protocol: "UDP" },
      { name: "dns-tcp", port: 53 },
      { name: "s", port: 90, protocol: "SCTP" },
    ];
    const slices = [
      slice(
        [pod("127.8.0.2")],
        [
          { name: "dns", port: 5353, protocol: "UDP" },
          { name: "dns-tcp", port: 5353, protocol: "TCP" },
        ],
      ),
    ];
    assert.deepEqual(
      portsOf(ports, slices).map(({ name, transport, endpoints }) => [name, transport, endpoints.length]),
      [
        ["dns", "UDP", 1],
        ["dns-tcp", undefined, 1],
      ],
    );
  });

  test("leads who comes from outside to pods of this node only, where the Service says so", () => {
    const here = { ...pod("127.8.0.2"), nodeName: "teal" };
    const slices = [slice([here, pod("192.0.2.7")])];
    const addressesIn = (endpoints: readonly { readonly address: string }[] | undefined) =>
      endpoints?.map(({ address }) => address);
    const policies = { externalTrafficPolicy: "Local", internalTrafficPolicy: "Cluster" };
    const plan = planService(
      service({ type: "LoadBalancer", healthCheckNodePort: 31_000, ...policies }),
      slices,
    );
    assert.deepEqual(addressesIn(plan?.ports[0]?.endpoints), ["127.8.0.2", "192.0.2.7"]);
    assert.deepEqual(addressesIn(plan?.ports[0]?.externalEndpoints), ["127.8.0.2"]);
    assert.equal(plan?.healthCheckPort, 31_000);
    const inner = planService(service({ internalTrafficPolicy: "Local" }), slices)?.ports[0];
    assert.deepEqual(addressesIn(inner?.endpoints), ["127.8.0.2"]);
    assert.deepEqual(addressesIn(inner?.externalEndpoints), ["127.8.0.2", "192.0.2.7"]);
    assert.equal(planService(service({}), slices)?.ports[0]?.externalEndpoints, undefined);
  });

  test("names what else a Service asks for", () => {
    const plan = planService(
      service({ sessionAffinity: "ClientIP", externalIPs: ["127.0.0.9", "2001:db8::1"] }),
      [],
    );
    assert.deepEqual([plan?.affinitySeconds, plan?.externalIps], [10_800, ["127.0.0.9"]]);
    const own = { sessionAffinity: "ClientIP", sessionAffinityConfig: { clientIP: { timeoutSeconds: 5 } } };
    assert.equal(planService(service(own), [])?.affinitySeconds, 5);
  });

  for (const [port, protocol] of [
    [{ port: 80 }, "unknown"],
    [{ port: 80, name: "http" }, "unknown"],
    [{ port: 80, name: "https-web" }, "tcp"],
    [{ port: 80, name: "web" }, "unknown"],
    [{ port: 80, name: "https", appProtocol: "kubernetes.io/h2c" }, "unknown"],
    [{ port: 80, name: "grpc" }, "unknown"],
    [{ port: 80, appProtocol: "HTTP" }, "unknown"],
    [{ port: 80, appProtocol: "TCP" }, "tcp"],
    [{ port: 80, name: "https" }, "tcp"],
    [{ port: 80, appProtocol: "example.com/own" }, "unknown"],
  ] as const) {
    test(`takes the protocol of ${JSON.stringify(port)} for ${protocol}`, () => {
      assert.equal(portsOf([port])[0]?.protocol, protocol);
    });
  }
});
