import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubernetesObject, Service } from "../../api/core.ts";
import { resources } from "../../api/resources.ts";
import { WorkloadsBed } from "./workloads.fixture.ts";

interface Told extends KubernetesObject {
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly count: number;
  readonly involvedObject: { readonly kind: string; readonly name: string };
}

function service(spec: object): object {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web" },
    spec: { selector: { app: "web" }, ports: [{ port: 80 }], ...spec },
  };
}

async function told(bed: WorkloadsBed): Promise<readonly Told[]> {
  return (await bed.list<Told>(resources.events)).filter(
    ({ involvedObject }) => involvedObject.kind === "Service",
  );
}

const cases: readonly [what: string, spec: object, message: RegExp][] = [
  ["SCTP", { ports: [{ port: 53, protocol: "SCTP" }] }, /port 53\/SCTP: only TCP and UDP are forwarded/],
  ["a name", { type: "ExternalName", externalName: "example.com" }, /externalName example.com: no name/],
  [
    "source ranges",
    { type: "LoadBalancer", loadBalancerSourceRanges: ["192.0.2.0/24"] },
    /loadBalancerSourceRanges: everybody/,
  ],
];

for (const [what, spec, message] of cases) {
  test(`says once on a Service what of it does not happen: ${what}`, async (context) => {
    const bed = await WorkloadsBed.start(context);
    await bed.create<Service>(resources.services, service(spec));
    for (let round = 0; round < 5; round += 1) {
      await bed.patch(resources.services, "web", { metadata: { annotations: { round: String(round) } } });
      await bed.clock.advance(60);
    }
    const events = await told(bed);
    assert.deepEqual(
      events.map(({ type, reason, count }) => [type, reason, count]),
      [["Warning", "IgnoredFields", 1]],
    );
    assert.match(events[0]?.message ?? "", message);
  });
}

test("says nothing of a Service that is as it says, and something when that changes", async (context) => {
  const bed = await WorkloadsBed.start(context);
  await bed.create<Service>(resources.services, service({ type: "LoadBalancer" }));
  assert.deepEqual(await told(bed), []);
  await bed.patch(resources.services, "web", { spec: { loadBalancerSourceRanges: ["192.0.2.0/24"] } });
  assert.equal((await told(bed)).length, 1);
});
