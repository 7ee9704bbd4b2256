// EndpointSlices as Kubernetes v1.34 really wrote them; what the cluster was made to do is told in the file itself.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { EndpointSlice, Service } from "../../src/api/core.ts";
import { type Objects, objectsIn } from "../../src/traffic/objects.ts";
import { readKinds } from "../../src/traffic/routers.ts";
import { endpointSliceKind, podKind, serviceKind } from "../../src/traffic/service/read-kinds.ts";
import { serviceRouter } from "../../src/traffic/service/service-router.ts";
import recorded from "./data/real-slices.json" with { type: "json" };
import { label, pod, problem, routeTo, side } from "./service-bed.ts";

interface Case {
  readonly service: Service;
  readonly slices: readonly EndpointSlice[];
}

const cases: Readonly<Record<string, Case>> = recorded.cases;
const pods = new Map(recorded.pods.map(({ name, ips }) => [name, pod(name, ips)]));
const forms = ["as the API answers them", "as the caches keep them"] as const;

function observe({ service, slices }: Case, form: (typeof forms)[number]): Objects {
  const isTrimmed = form === "as the caches keep them";
  const known = [...pods.values()].map((one) => ({
    ...one,
    metadata: { ...one.metadata, namespace: "shop" },
  }));
  return objectsIn(
    [
      isTrimmed ? serviceKind.keep(service) : service,
      ...(isTrimmed ? slices.map(endpointSliceKind.keep) : slices),
      ...(isTrimmed ? known.map(podKind.keep) : known),
    ],
    readKinds,
  );
}

for (const form of forms) {
  describe(`EndpointSlices of a real cluster, ${form}`, () => {
    const ask = (name: string) => {
      const found = cases[name];
      assert(found !== undefined);
      const route = routeTo(found.service.metadata.name);
      const observed = observe(found, form);
      const on = (wanted: number, hash = "blue"): string => {
        const result = serviceRouter.verify(route, side(hash), wanted, observed);
        return result.is === "pending" ? result.on : result.is;
      };
      return {
        on,
        references: serviceRouter.references(route, label, observed).map(({ value }) => value),
        problem: problem(route, observed),
        notes: serviceRouter.notes(route, observed).map(({ reason }) => reason),
      };
    };

    it("both families: blue-1 and blue-5 have both, and blue-3 has no IPv6 at all", () => {
      const { on, references, notes } = ask("web");
      assert.equal(on(3), "routed");
      assert.equal(on(4), "Service web to list the available pods of blue as ready");
      assert.deepEqual([references, notes], [["blue"], []]);
    });

    it("publishNotReadyAddresses: all are ready, and no more than the same three count", () => {
      assert.equal(ask("published").on(3), "routed");
      assert.equal(ask("published").on(4), "Service published to list the available pods of blue as ready");
    });

    it("headless: no ports, and none is missed", () => {
      assert.equal(ask("headless").on(3), "routed");
      assert.equal(ask("headless-named").on(3), "routed");
      assert.deepEqual(ask("headless").notes, []);
    });

    it("a targetPort that blue-5 has not: it does not count", () => {
      const { on, notes } = ask("named");
      assert.equal(on(2), "routed");
      assert.match(on(3), /^pods of blue to have a container port http or metrics, as Service named asks: /);
      assert.deepEqual(notes, ["MissingPort"]);
    });

    it("no pod at all: a slice without endpoints in each family", () => {
      const { on, notes } = ask("nobody");
      assert.equal(on(1, "red"), "Service nobody to list the available pods of red as ready");
      assert.equal(on(0, "red"), "routed");
      assert.deepEqual(notes, []);
    });

    it("hand-made Endpoints, mirrored: the Service is refused", () => {
      const { problem, references, notes } = ask("bare");
      assert.match(
        problem ?? "",
        /^service "bare" has no selector but endpoints of its own \(EndpointSlice /,
      );
      assert.deepEqual([references, notes], [[], ["ForeignEndpoints"]]);
    });

    it("a selector that was taken away: what it left is frozen and mirrored, and it may be put back", () => {
      const { problem, references } = ask("bare-frozen");
      assert.equal(problem, undefined);
      assert.deepEqual(references, ["green"]);
    });

    it("a switch: pending through every state, until the last slice has changed", () => {
      const { events, before, service } = recorded.switched;
      const route = routeTo("switched");
      const states: string[] = [];
      const slices = new Map<string, EndpointSlice>();
      for (const [index, slice] of events.entries()) {
        slices.set(slice.metadata.name, slice);
        if (index + 1 < before) continue;
        const observed = observe({ service, slices: [...slices.values()] }, form);
        const isReferred = serviceRouter
          .references(route, label, observed)
          .some(({ value }) => value === "old");
        states.push(
          `${serviceRouter.verify(route, side("new"), 5, observed).is}${isReferred ? ", old" : ""}`,
        );
      }
      assert.deepEqual(states, [...Array.from({ length: 6 }, () => "pending, old"), "routed"]);
    });
  });
}
