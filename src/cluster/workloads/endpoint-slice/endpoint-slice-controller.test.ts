import assert from "node:assert/strict";
import { test } from "node:test";
import type { EndpointSlice, Service } from "../../../api/core.ts";
import { resources } from "../../../api/resources.ts";
import { WorkloadsBed } from "../workloads.fixture.ts";

const service = (selector?: Readonly<Record<string, string>>) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "web", labels: { team: "weather" } },
  spec: { ports: [{ port: 80, targetPort: 5000 }], ...(selector === undefined ? {} : { selector }) },
});

async function runningPod(bed: WorkloadsBed, name: string, color: string, ip: string): Promise<void> {
  await bed.create(resources.pods, {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, labels: { app: "web", color } },
    spec: { containers: [{ name: "app", image: "web:1" }] },
  });
  await bed.podRuns(name, ip);
}

async function readyAddresses(bed: WorkloadsBed): Promise<readonly string[]> {
  return (await bed.list<EndpointSlice>(resources.endpointSlices)).flatMap(({ endpoints }) =>
    (endpoints ?? [])
      .filter(({ conditions }) => conditions?.ready === true)
      .flatMap(({ addresses }) => addresses),
  );
}

test("gives a Service one slice of its own, named and labelled after it", async (context) => {
  const bed = await WorkloadsBed.start(context);
  const created = await bed.create<Service>(resources.services, service({ app: "web" }));
  await runningPod(bed, "a", "blue", "127.9.0.2");
  const [slice, ...more] = await bed.list<EndpointSlice>(resources.endpointSlices);
  assert.deepEqual(more, []);
  assert.match(slice?.metadata.name ?? "", /^web-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  assert.deepEqual(slice?.metadata.labels, {
    team: "weather",
    "kubernetes.io/service-name": "web",
    "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.teal.dev",
  });
  assert.equal(slice?.metadata.ownerReferences?.[0]?.uid, created.metadata.uid);
  assert.equal(slice?.addressType, "IPv4");
  assert.deepEqual(await readyAddresses(bed), ["127.9.0.2"]);
});

test("makes a switch of the selector one write, with no moment without endpoints", async (context) => {
  const bed = await WorkloadsBed.start(context);
  await runningPod(bed, "a", "blue", "127.9.0.2");
  await runningPod(bed, "b", "green", "127.9.0.3");
  await bed.create(resources.services, service({ app: "web", color: "blue" }));
  const [before] = await bed.list<EndpointSlice>(resources.endpointSlices);
  bed.transport.writes.length = 0;
  await bed.patch(resources.services, "web", { spec: { selector: { color: "green" } } });
  assert.deepEqual(bed.transport.writes, ["PATCH endpointslices", "PATCH endpoints"]);
  assert.deepEqual(await readyAddresses(bed), ["127.9.0.3"]);
  const [after] = await bed.list<EndpointSlice>(resources.endpointSlices);
  assert.equal(after?.metadata.uid, before?.metadata.uid);
  assert.equal(after?.metadata.generation, (before?.metadata.generation ?? 0) + 1);
});

test("leaves the traffic process's confirmation on the slice", async (context) => {
  const bed = await WorkloadsBed.start(context);
  await bed.create(resources.services, service({ app: "web" }));
  const [slice] = await bed.list<EndpointSlice>(resources.endpointSlices);
  const annotations = { "teal.dev/routed-generation": "1" };
  await bed.patch(resources.endpointSlices, slice?.metadata.name ?? "", { metadata: { annotations } });
  await runningPod(bed, "a", "blue", "127.9.0.2");
  const [after] = await bed.list<EndpointSlice>(resources.endpointSlices);
  assert.deepEqual(after?.metadata.annotations, annotations);
});

test("writes nothing when nothing that it says has changed", async (context) => {
  const bed = await WorkloadsBed.start(context);
  await bed.create(resources.services, service({ app: "web" }));
  await runningPod(bed, "a", "blue", "127.9.0.2");
  bed.transport.writes.length = 0;
  await bed.patch(resources.pods, "a", { metadata: { annotations: { note: "other" } } });
  await bed.patch(resources.services, "web", { metadata: { annotations: { note: "other" } } });
  await bed.clock.advance(3600);
  assert.deepEqual(bed.transport.writes, []);
});

test("takes a pod that is being deleted out of service at once", async (context) => {
  const bed = await WorkloadsBed.start(context);
  await bed.create(resources.services, service({ app: "web" }));
  await runningPod(bed, "a", "blue", "127.9.0.2");
  await bed.patch(resources.pods, "a", { metadata: { finalizers: ["test/hold"] } });
  await bed.delete(resources.pods, "a");
  const [slice] = await bed.list<EndpointSlice>(resources.endpointSlices);
  assert.deepEqual(slice?.endpoints?.[0]?.conditions, { ready: false, serving: true, terminating: true });
});

test("leaves a Service without a selector to its user", async (context) => {
  const bed = await WorkloadsBed.start(context);
  await bed.create(resources.services, service());
  assert.deepEqual(await bed.list(resources.endpointSlices), []);
});

test("gives a Service that was deleted and made anew slices of its own", async (context) => {
  const bed = await WorkloadsBed.start(context);
  await runningPod(bed, "a", "blue", "127.9.0.2");
  await bed.create(resources.services, service({ app: "web" }));
  await bed.delete(resources.services, "web");
  assert.deepEqual(await bed.list(resources.endpointSlices), []);
  const anew = await bed.create<Service>(resources.services, service({ app: "web" }));
  const slices = await bed.list<EndpointSlice>(resources.endpointSlices);
  assert.deepEqual(
    slices.map(({ metadata }) => metadata.ownerReferences?.[0]?.uid),
    [anew.metadata.uid],
  );
});

test("leaves the slices of a Service that is gone to the garbage collector", async (context) => {
  const bed = await WorkloadsBed.start(context);
  await bed.create(resources.services, service({ app: "web" }));
  const refusal = { kind: "Status", code: 500, reason: "InternalError", message: "not now" };
  bed.transport.refuse = ({ method }) => (method === "DELETE" ? { code: 500, body: refusal } : undefined);
  await bed.delete(resources.services, "web");
  const anew = await bed.create<Service>(resources.services, service({ app: "web" }));
  const owners = (await bed.list<EndpointSlice>(resources.endpointSlices)).map(
    ({ metadata }) => metadata.ownerReferences?.[0]?.uid,
  );
  assert.equal(owners.length, 2);
  assert.ok(owners.includes(anew.metadata.uid));
});

test("keeps the labels of the slice as those of the Service", async (context) => {
  const bed = await WorkloadsBed.start(context);
  await bed.create(resources.services, service({ app: "web" }));
  await bed.patch(resources.services, "web", { metadata: { labels: { team: null, tier: "front" } } });
  const [slice] = await bed.list<EndpointSlice>(resources.endpointSlices);
  assert.equal(slice?.metadata.labels?.["team"], undefined);
  assert.equal(slice?.metadata.labels?.["tier"], "front");
  assert.equal(slice?.metadata.labels?.["kubernetes.io/service-name"], "web");
});

test("takes away what says that it is its own and belongs to no Service that is there", async (context) => {
  const bed = await WorkloadsBed.start(context);
  const slice = (name: string, manager: string, owner?: string) => ({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name,
      labels: { "kubernetes.io/service-name": "web", "endpointslice.kubernetes.io/managed-by": manager },
      ...(owner === undefined
        ? {}
        : {
            ownerReferences: [
              { apiVersion: "v1", kind: "Service", name: "web", uid: owner, controller: true },
            ],
          }),
    },
    addressType: "IPv4",
    endpoints: [{ addresses: ["10.1.2.3"] }],
  });
  const names = async () =>
    (await bed.list<EndpointSlice>(resources.endpointSlices)).map(({ metadata }) => metadata.name);
  const manager = "endpointslice-controller.teal.dev";
  await bed.create(resources.endpointSlices, slice("by-hand", "somebody"));
  await bed.create(resources.endpointSlices, slice("before", manager));
  assert.deepEqual(await names(), ["by-hand"]);
  await bed.create<Service>(resources.services, service({ app: "web" }));
  await bed.create(resources.endpointSlices, slice("restored", manager));
  await bed.create(resources.endpointSlices, slice("older", manager, "some-other-uid"));
  const [first, own, ...more] = await names();
  assert.deepEqual([first, own?.slice(0, 4), more], ["by-hand", "web-", []]);
});
