import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Service } from "../../api/core.ts";
import { Store } from "../../cluster/store/store.ts";
import { moveServices } from "./move-services.ts";

function service(name: string, spec: Service["spec"], status?: Service["status"]): Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { namespace: "default", name },
    spec,
    ...(status === undefined ? {} : { status }),
  };
}

const ports = [{ port: 80, protocol: "TCP" }];

describe("the Services of a cluster that has had to leave its addresses", () => {
  it("get those of the new block that differ in nothing else, once", () => {
    const store = new Store();
    const addresses = (ip: string) => ({ clusterIP: ip, clusterIPs: [ip] });
    store.put(
      "services",
      service(
        "web",
        { type: "LoadBalancer", ...addresses("127.9.64.3") },
        {
          loadBalancer: { ingress: [{ ip: "127.9.128.2", ports }] },
        },
      ),
    );
    const others = [
      service("headless", { ...addresses("None") }),
      service("external", { type: "ExternalName" }),
      service(
        "moved",
        { ...addresses("127.20.64.2") },
        { loadBalancer: { ingress: [{ ip: "127.0.0.1", ports }] } },
      ),
    ];
    for (const other of others) store.put("services", other);
    assert.equal(moveServices(store, 20), 1);
    const web = store.get("services", "default", "web") as Service;
    assert.deepEqual(web.spec, { type: "LoadBalancer", ...addresses("127.20.64.3") });
    assert.deepEqual(web.status, { loadBalancer: { ingress: [{ ip: "127.20.128.2", ports }] } });
    for (const { metadata, spec, status } of others) {
      const kept = store.get("services", "default", metadata.name) as Service;
      assert.deepEqual([kept.spec, kept.status], [spec, status]);
    }
    assert.equal(moveServices(store, 20), 0);
  });
});
