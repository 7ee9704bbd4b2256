import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Service } from "../../api/core.ts";
import { hasIngress, ingressFor } from "./load-balancer-status.ts";

const address = "127.8.128.2";
const service: Service = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "web" },
  spec: { type: "LoadBalancer", ports: [{ port: 80 }, { port: 81, protocol: "TCP" }] },
  status: { loadBalancer: { ingress: [{ ip: address, ipMode: "VIP" }] } },
};

describe("the ingress in a Service's status", () => {
  test("names the address and every port", () => {
    assert.deepEqual(
      ingressFor(service, () => "bound"),
      [
        {
          ip: address,
          ipMode: "VIP",
          ports: [
            { port: 80, protocol: "TCP" },
            { port: 81, protocol: "TCP" },
          ],
        },
      ],
    );
  });

  test("is open as long as it is open whether a port can be reached", () => {
    assert.equal(
      ingressFor(service, (port) => (port === 80 ? "bound" : "binding")),
      undefined,
    );
  });

  test("says of a port why it cannot be reached", () => {
    const ingress = ingressFor(service, (port) => (port === 80 ? { error: "MissingPrivileges" } : "bound"));
    assert.deepEqual(ingress, [
      {
        ip: address,
        ipMode: "VIP",
        ports: [
          { port: 80, protocol: "TCP", error: "MissingPrivileges" },
          { port: 81, protocol: "TCP" },
        ],
      },
    ]);
  });

  test("is open as long as there is no address", () => {
    const { status: _, ...without } = service;
    assert.equal(
      ingressFor(without, () => "bound"),
      undefined,
    );
  });

  test("says of an SCTP port that it is not served", () => {
    const udp: Service = {
      ...service,
      spec: { type: "LoadBalancer", ports: [{ port: 53, protocol: "SCTP" }] },
    };
    assert.equal(ingressFor(udp, () => "bound")?.[0]?.ports?.[0]?.error, "UnsupportedProtocol");
  });

  test("is written only when it differs", () => {
    const wanted = [{ ip: address, ports: [{ port: 80, protocol: "TCP" }] }];
    const withStatus = (ingress: typeof wanted): Service => ({
      ...service,
      status: { loadBalancer: { ingress } },
    });
    assert.equal(hasIngress(service, wanted), false);
    assert.equal(hasIngress(withStatus(wanted), wanted), true);
    assert.equal(hasIngress(withStatus([{ ip: "127.0.0.1", ports: [] }]), wanted), false);
  });
});
