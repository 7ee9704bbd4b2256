import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { World } from "./world.ts";

const because = "endpointslices.discovery.k8s.io cannot be read: forbidden";

describe("while it cannot be seen who gets requests", () => {
  it("a switch is not confirmed, says why, and nothing that may be reached loses its pods", () => {
    const world = new World().settle();
    world.unknown.set("endpointslices", because);
    world.deploy("web:2").settle().pass(100);
    assert.equal(world.live(), "web:2");
    assert.equal(world.status.message, "active service cutover pending");
    assert.equal(world.last?.standing?.detail, because);
    assert.equal(world.size("web:1"), 2);
    world.unknown.clear();
    world.settle();
    assert.equal(world.status.phase, "Healthy");
    assert.equal(world.pass(31).size("web:1"), 0);
  });

  it("what is remembered stays: no deadline is dropped for it", () => {
    const world = new World({ autoPromotionEnabled: false })
      .settle()
      .deploy("web:2")
      .settle()
      .promote()
      .settle();
    const before = world.calls.length;
    world.unknown.set("pods", because);
    world.pass(5);
    assert.ok(!world.calls.slice(before).includes("patch ReplicaSet"));
    world.unknown.clear();
    assert.equal(world.pass(26).size("web:1"), 0);
  });
});
