import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Observed, Route, RouteWrite, TrafficRouter } from "../../src/traffic/router.ts";

/** A little cluster in which a router under test is exercised. */
export interface RouterBed {
  readonly route: Route;
  readonly observed: Observed;
  /** Carries a router's write out, as an API server would. */
  apply(write: RouteWrite): void;
  /** Lets the cluster act on what is written: from now on requests really go there. */
  takeEffect(): void;
  /** Lets somebody else take the route's setting away. */
  strip(): void;
}

/** What every router must do. `makeBed` gives a route that is set to nothing and pods of the versions `blue` and `green`. */
export function routerConformance(router: TrafficRouter, makeBed: () => RouterBed): void {
  const set = (bed: RouterBed, hash: string): readonly RouteWrite[] => {
    const writes = router.writes(bed.route, hash, "web", bed.observed);
    for (const write of writes) bed.apply(write);
    return writes;
  };

  describe(`router ${router.kind}`, () => {
    it("has no target before anybody has set one", () => {
      const bed = makeBed();
      assert.equal(router.target(bed.route, bed.observed), undefined);
      assert.equal(router.verify(bed.route, "blue", bed.observed).is, "pending");
    });

    it("is set by its writes, and then has nothing more to write", () => {
      const bed = makeBed();
      assert(set(bed, "blue").length > 0);
      assert.equal(router.target(bed.route, bed.observed), "blue");
      assert.deepEqual(router.writes(bed.route, "blue", "web", bed.observed), []);
    });

    it("writes with the identity and version of what it has seen", () => {
      const bed = makeBed();
      for (const write of router.writes(bed.route, "blue", "web", bed.observed)) {
        assert(write.uid !== "" && write.resourceVersion !== "" && write.name !== "");
      }
    });

    it("is routed only when requests really go to the target, and to nothing else", () => {
      const bed = makeBed();
      set(bed, "blue");
      bed.takeEffect();
      assert.deepEqual(router.verify(bed.route, "blue", bed.observed), { is: "routed" });
      set(bed, "green");
      assert.equal(router.verify(bed.route, "green", bed.observed).is, "pending");
      assert.equal(router.verify(bed.route, "blue", bed.observed).is, "pending");
      bed.takeEffect();
      assert.deepEqual(router.verify(bed.route, "green", bed.observed), { is: "routed" });
    });

    it("refers to the old version as long as requests may go there", () => {
      const bed = makeBed();
      set(bed, "blue");
      bed.takeEffect();
      set(bed, "green");
      assert.deepEqual([...router.references(bed.route, bed.observed)].sort(), ["blue", "green"]);
      bed.takeEffect();
      assert.deepEqual(router.references(bed.route, bed.observed), ["green"]);
    });

    it("notices that its setting was taken away, and writes it again", () => {
      const bed = makeBed();
      set(bed, "blue");
      bed.takeEffect();
      bed.strip();
      assert.equal(router.target(bed.route, bed.observed), undefined);
      assert.equal(router.verify(bed.route, "blue", bed.observed).is, "pending");
      set(bed, "blue");
      assert.equal(router.target(bed.route, bed.observed), "blue");
    });
  });
}
