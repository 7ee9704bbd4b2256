import assert from "node:assert/strict";
import { test } from "node:test";
import { resources } from "../../../api/resources.ts";
import { WorkloadsBed } from "../workloads.fixture.ts";
import type { Endpoints } from "./endpoints.ts";

test("says in the older form where a Service leads, and no longer when it is gone", async (context) => {
  const bed = await WorkloadsBed.start(context);
  await bed.create(resources.services, {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web", labels: { tier: "front" } },
    spec: { selector: { app: "web" }, ports: [{ name: "http", port: 80, targetPort: 5000 }] },
  });
  await bed.createReplicaSet(2);
  const [ready, unready] = await bed.pods();
  await bed.podRuns(ready?.metadata.name ?? "", "127.9.0.2");
  await bed.podRuns(unready?.metadata.name ?? "", "127.9.0.3", false);
  const { metadata, subsets } = await bed.get<Endpoints>(resources.endpoints, "web");
  assert.deepEqual(metadata.labels, {
    tier: "front",
    "endpoints.kubernetes.io/managed-by": "endpoint-controller",
  });
  assert.deepEqual(
    subsets?.map(({ addresses = [], notReadyAddresses = [], ports }) => ({
      addresses: addresses.map(({ ip }) => ip),
      notReadyAddresses: notReadyAddresses.map(({ ip }) => ip),
      ports,
    })),
    [
      {
        addresses: ["127.9.0.2"],
        notReadyAddresses: ["127.9.0.3"],
        ports: [{ name: "http", port: 5000, protocol: "TCP" }],
      },
    ],
  );
  bed.transport.writes.length = 0;
  await bed.clock.advance(3600);
  assert.deepEqual(bed.transport.writes, []);
  await bed.delete(resources.services, "web");
  assert.deepEqual(await bed.list(resources.endpoints), []);
});
