import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Observed, Route, RouteWrite, Routing, TrafficRouter } from "../../src/traffic/router.ts";

/** A little cluster in which a router under test is exercised: two versions, `blue` and `green`, with two pods each. */
export interface RouterBed {
  readonly route: Route;
  readonly observed: Observed;
  /** Carries a router's write out, as an API server would. */
  apply(write: RouteWrite): void;
  /** Lets the cluster act on what is written: from now on requests really go there, to so many pods of each version. */
  takeEffect(podsEach: 0 | 1 | 2): void;
  /** Lets somebody else take the route's setting away; the cluster acts on it. */
  strip(): void;
}

/** What every router must do. `makeBed` gives a route that is set to nothing. */
export function routerConformance(router: TrafficRouter, makeBed: () => RouterBed): void {
  const set = (bed: RouterBed, hash: string): readonly RouteWrite[] => {
    const writes = router.writes(bed.route, hash, "web", bed.observed);
    for (const write of writes) bed.apply(write);
    return writes;
  };
  const routing = (bed: RouterBed, hash: string, wanted = 2): Routing["is"] => {
    const result = router.verify(bed.route, hash, wanted, bed.observed);
    if (result.is === "pending") assert(result.on.length > 0, "a wait has words");
    return result.is;
  };

  describe(`router ${router.kind}`, () => {
    it("has no target before anybody has set one", () => {
      const bed = makeBed();
      assert.equal(router.target(bed.route, bed.observed), undefined);
      assert.equal(routing(bed, "blue"), "pending");
    });

    it("is set by its writes, and then has nothing more to write", () => {
      const bed = makeBed();
      assert(set(bed, "blue").length > 0);
      assert.equal(router.target(bed.route, bed.observed), "blue");
      assert.deepEqual(router.writes(bed.route, "blue", "web", bed.observed), []);
    });

    it("writes with the identity and version of what it has seen", () => {
      const bed = makeBed();
      for (const { seen } of router.writes(bed.route, "blue", "web", bed.observed)) {
        assert(seen.uid !== "" && seen.resourceVersion !== "" && seen.name !== "");
      }
    });

    it("is routed only when requests really go to the target, and to nothing else", () => {
      const bed = makeBed();
      set(bed, "blue");
      bed.takeEffect(2);
      assert.equal(routing(bed, "blue"), "routed");
      set(bed, "green");
      assert.equal(routing(bed, "green"), "pending");
      assert.equal(routing(bed, "blue"), "pending");
      bed.takeEffect(2);
      assert.equal(routing(bed, "green"), "routed");
    });

    it("is routed only when requests reach as many pods as are wanted", () => {
      const bed = makeBed();
      set(bed, "blue");
      bed.takeEffect(1);
      assert.equal(routing(bed, "blue", 2), "pending");
      assert.equal(routing(bed, "blue", 1), "routed");
      bed.takeEffect(2);
      assert.equal(routing(bed, "blue", 2), "routed");
      assert.equal(routing(bed, "blue", 1), "routed");
    });

    it("needs no pod where none is wanted, but no other version's either", () => {
      const bed = makeBed();
      set(bed, "blue");
      bed.takeEffect(2);
      set(bed, "green");
      assert.equal(routing(bed, "green", 0), "pending");
      bed.takeEffect(0);
      assert.equal(routing(bed, "green", 1), "pending");
      assert.equal(routing(bed, "green", 0), "routed");
    });

    it("refers to the old version as long as requests may go there", () => {
      const bed = makeBed();
      set(bed, "blue");
      bed.takeEffect(2);
      set(bed, "green");
      assert.deepEqual([...router.references(bed.route, bed.observed)].sort(), ["blue", "green"]);
      bed.takeEffect(2);
      assert.deepEqual(router.references(bed.route, bed.observed), ["green"]);
    });

    it("notices that its setting was taken away, and writes it again", () => {
      const bed = makeBed();
      set(bed, "blue");
      bed.takeEffect(2);
      bed.strip();
      assert.equal(router.target(bed.route, bed.observed), undefined);
      assert.equal(routing(bed, "blue"), "pending");
      set(bed, "blue");
      assert.equal(router.target(bed.route, bed.observed), "blue");
    });

    it("has neither problem nor notes where all is as it should be", () => {
      const bed = makeBed();
      set(bed, "blue");
      bed.takeEffect(2);
      assert.equal(router.problem(bed.route, bed.observed), undefined);
      assert.deepEqual(router.notes(bed.route, bed.observed), []);
    });
  });
}
