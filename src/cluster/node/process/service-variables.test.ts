import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Service } from "../../../api/core.ts";
import { variablesOf } from "./service-variables.ts";

function service(name: string, spec: Service["spec"], namespace = "shop"): Service {
  return { apiVersion: "v1", kind: "Service", metadata: { name, namespace }, spec };
}

describe("the variables of a Service", () => {
  it("are those of Docker's links, for each of its ports", () => {
    const ports = [
      { name: "http", port: 80 },
      { name: "dns-udp", port: 53, protocol: "UDP" },
    ];
    assert.deepEqual(variablesOf(service("my-web", { clusterIP: "127.1.4.7", ports })), {
      MY_WEB_SERVICE_HOST: "127.1.4.7",
      MY_WEB_SERVICE_PORT: "80",
      MY_WEB_SERVICE_PORT_HTTP: "80",
      MY_WEB_SERVICE_PORT_DNS_UDP: "53",
      MY_WEB_PORT: "tcp://127.1.4.7:80",
      MY_WEB_PORT_80_TCP: "tcp://127.1.4.7:80",
      MY_WEB_PORT_80_TCP_PROTO: "tcp",
      MY_WEB_PORT_80_TCP_PORT: "80",
      MY_WEB_PORT_80_TCP_ADDR: "127.1.4.7",
      MY_WEB_PORT_53_UDP: "udp://127.1.4.7:53",
      MY_WEB_PORT_53_UDP_PROTO: "udp",
      MY_WEB_PORT_53_UDP_PORT: "53",
      MY_WEB_PORT_53_UDP_ADDR: "127.1.4.7",
    });
  });

  it("are none without an address or a port", () => {
    assert.deepEqual(variablesOf(service("a", { clusterIP: "None", ports: [{ port: 80 }] })), {});
    assert.deepEqual(variablesOf(service("a", { clusterIP: "127.1.4.7" })), {});
  });

  it("lead straight to what the Service leads to where it does not answer itself", () => {
    const ports = [{ name: "https", port: 443, targetPort: 6443 }];
    const api = service("kubernetes", { clusterIP: "127.1.4.1", ports }, "default");
    const leadTo = (isDirect: boolean) => {
      const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = variablesOf(api, isDirect);
      return [host, port];
    };
    assert.deepEqual(leadTo(false), ["127.1.4.1", "443"]);
    assert.deepEqual(leadTo(true), ["127.0.0.1", "6443"]);
  });
});
