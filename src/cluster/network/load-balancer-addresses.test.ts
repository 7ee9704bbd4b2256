import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { addressesOf } from "../addresses.ts";
import { LoadBalancerAddresses } from "./load-balancer-addresses.ts";

const addresses = addressesOf(194);

describe("LoadBalancer addresses", () => {
  test("are given out from the lowest, each to one Service, and stay the same", () => {
    const balancers = new LoadBalancerAddresses(addresses);
    assert.equal(balancers.of("default/a"), addresses.loadBalancer(0));
    assert.equal(balancers.of("default/b"), addresses.loadBalancer(1));
    assert.equal(balancers.of("default/a"), addresses.loadBalancer(0));
  });

  test("that were freed are given out again", () => {
    const balancers = new LoadBalancerAddresses(addresses);
    balancers.of("default/a");
    balancers.of("default/b");
    balancers.free("default/a");
    assert.equal(balancers.of("default/c"), addresses.loadBalancer(0));
  });

  test("of an earlier run go back to their Services", () => {
    const balancers = new LoadBalancerAddresses(addresses);
    balancers.reclaim("default/b", addresses.loadBalancer(300));
    balancers.reclaim("default/thief", addresses.loadBalancer(300));
    assert.equal(balancers.of("default/b"), addresses.loadBalancer(300));
    assert.equal(balancers.of("default/thief"), addresses.loadBalancer(0));
  });

  test("that are not of this cluster are not taken over", () => {
    const balancers = new LoadBalancerAddresses(addresses);
    for (const foreign of ["127.0.0.1", "10.0.0.1", addresses.pod(0), "127.1.300.1", "web.example.com", ""]) {
      balancers.reclaim("default/a", foreign);
    }
    assert.equal(balancers.of("default/a"), addresses.loadBalancer(0));
  });
});
