import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Service } from "../../../api/core.ts";
import { addressesOf } from "../../addresses.ts";
import { type Assignment, LoadBalancerAddresses } from "./load-balancer-addresses.ts";

const addresses = addressesOf(8);
const ofBlock = () => new LoadBalancerAddresses({ is: "block", addresses });
const shared = () => new LoadBalancerAddresses({ is: "shared", address: "127.0.0.1" });

function service(port: number, spec: Partial<Service["spec"]> = {}): Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web" },
    spec: { type: "LoadBalancer", ports: [{ port }], ...spec },
  };
}

function reason(assignment: Assignment): string {
  return "refused" in assignment ? assignment.refused : `none: ${assignment.address}`;
}

describe("addresses of load balancers, out of the block", () => {
  test("are one for each Service, and free again when it is gone", () => {
    const all = ofBlock();
    const first = all.assign("a/one", service(80), undefined);
    assert.deepEqual(first, { address: addresses.loadBalancer(0) });
    assert.deepEqual(all.assign("a/two", service(80), undefined), { address: addresses.loadBalancer(1) });
    assert.deepEqual(all.assign("a/one", service(80), undefined), first);
    assert.equal(all.release("a/one"), true);
    assert.equal(all.release("a/one"), false);
    assert.deepEqual(all.assign("a/three", service(80), undefined), first);
  });

  test("are kept when the status names them, but not another's nor one of elsewhere", () => {
    const all = ofBlock();
    assert.deepEqual(all.assign("a/one", service(80), addresses.loadBalancer(7)), {
      address: addresses.loadBalancer(7),
    });
    assert.deepEqual(all.assign("a/two", service(80), addresses.loadBalancer(7)), {
      address: addresses.loadBalancer(0),
    });
    assert.deepEqual(all.assign("a/three", service(80), "10.1.2.3"), { address: addresses.loadBalancer(1) });
  });

  test("are those asked for, in the range and free, or none", () => {
    const all = ofBlock();
    const wish = { loadBalancerIP: addresses.loadBalancer(5) };
    assert.deepEqual(all.assign("a/one", service(80, wish), addresses.loadBalancer(2)), {
      address: addresses.loadBalancer(5),
    });
    assert.match(
      reason(all.assign("a/two", service(80, wish), undefined)),
      /port 80\/TCP of 127\.8\.128\.7 is taken by Service a\/one: give this one another port/,
    );
    assert.match(
      reason(all.assign("a/two", service(80, { loadBalancerIP: "10.0.0.9" }), undefined)),
      /loadBalancerIP 10\.0\.0\.9 is none of this cluster's: those are 127\.8\.128\.2 to 127\.8\.191\.255/,
    );
  });
});

describe("one address for all load balancers", () => {
  test("is shared by Services whose ports differ, in number or in protocol", () => {
    const all = shared();
    for (const [key, ports] of [
      ["a/prod", [{ port: 8088 }]],
      ["a/preview", [{ port: 8089 }]],
      ["a/dns", [{ port: 8088, protocol: "UDP" }]],
    ] as const)
      assert.deepEqual(all.assign(key, service(0, { ports }), undefined), { address: "127.0.0.1" });
  });

  test("is refused to whoever comes second to a port, until that is free", () => {
    const all = shared();
    all.assign("a/one", service(80), undefined);
    assert.match(
      reason(all.assign("a/two", service(80), undefined)),
      /port 80\/TCP of 127\.0\.0\.1 is taken/,
    );
    all.assign("a/one", service(81), undefined);
    assert.deepEqual(all.assign("a/two", service(80), undefined), { address: "127.0.0.1" });
  });
});
