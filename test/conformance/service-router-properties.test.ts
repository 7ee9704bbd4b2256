import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Endpoint, EndpointSlice, KubernetesObject, Pod } from "../../src/api/core.ts";
import { embeddedEndpointSliceController, kubernetesEndpointSliceController } from "../../src/api/names.ts";
import { type Resource, resources } from "../../src/api/resources.ts";
import type { Objects } from "../../src/traffic/objects.ts";
import { endpointSliceKind, podKind, serviceKind } from "../../src/traffic/service/read-kinds.ts";
import { serviceRouter } from "../../src/traffic/service/service-router.ts";
import { endpoint, label, pod, problem, route, ServiceBed, side, slice } from "./service-bed.ts";

const names = ["blue-1", "blue-2", "blue-3", "green-1", "green-2", "none-1", "unknown-1"] as const;
const truth = fc.constantFrom(undefined, true, false);

const anyEndpoint: fc.Arbitrary<Endpoint> = fc
  .tuple(fc.constantFrom(...names, undefined), fc.constantFrom(true, true, false), truth, truth, truth)
  .map(([name, isPlain, ready, serving, terminating]) => {
    const conditions = {
      ...(ready === undefined ? {} : { ready }),
      ...(serving === undefined ? {} : { serving }),
      ...(terminating === undefined ? {} : { terminating }),
    };
    if (name === undefined) return { addresses: ["192.0.2.7"], conditions };
    return endpoint(name, isPlain ? { ready: true, serving: true, terminating: false } : conditions);
  });

const slicesBy = (...managers: readonly (string | undefined)[]): fc.Arbitrary<EndpointSlice[]> =>
  fc
    .array(
      fc.record({
        by: fc.constantFrom(...managers),
        addressType: fc.constantFrom("IPv4", "IPv6"),
        // Mostly of the target, so that a fair part of them is routed.
        endpoints: fc.oneof(
          fc.array(anyEndpoint, { maxLength: 3 }),
          fc.subarray(["blue-1", "blue-2", "blue-3"]).map((some) => some.map((name) => endpoint(name))),
        ),
        ports: fc.constantFrom([{ name: "", port: 8080 }], [{ name: "", port: 8080 }], null),
      }),
      { maxLength: 4 },
    )
    .map((all) => all.map((facts, index) => slice({ ...facts, name: `web-${managers.length}-${index}` })));

const ownSlices = slicesBy(kubernetesEndpointSliceController);
const foreignSlices = slicesBy(undefined, "mesh.example.com", "endpointslicemirroring-controller.k8s.io");

const podFamilies = fc.array(fc.constantFrom(undefined, ["10.0.0.1"], ["10.0.0.1", "fd00::1"]), {
  minLength: 3,
  maxLength: 3,
});

interface Facts {
  readonly own: readonly EndpointSlice[];
  readonly families: readonly (readonly string[] | undefined)[];
  readonly isNamed: boolean;
}

const facts: fc.Arbitrary<Facts> = fc.record({
  own: ownSlices,
  families: podFamilies,
  isNamed: fc.boolean(),
});

function bedOf({ own, families, isNamed }: Facts): ServiceBed {
  const bed = new ServiceBed().select("blue");
  const ports = isNamed ? [{ port: 80, targetPort: "http" }] : [{ port: 80, targetPort: 8080 }];
  bed.service = { ...bed.service, spec: { ...bed.service.spec, ports } };
  bed.slices = own;
  families.forEach((ips, index) => {
    bed.odd.set(`blue-${index + 1}`, pod(`blue-${index + 1}`, ips));
  });
  bed.odd.set("unknown-1", undefined);
  return bed;
}

function answers(observed: Objects, wanted: number): readonly unknown[] {
  return [
    serviceRouter.verify(route, side("blue"), wanted, observed),
    serviceRouter.references(route, label, observed),
    serviceRouter.target(route, label, observed),
  ];
}

const isRouted = (bed: ServiceBed, wanted: number): boolean =>
  serviceRouter.verify(route, side("blue"), wanted, bed.objects).is === "routed";
const endpointsOf = (own: readonly EndpointSlice[]): readonly Endpoint[] =>
  own.flatMap(({ endpoints }) => endpoints ?? []);
const wantedCount = fc.integer({ min: 0, max: 3 });
const runs = { numRuns: 1000 };

describe("whatever EndpointSlices a Service has", () => {
  it("it is never routed while one of its own lists a pod of another version, or an unknown one, that may get requests", () => {
    fc.assert(
      fc.property(facts, wantedCount, (all, wanted) => {
        fc.pre(isRouted(bedOf(all), wanted));
        for (const { conditions = {}, targetRef } of endpointsOf(all.own)) {
          const mayReach = conditions.ready !== false || (conditions.serving && conditions.terminating);
          assert(!mayReach || targetRef?.name?.startsWith("blue-"), JSON.stringify(all.own));
        }
      }),
      runs,
    );
  });

  it("when it is routed, so many different pods of the target are ready in it", () => {
    fc.assert(
      fc.property(facts, wantedCount, (all, wanted) => {
        fc.pre(isRouted(bedOf(all), wanted));
        const ready = endpointsOf(all.own).filter(({ conditions }) => conditions?.ready !== false);
        const pods = new Set(ready.map(({ targetRef }) => targetRef?.name));
        assert(pods.size >= wanted);
      }),
      runs,
    );
  });

  it("when it is routed, every family that all its pods have lists so many of them", () => {
    fc.assert(
      fc.property(ownSlices, wantedCount, (own, wanted) => {
        const all = { own, families: [1, 2, 3].map(() => ["10.0.0.1", "fd00::1"]), isNamed: false };
        fc.pre(isRouted(bedOf(all), wanted));
        for (const family of new Set(own.map(({ addressType }) => addressType))) {
          const listed = endpointsOf(own.filter(({ addressType }) => addressType === family));
          const ready = listed.filter(({ conditions }) => conditions?.ready !== false);
          assert(new Set(ready.map(({ targetRef }) => targetRef?.name)).size >= wanted);
        }
      }),
      runs,
    );
  });

  it("fewer wanted pods never make it pending, and a wait always has words", () => {
    fc.assert(
      fc.property(facts, fc.integer({ min: 1, max: 3 }), (all, wanted) => {
        const bed = bedOf(all);
        if (isRouted(bed, wanted)) assert(isRouted(bed, wanted - 1));
        const result = serviceRouter.verify(route, side("blue"), wanted, bed.objects);
        assert(result.is !== "pending" || /Service web/.test(result.on), JSON.stringify(result));
      }),
      runs,
    );
  });

  it("the order of slices and of endpoints does not matter", () => {
    const shuffled = facts.chain((all) =>
      fc
        .tuple(
          fc.shuffledSubarray([...all.own], { minLength: all.own.length, maxLength: all.own.length }),
          fc.boolean(),
        )
        .map(([own, isReversed]) => ({
          all,
          other: {
            ...all,
            own: own.map((one) =>
              isReversed ? { ...one, endpoints: (one.endpoints ?? []).toReversed() } : one,
            ),
          },
        })),
    );
    fc.assert(
      fc.property(shuffled, wantedCount, ({ all, other }, wanted) => {
        const [one, two] = [bedOf(all), bedOf(other)];
        assert.deepEqual(answers(one.objects, wanted), answers(two.objects, wanted));
        assert.deepEqual(serviceRouter.notes(route, one.objects), serviceRouter.notes(route, two.objects));
      }),
      runs,
    );
  });

  it("foreign slices never change an answer", () => {
    fc.assert(
      fc.property(facts, foreignSlices, wantedCount, (all, foreign, wanted) => {
        const [without, with_] = [bedOf(all), bedOf({ ...all, own: [...foreign, ...all.own] })];
        assert.deepEqual(answers(with_.objects, wanted), answers(without.objects, wanted));
        assert.equal(problem(route, with_.objects), undefined);
        const reasons = serviceRouter.notes(route, with_.objects).map(({ reason }) => reason);
        assert.equal(reasons.includes("ForeignEndpoints"), endpointsOf(foreign).length > 0);
      }),
      runs,
    );
  });

  it("what the caches keep of the objects gives the same answers and notes", () => {
    fc.assert(
      fc.property(facts, foreignSlices, wantedCount, (all, foreign, wanted) => {
        const { objects: observed, service, slices } = bedOf({ ...all, own: [...foreign, ...all.own] });
        const kept: Objects = {
          get: <T extends KubernetesObject>(resource: Resource, namespace: string, name: string) => {
            if (resource === resources.services) return serviceKind.keep(service) as KubernetesObject as T;
            const found = observed.get<Pod>(resource, namespace, name);
            return found && (podKind.keep(found) as KubernetesObject as T);
          },
          about: <T extends KubernetesObject>() =>
            slices.map(endpointSliceKind.keep) as readonly KubernetesObject[] as readonly T[],
        };
        assert.deepEqual(answers(kept, wanted), answers(observed, wanted));
        assert.deepEqual(serviceRouter.notes(route, kept), serviceRouter.notes(route, observed));
        assert.equal(problem(route, kept), problem(route, observed));
      }),
      runs,
    );
  });
});

it("5,000 endpoints in 100 slices of two families are looked through in a time that grows with their number only", () => {
  const listOf = (count: number): ServiceBed => {
    const bed = new ServiceBed().select("blue");
    bed.slices = ["IPv4", "IPv6"].flatMap((addressType) =>
      Array.from({ length: count / 100 }, (_, index) =>
        slice({
          name: `web-${addressType}-${index}`,
          by: embeddedEndpointSliceController,
          addressType,
          endpoints: Array.from({ length: 100 }, (__, n) => endpoint(`blue-${index * 100 + n}`)),
        }),
      ),
    );
    return bed;
  };
  const looks = (count: number): number => {
    const bed = listOf(count);
    let seen = 0;
    const observed: Objects = {
      ...bed.objects,
      get: (resource, namespace, name) => {
        if (resource === resources.pods) seen += 1;
        return bed.objects.get(resource, namespace, name);
      },
    };
    serviceRouter.verify(route, side("blue"), count, observed);
    serviceRouter.references(route, label, observed);
    serviceRouter.notes(route, observed);
    return seen;
  };
  assert.equal(looks(5000), looks(100) * 50);
});
