import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Endpoint, EndpointSlice, Service } from "../../src/api/core.ts";
import {
  embeddedEndpointSliceController,
  managedByAnnotation,
  podTemplateHashLabel,
  routedGenerationAnnotation,
} from "../../src/api/names.ts";
import { serviceRouter } from "../../src/traffic/service/service-router.ts";
import { routerConformance } from "./router.ts";
import {
  endpoint,
  gone,
  label,
  leaving,
  owner,
  pod,
  problem,
  ready,
  route,
  routeTo,
  ServiceBed,
  side,
  slice,
  unready,
} from "./service-bed.ts";

routerConformance(serviceRouter, route, label, () => new ServiceBed());

const mesh = "endpointslice-mesh-controller.cilium.io";
const mirror = "endpointslicemirroring-controller.k8s.io";

/** What `verify` answers for blue: `routed`, or on what it waits. */
function verdict(bed: ServiceBed, wanted = 1): string {
  const result = serviceRouter.verify(route, side("blue"), wanted, bed.objects);
  return result.is === "pending" ? result.on : result.is;
}

function blueWith(...slices: readonly EndpointSlice[]): ServiceBed {
  const bed = new ServiceBed().select("blue");
  bed.slices = slices;
  return bed;
}

function references(bed: ServiceBed): readonly string[] {
  return serviceRouter.references(route, label, bed.objects).map(({ value }) => value);
}

function notes(bed: ServiceBed): readonly string[] {
  return serviceRouter.notes(route, bed.objects).map(({ reason, message }) => `${reason}: ${message}`);
}

function withSpec(bed: ServiceBed, spec: Partial<Service["spec"]>): ServiceBed {
  bed.service = { ...bed.service, spec: { ...bed.service.spec, ...spec } };
  return bed;
}

describe("the Service router: the selector", () => {
  it("writes the managed-by annotation once, and leaves the user's selector keys alone", () => {
    const bed = new ServiceBed();
    assert.deepEqual(serviceRouter.switchTo(route, side("blue"), owner("shop-web"), bed.objects)[0]?.patch, {
      metadata: { annotations: { [managedByAnnotation]: "shop-web" } },
      spec: { selector: { [podTemplateHashLabel]: "blue" } },
    });
    bed.service = {
      ...bed.service,
      metadata: { ...bed.service.metadata, annotations: { [managedByAnnotation]: "shop-web" } },
    };
    assert.deepEqual(serviceRouter.switchTo(route, side("blue"), owner("shop-web"), bed.objects)[0]?.patch, {
      spec: { selector: { [podTemplateHashLabel]: "blue" } },
    });
  });

  it("tells why a Service cannot be used", () => {
    const bed = new ServiceBed();
    assert.equal(problem(route, bed.objects), undefined);
    assert.match(problem(routeTo("gone"), bed.objects) ?? "", /"gone" not found/);
    withSpec(bed, { type: "ExternalName" });
    assert.match(problem(route, bed.objects) ?? "", /ExternalName/);
  });
});

describe("the Service router: a Service without selector", () => {
  const bare = (selector?: Record<string, string>): ServiceBed => {
    const bed = new ServiceBed();
    const { selector: _, ...spec } = bed.service.spec;
    bed.service = { ...bed.service, spec: selector === undefined ? spec : { ...spec, selector } };
    return bed;
  };

  it("gets the hash as its selector when nobody is served through it", () => {
    for (const bed of [bare(), bare({})]) {
      bed.slices = [slice({ by: undefined, endpoints: [] })];
      assert.equal(problem(route, bed.objects), undefined);
      for (const write of serviceRouter.switchTo(route, side("blue"), owner("web"), bed.objects))
        bed.apply(write);
      assert.deepEqual(bed.service.spec.selector, { [podTemplateHashLabel]: "blue" });
    }
  });

  it("is refused while it leads to endpoints that somebody else has given it", () => {
    for (const by of [undefined, mirror, mesh]) {
      const bed = bare();
      bed.slices = [slice({ name: "web-vm", by, endpoints: [{ addresses: ["192.0.2.7"] }] })];
      assert.match(problem(route, bed.objects) ?? "", /"web" has no selector .*web-vm/);
    }
  });

  it("is mended when somebody took the selector of one that a Rollout manages", () => {
    const bed = bare();
    bed.service = {
      ...bed.service,
      metadata: { ...bed.service.metadata, annotations: { [managedByAnnotation]: "web" } },
    };
    bed.slices = [slice({ name: "web-vm", by: undefined, endpoints: [{ addresses: ["192.0.2.7"] }] })];
    assert.equal(problem(route, bed.objects), undefined);
  });

  it("still refers to the versions in the slices that are left of its selector, and is mended", () => {
    const bed = bare();
    // Kubernetes freezes them, and mirrors what it had written to the Endpoints itself.
    bed.slices = [
      slice({ endpoints: [ready("blue-1")] }),
      slice({ name: "web-m", by: mirror, endpoints: [ready("blue-1")] }),
    ];
    assert.deepEqual(references(bed), ["blue"]);
    assert.equal(problem(route, bed.objects), undefined);
  });
});

describe("the Service router: conditions of an endpoint", () => {
  // From the API reference: absent `ready` means ready, absent `serving` what `ready` says, absent `terminating` no.
  // Counts: answers and stays. Reaches: may get new requests, if only where no endpoint is ready.
  const table: readonly (readonly [string, Endpoint["conditions"], { counts: boolean; reaches: boolean }])[] =
    [
      ["no conditions", undefined, { counts: true, reaches: true }],
      ["empty conditions", {}, { counts: true, reaches: true }],
      ["ready only", { ready: true }, { counts: true, reaches: true }],
      ["not ready only", { ready: false }, { counts: false, reaches: false }],
      ["all well", { ready: true, serving: true, terminating: false }, { counts: true, reaches: true }],
      ["fails", { ready: false, serving: false, terminating: false }, { counts: false, reaches: false }],
      [
        "terminates, serves",
        { ready: false, serving: true, terminating: true },
        { counts: false, reaches: true },
      ],
      [
        "terminates, serves not",
        { ready: false, serving: false, terminating: true },
        { counts: false, reaches: false },
      ],
      ["terminates, unknown", { ready: false, terminating: true }, { counts: false, reaches: false }],
      ["published though not ready", { ready: true, serving: false }, { counts: false, reaches: true }],
      [
        "published though leaving",
        { ready: true, serving: true, terminating: true },
        { counts: false, reaches: true },
      ],
    ];
  for (const [name, conditions, { counts, reaches }] of table) {
    it(`${name}: ${counts ? "counts" : "does not count"}, ${reaches ? "may get requests" : "gets no requests"}`, () => {
      const own = blueWith(slice({ endpoints: [endpoint("blue-1", conditions)] }));
      assert.equal(verdict(own) === "routed", counts);
      const other = blueWith(slice({ endpoints: [ready("blue-1"), endpoint("green-1", conditions)] }));
      assert.equal(verdict(other) !== "routed", reaches);
      assert.deepEqual(references(other), reaches ? ["blue", "green"] : ["blue"]);
    });
  }

  it("is not held by leaving pods of the target", () => {
    assert.equal(verdict(blueWith(slice({ endpoints: [ready("blue-1"), leaving("blue-2")] }))), "routed");
  });
});

describe("the Service router: several slices", () => {
  it("counts different pods over all of them, each once", () => {
    const bed = blueWith(
      slice({ name: "web-a", endpoints: [ready("blue-1"), ready("blue-2")] }),
      slice({ name: "web-b", endpoints: [ready("blue-2"), ready("blue-3")] }),
    );
    assert.equal(verdict(bed, 3), "routed");
    assert.equal(verdict(bed, 4), "Service web to list the available pods of blue as ready");
  });

  it("takes a pod that one of them lists as ready for ready", () => {
    const bed = blueWith(
      slice({ name: "web-a", endpoints: [unready("blue-1")] }),
      slice({ name: "web-b", endpoints: [ready("blue-1")] }),
    );
    assert.equal(verdict(bed), "routed");
  });

  it("waits as long as any of them lists a pod of another version, and names it", () => {
    const bed = blueWith(
      slice({ name: "web-a", endpoints: [ready("blue-1")] }),
      slice({ name: "web-b", endpoints: [ready("green-2"), ready("green-1")] }),
    );
    assert.equal(verdict(bed), "Service web to leave pod green-1 of green in EndpointSlice web-b");
  });

  it("waits for pods whose version cannot be known, and for what is no pod", () => {
    const bed = blueWith(slice({ endpoints: [ready("blue-1"), ready("none-1")] }));
    const words = `Service web to leave pod none-1, which shows no ${podTemplateHashLabel}, in EndpointSlice web-x`;
    assert.equal(verdict(bed), words);
    bed.odd.set("none-1", undefined);
    assert.equal(verdict(bed), words);
    const stray: readonly Endpoint[] = [
      { addresses: ["192.0.2.7"] },
      { addresses: ["192.0.2.7"], targetRef: { kind: "Node", name: "blue-2" } },
      { addresses: ["192.0.2.7"], targetRef: { kind: "Pod", name: "blue-2", namespace: "elsewhere" } },
    ];
    for (const one of stray) {
      bed.slices = [slice({ endpoints: [ready("blue-1"), one] })];
      assert.equal(
        verdict(bed, 1),
        "Service web to leave 192.0.2.7, which is no pod, in EndpointSlice web-x",
      );
    }
  });

  it("does not mind not-ready endpoints of whatever kind", () => {
    const bed = blueWith(
      slice({ endpoints: [ready("blue-1"), unready("green-1"), gone("green-2"), unready("none-1")] }),
      slice({ name: "web-y", endpoints: null }),
    );
    assert.equal(verdict(bed), "routed");
  });

  it("says that no slice is there yet", () => {
    assert.equal(verdict(blueWith()), "an EndpointSlice that follows the selector of Service web");
    assert.equal(verdict(blueWith(), 0), "routed");
  });

  it("waits on the embedded cluster for the traffic process to confirm the generation of each", () => {
    const by = embeddedEndpointSliceController;
    const routed = (generation: number) => ({ [routedGenerationAnnotation]: String(generation) });
    const first = slice({ name: "web-a", by, endpoints: [ready("blue-1")], annotations: routed(4) });
    const late = slice({ name: "web-b", by, endpoints: [ready("blue-2")], annotations: routed(3) });
    assert.equal(verdict(blueWith(first, late)), "the traffic process to route by EndpointSlice web-b");
    assert.equal(verdict(blueWith(first, slice({ name: "web-b", by, annotations: routed(4) }))), "routed");
  });
});

describe("the Service router: two address families", () => {
  const dual = ["10.0.0.1", "fd00::1"];
  const over = (addressType: string, ...names: readonly string[]): EndpointSlice =>
    slice({
      name: `web-${addressType.toLowerCase()}`,
      addressType,
      endpoints: names.map((name) => ready(name)),
    });

  it("counts a pod when each of them lists it", () => {
    const bed = blueWith(over("IPv4", "blue-1", "blue-2"), over("IPv6", "blue-1"));
    assert.equal(verdict(bed, 1), "routed");
    assert.equal(verdict(bed, 2), "Service web to list the available pods of blue as ready over IPv6");
    bed.slices = [over("IPv4", "blue-1", "blue-2"), over("IPv6", "blue-2", "blue-1")];
    assert.equal(verdict(bed, 2), "routed");
  });

  it("waits for the old version to leave each of them", () => {
    const bed = blueWith(over("IPv4", "blue-1"), over("IPv6", "green-1"));
    assert.equal(verdict(bed), "Service web to leave pod green-1 of green in EndpointSlice web-ipv6");
    assert.deepEqual(references(bed), ["blue", "green"]);
  });

  it("waits for a family that lists nothing when the pods have addresses of it", () => {
    const bed = blueWith(over("IPv4", "blue-1"), over("IPv6"));
    bed.odd.set("blue-1", pod("blue-1", dual));
    assert.equal(verdict(bed), "Service web to list the available pods of blue as ready over IPv6");
  });

  it("does not wait for a family that no pod has an address of, but says that it leads nowhere", () => {
    const bed = blueWith(over("IPv4", "blue-1"), over("IPv6"));
    const words =
      "MissingAddressFamily: Service web has no endpoint over IPv6, though it has addresses of that family";
    assert.equal(verdict(bed), "routed");
    bed.odd.set("blue-1", pod("blue-1", ["10.0.0.1"]));
    assert.equal(verdict(bed), "routed");
    assert.deepEqual(notes(bed), [words]);
    bed.slices = [over("IPv4"), over("IPv6")];
    assert.deepEqual(notes(bed), []);
  });

  it("counts a pod of one family where others have both", () => {
    const bed = blueWith(over("IPv4", "blue-1", "blue-2"), over("IPv6", "blue-2"));
    bed.odd.set("blue-1", pod("blue-1", ["10.0.0.1"])).set("blue-2", pod("blue-2", dual));
    assert.equal(verdict(bed, 2), "routed");
  });
});

describe("the Service router: ports", () => {
  const named = { ports: [{ name: "web", port: 80, targetPort: "http" }] };
  const portless = slice({ endpoints: [ready("blue-1")], ports: null });

  it("does not count pods that no port of the Service leads to, and says so", () => {
    const bed = withSpec(blueWith(portless), named);
    assert.equal(
      verdict(bed),
      "pods of blue to have a container port http, as Service web asks: EndpointSlice web-x has none",
    );
    assert.deepEqual(notes(bed), [
      "MissingPort: port 80 (targetPort http) of Service web leads nowhere for some pods: none of their containers names a port so",
    ]);
  });

  it("says that some of several ports lead nowhere, without waiting for them", () => {
    const ports = [...named.ports, { name: "metrics", port: 81, targetPort: "metrics" }];
    const bed = withSpec(
      blueWith(slice({ endpoints: [ready("blue-1")], ports: [{ name: "web", port: 8080 }] })),
      { ports },
    );
    assert.equal(verdict(bed), "routed");
    assert.match(notes(bed).join(), /^MissingPort: port 81 \(targetPort metrics\) of Service web /);
  });

  it("needs none for a headless Service, and none for a Service that has none", () => {
    assert.equal(verdict(withSpec(blueWith(portless), { ...named, clusterIP: "None" })), "routed");
    assert.equal(verdict(withSpec(blueWith(portless), { ports: [], clusterIP: "None" })), "routed");
  });
});

describe("the Service router: foreign endpoints", () => {
  const own = slice({ endpoints: [ready("blue-1")] });

  it("are neither waited for nor referred to, and are said", () => {
    for (const [by, words] of [
      [mesh, mesh],
      [mirror, mirror],
      [undefined, "nobody"],
    ] as const) {
      const foreign = slice({
        name: "web-f",
        by,
        endpoints: [{ addresses: ["192.0.2.7"] }, ready("green-1")],
      });
      const bed = blueWith(own, foreign);
      assert.equal(verdict(bed), "routed");
      assert.deepEqual(references(bed), ["blue"]);
      assert.deepEqual(notes(bed), [
        `ForeignEndpoints: Service web also sends requests to the endpoints of EndpointSlice web-f (managed by ${words}): ` +
          "they do not follow its selector, so no switch moves them",
      ]);
    }
  });

  it("confirm nothing", () => {
    const bed = blueWith(slice({ name: "web-f", by: mesh, endpoints: [ready("blue-1")] }));
    assert.equal(verdict(bed), "an EndpointSlice that follows the selector of Service web");
    bed.slices = [...bed.slices, slice({ endpoints: [] })];
    assert.equal(verdict(bed), "Service web to list the available pods of blue as ready");
  });

  it("are said in one sentence that does not grow with their number", () => {
    const foreign = Array.from({ length: 9 }, (_, n) =>
      slice({ name: `web-f${n}`, by: undefined, endpoints: [{ addresses: ["192.0.2.7"] }] }),
    );
    const [note, ...more] = notes(blueWith(own, ...foreign));
    assert.deepEqual(more, []);
    assert.match(note ?? "", /web-f2 \(managed by nobody\) and others: /);
    assert.deepEqual(notes(blueWith(own, slice({ name: "web-f", by: undefined, endpoints: [] }))), []);
  });
});
