import assert from "node:assert/strict";
import { test } from "node:test";
import type { ReplicaSet } from "../../api/core.ts";
import { resources } from "../../api/resources.ts";
import { StatusWriter } from "./status-writer.ts";
import { WorkloadsBed } from "./workloads.fixture.ts";

async function bedWithWriter(context: Parameters<typeof WorkloadsBed.start>[0]) {
  const bed = await WorkloadsBed.start(context, { controllers: [] });
  await bed.createReplicaSet(1);
  const writer = new StatusWriter<ReplicaSet>(bed.client, resources.replicaSets);
  const current = () => bed.get<ReplicaSet>(resources.replicaSets, "web-5f4c");
  return { bed, writer, current };
}

test("writes what differs, and nothing when nothing does", async (context) => {
  const { writer, current } = await bedWithWriter(context);
  const status = { replicas: 2, readyReplicas: 1 };
  await writer.write(await current(), status);
  const first = await current();
  assert.deepEqual(first.status, status);
  await writer.write(first, status);
  assert.equal((await current()).metadata.resourceVersion, first.metadata.resourceVersion);
  await writer.write(first, { replicas: 2 });
  assert.deepEqual((await current()).status, { replicas: 2 });
});

test("knows its own write again, and takes no change of anybody else's for it", async (context) => {
  const { bed, writer, current } = await bedWithWriter(context);
  const before = await current();
  await writer.write(before, { replicas: 2 });
  const written = await current();
  assert.equal(writer.isOwnWrite(written, before), true);
  await bed.patch(resources.replicaSets, "web-5f4c", { spec: { replicas: 3 } });
  assert.equal(writer.isOwnWrite(await current(), written), false);
  await bed.patch(resources.replicaSets, "web-5f4c", { status: { replicas: 5 } }, "status");
  assert.equal(writer.isOwnWrite(await current(), written), false);
});
