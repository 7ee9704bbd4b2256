import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Service } from "../../api/core.ts";
import { hasIngress, ingressFor } from "./load-balancer-status.ts";

const service: Service = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "web" },
  spec: { type: "LoadBalancer", ports: [{ port: 80 }, { port: 81, protocol: "TCP" }] },
};
const address = "127.8.128.2";

describe("the ingress in a Service's status", () => {
  test("names the address and every port", () => {
    assert.deepEqual(
      ingressFor(service, address, () => "bound"),
      [
        {
          ip: address,
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
      ingressFor(service, address, (port) => (port === 80 ? "bound" : "binding")),
      undefined,
    );
  });

  test("says of a port why it cannot be reached", () => {
    const ingress = ingressFor(service, address, (port) =>
      port === 80 ? { error: "MissingPrivileges" } : "bound",
    );
    assert.deepEqual(ingress, [
      {
        ip: address,
        ports: [
          { port: 80, protocol: "TCP", error: "MissingPrivileges" },
          { port: 81, protocol: "TCP" },
        ],
      },
    ]);
  });

  test("is 127.0.0.1 where the machine has no such address", () => {
    const ingress = ingressFor(service, address, () => ({ error: "AddressNotAvailable" }));
    assert.equal(ingress?.[0]?.ip, "127.0.0.1");
  });

  test("says of a UDP port that it is not served", () => {
    const udp: Service = {
      ...service,
      spec: { type: "LoadBalancer", ports: [{ port: 53, protocol: "UDP" }] },
    };
    assert.equal(ingressFor(udp, address, () => "bound")?.[0]?.ports?.[0]?.error, "UnsupportedProtocol");
  });

  test("is written only when it differs", () => {
    const wanted = [{ ip: address, ports: [{ port: 80, protocol: "TCP" }] }];
    const withStatus = (ingress: typeof wanted): Service => ({
      ...service,
      status: { loadBalancer: { ingress } },
    });
    assert.equal(hasIngress(service, wanted), false);
    assert.equal(hasIngress(service, []), true);
    assert.equal(hasIngress(withStatus(wanted), wanted), true);
    assert.equal(hasIngress(withStatus([{ ip: "127.0.0.1", ports: [] }]), wanted), false);
  });
});
