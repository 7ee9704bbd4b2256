import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { ManualClock } from "../../../time/manual-clock.ts";
import { Route } from "./route.ts";
import { Sessions } from "./sessions.ts";

const a = { address: "127.0.0.1", port: 1 };
const b = { address: "127.0.0.1", port: 2 };
const c = { address: "127.0.0.1", port: 3 };

describe("a route", () => {
  let clock: ManualClock;
  let sessions: Sessions;
  let route: Route;
  beforeEach(() => {
    clock = new ManualClock();
    sessions = new Sessions(clock);
    route = new Route("Service default/web port 80", sessions);
  });
  afterEach(() => sessions.stop(0));

  const ports = (count: number) => Array.from({ length: count }, () => route.nextEndpoint([])?.port);

  test("has no endpoint before it is given one", () => {
    assert.equal(route.nextEndpoint([]), undefined);
  });

  test("takes its endpoints in turn when all have the same in flight", () => {
    route.swap([a, b, c]);
    assert.deepEqual(ports(6), [1, 2, 3, 1, 2, 3]);
  });

  test("takes the endpoint with the least in flight", () => {
    route.swap([a, b, c]);
    const busy = [route.nextEndpoint([]), route.nextEndpoint([])];
    for (const endpoint of busy) if (endpoint !== undefined) endpoint.outstanding++;
    assert.deepEqual(ports(3), [3, 3, 3]);
  });

  test("passes over those already tried, until none is left", () => {
    route.swap([a, b]);
    const first = route.nextEndpoint([]);
    assert.ok(first !== undefined);
    const second = route.nextEndpoint([first]);
    assert.ok(second !== undefined && second !== first);
    assert.equal(route.nextEndpoint([first, second]), undefined);
  });

  test("answers with the new set at once after a swap, and keeps the endpoints that stay", () => {
    route.swap([a, b]);
    const kept = [route.nextEndpoint([]), route.nextEndpoint([])].find((endpoint) => endpoint?.port === 2);
    assert.ok(kept !== undefined);
    kept.outstanding++;
    route.swap([b]);
    assert.equal(route.nextEndpoint([]), kept);
    route.swap([c]);
    assert.deepEqual(ports(2), [3, 3]);
  });

  describe("of a Service with session affinity", () => {
    const portFor = (address: string) => route.nextEndpoint([], { address })?.port;
    beforeEach(() => {
      route.affinitySeconds = 10;
      route.swap([a, b, c]);
    });

    test("leads a client where it was before, until it has not come for too long", async () => {
      assert.deepEqual(["x", "y", "x", "y", "x"].map(portFor), [1, 2, 1, 2, 1]);
      await clock.advance(9);
      assert.equal(portFor("x"), 1);
      await clock.advance(9);
      assert.equal(portFor("x"), 1);
      await clock.advance(11);
      assert.equal(portFor("x"), 3);
    });

    test("leads it elsewhere when that pod is not listed any more, or does not accept", () => {
      assert.equal(portFor("x"), 1);
      route.swap([b, c]);
      const first = route.nextEndpoint([], { address: "x" });
      assert.ok(first !== undefined);
      assert.notEqual(first.port, 1);
      assert.notEqual(route.nextEndpoint([first], { address: "x" }), first);
    });
  });
});
