import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { KubernetesObject } from "../../src/api/core.ts";
import { objectKeyOf } from "../../src/api/resources.ts";
import type { Route } from "../../src/api/strategy.ts";
import { type Objects, objectsIn } from "../../src/traffic/objects.ts";
import type { Owner, RouteWrite, Routing, Side, Tenant, TrafficRouter } from "../../src/traffic/router.ts";

/** A little cluster in which a router under test is exercised: two versions, `blue` and `green`, with two pods each. */
export interface RouterBed {
  readonly objects: Objects;
  /** Carries a router's write out, as an API server would. */
  apply(write: RouteWrite): void;
  /** Lets the cluster act on what is written: from now on requests really go there, to so many pods of each version. */
  takeEffect(podsEach: 0 | 1 | 2): void;
  /** Lets somebody else take the route's setting away; the cluster acts on it. */
  strip(): void;
}

/** What every router must do. `makeBed` gives a route that is set to nothing. */
export function routerConformance<R extends Route>(
  router: TrafficRouter<R>,
  route: R,
  label: string,
  makeBed: () => RouterBed,
): void {
  const owner: Owner = { kind: "Rollout", namespace: "shop", name: "web" };
  const tenant: Tenant = { owner, podLabels: { app: "web" }, label, claims: [] };
  const side = (value: string): Side => ({ label, value });
  const target = (bed: RouterBed): string | undefined => router.target(route, label, bed.objects);
  const references = (bed: RouterBed): readonly string[] =>
    router
      .references(route, label, bed.objects)
      .map(({ value }) => value)
      .sort();
  const set = (bed: RouterBed, hash: string): readonly RouteWrite[] => {
    const both = [side("blue"), side("green")];
    const preparations = router.prepare(route, both, owner, bed.objects);
    for (const write of preparations) bed.apply(write);
    assert.deepEqual(router.prepare(route, both, owner, bed.objects), [], "it is prepared once");
    const writes = router.switchTo(route, side(hash), owner, bed.objects);
    for (const write of writes) bed.apply(write);
    return writes;
  };
  const routing = (bed: RouterBed, hash: string, wanted = 2): Routing["is"] => {
    const result = router.verify(route, side(hash), wanted, bed.objects);
    if (result.is === "pending") assert(result.on.length > 0, "a wait has words");
    return result.is;
  };

  describe(`router ${route.kind}`, () => {
    it("has no target before anybody has set one", () => {
      const bed = makeBed();
      assert.equal(target(bed), undefined);
      assert.equal(routing(bed, "blue"), "pending");
    });

    it("is set by its writes, and then has nothing more to write", () => {
      const bed = makeBed();
      assert(set(bed, "blue").length > 0);
      assert.equal(target(bed), "blue");
      assert.deepEqual(router.switchTo(route, side("blue"), owner, bed.objects), []);
      assert(router.isSetFor(route, owner, bed.objects), "it is known for whom");
    });

    it("writes with the identity and version of what it has seen", () => {
      const bed = makeBed();
      for (const { seen } of router.switchTo(route, side("blue"), owner, bed.objects)) {
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
      assert.deepEqual(references(bed), ["blue", "green"]);
      bed.takeEffect(2);
      assert.deepEqual(references(bed), ["green"]);
    });

    it("notices that its setting was taken away, and writes it again", () => {
      const bed = makeBed();
      set(bed, "blue");
      bed.takeEffect(2);
      bed.strip();
      assert.equal(target(bed), undefined);
      assert.equal(routing(bed, "blue"), "pending");
      set(bed, "blue");
      assert.equal(target(bed), "blue");
    });

    it("has neither problem nor notes where all is as it should be", () => {
      const bed = makeBed();
      set(bed, "blue");
      bed.takeEffect(2);
      assert.deepEqual(router.problems(route, tenant, bed.objects), []);
      assert.deepEqual(router.notes(route, bed.objects), []);
    });

    it("answers the same from the objects alone that it says it looks at", () => {
      const bed = makeBed();
      set(bed, "blue");
      bed.takeEffect(2);
      set(bed, "green");
      // Named and found again as the caches do it, with as much of each as they keep.
      const keep = (object: KubernetesObject): KubernetesObject =>
        router.reads.find(({ resource }) => resource.kind === object.kind)?.keep(object) ?? object;
      const kept = objectsIn(router.objects(route, bed.objects).map(keep), router.reads);
      assert.equal(router.target(route, label, kept), "green");
      assert.deepEqual(router.references(route, label, kept), router.references(route, label, bed.objects));
      for (const version of ["blue", "green"])
        assert.deepEqual(
          router.verify(route, side(version), 2, kept),
          router.verify(route, side(version), 2, bed.objects),
        );
    });

    it("names what it sets, so that its changes are noticed, and reads all kinds that it looks at", () => {
      const bed = makeBed();
      for (const { resource, seen } of set(bed, "blue"))
        assert(router.names(route).includes(objectKeyOf(resource, seen.namespace, seen.name)));
      const read = router.reads.map(({ resource }) => resource.kind);
      for (const { kind } of router.objects(route, bed.objects)) assert(read.includes(kind));
      for (const { resource } of router.sets) assert(read.includes(resource.kind));
      assert(router.nameOf(route).endsWith(route.name));
    });

    it("gives what it has set back to whoever made it", () => {
      const bed = makeBed();
      set(bed, "blue");
      const releases = router.sets.flatMap((kind) =>
        router
          .objects(route, bed.objects)
          .filter((object) => object.kind === kind.resource.kind && kind.ownerOf(object) === "web")
          .map((object) => kind.release(object, label)),
      );
      assert(releases.length > 0);
      for (const write of releases) bed.apply(write);
      assert.equal(target(bed), undefined);
      assert(!router.isSetFor(route, owner, bed.objects));
    });
  });
}
