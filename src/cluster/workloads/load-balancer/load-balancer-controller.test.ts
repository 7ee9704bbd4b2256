import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubernetesObject, Service } from "../../../api/core.ts";
import { resources } from "../../../api/resources.ts";
import { addressesOf } from "../../addresses.ts";
import { WorkloadsBed } from "../workloads.fixture.ts";

const addresses = addressesOf(194);
const block = { is: "block", addresses } as const;
const shared = { is: "shared", address: "127.0.0.1" } as const;

interface Told extends KubernetesObject {
  readonly reason: string;
  readonly message: string;
  readonly involvedObject: { readonly name: string };
}

function loadBalancer(name: string, spec: object = {}): object {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name },
    spec: { type: "LoadBalancer", selector: { app: "web" }, ports: [{ port: 80 }], ...spec },
  };
}

async function ingressOf(bed: WorkloadsBed, name: string): Promise<unknown> {
  return (await bed.get<Service>(resources.services, name)).status?.loadBalancer?.ingress;
}

async function toldOf(bed: WorkloadsBed, name: string): Promise<readonly string[]> {
  const events = await bed.list<Told>(resources.events);
  return events.filter(({ involvedObject }) => involvedObject.name === name).map(({ reason }) => reason);
}

test("gives a LoadBalancer an address with one write, tells it, and writes nothing more", async (context) => {
  const bed = await WorkloadsBed.start(context, { loadBalancers: block });
  await bed.create(resources.services, loadBalancer("web"));
  assert.deepEqual(await ingressOf(bed, "web"), [{ ip: addresses.loadBalancer(0), ipMode: "VIP" }]);
  assert.deepEqual(await toldOf(bed, "web"), ["EnsuringLoadBalancer", "EnsuredLoadBalancer"]);
  const status = bed.transport.writes.filter((write) => write.includes("services"));
  assert.deepEqual(status, ["PATCH services/status"]);
  bed.transport.writes.length = 0;
  await bed.clock.advance(3600);
  assert.deepEqual(bed.transport.writes, []);
});

test("leaves what others note beside the address, and a Service of somebody else's class alone", async (context) => {
  const bed = await WorkloadsBed.start(context, { loadBalancers: block });
  await bed.create(resources.services, loadBalancer("web"));
  const ingress = [{ ip: addresses.loadBalancer(0), ipMode: "VIP", ports: [{ port: 80, protocol: "TCP" }] }];
  await bed.patch(resources.services, "web", { status: { loadBalancer: { ingress } } }, "status");
  assert.deepEqual(await ingressOf(bed, "web"), ingress);
  await bed.create(resources.services, loadBalancer("other", { loadBalancerClass: "example.com/lb" }));
  assert.equal(await ingressOf(bed, "other"), undefined);
  assert.deepEqual(await toldOf(bed, "other"), []);
});

test("takes an address back when the type changes, and gives it on", async (context) => {
  const bed = await WorkloadsBed.start(context, { loadBalancers: block });
  await bed.create(resources.services, loadBalancer("web"));
  await bed.patch(resources.services, "web", { spec: { type: "ClusterIP" } });
  assert.equal(await ingressOf(bed, "web"), undefined);
  await bed.create(resources.services, loadBalancer("next"));
  assert.deepEqual(await ingressOf(bed, "next"), [{ ip: addresses.loadBalancer(0), ipMode: "VIP" }]);
});

test("leaves a Service pending whose port is taken on the one address, says so once, and serves it when it is free", async (context) => {
  const bed = await WorkloadsBed.start(context, { loadBalancers: shared });
  await bed.create(resources.services, loadBalancer("web"));
  await bed.create(resources.services, loadBalancer("beside", { ports: [{ port: 81 }] }));
  await bed.create(resources.services, loadBalancer("late"));
  assert.deepEqual(await ingressOf(bed, "beside"), [{ ip: "127.0.0.1", ipMode: "VIP" }]);
  assert.equal(await ingressOf(bed, "late"), undefined);
  for (const round of ["1", "2"])
    await bed.patch(resources.services, "late", { metadata: { labels: { round } } });
  const told = (await bed.list<Told>(resources.events)).filter(
    ({ reason }) => reason === "SyncLoadBalancerFailed",
  );
  assert.equal(told.length, 1);
  assert.match(told[0]?.message ?? "", /port 80\/TCP of 127\.0\.0\.1 is taken by Service default\/web/);
  await bed.delete(resources.services, "web");
  assert.deepEqual(await ingressOf(bed, "late"), [{ ip: "127.0.0.1", ipMode: "VIP" }]);
});
