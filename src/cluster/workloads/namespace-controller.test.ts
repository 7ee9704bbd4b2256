import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubernetesObject, Pod } from "../../api/core.ts";
import { resources } from "../../api/resources.ts";
import { ApiError } from "../../kubernetes/errors.ts";
import { WorkloadsBed } from "./workloads.fixture.ts";

const certificateAuthority = "-----BEGIN CERTIFICATE-----";
const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } };

async function bedWithNamespace(context: Parameters<typeof WorkloadsBed.start>[0]): Promise<WorkloadsBed> {
  const bed = await WorkloadsBed.start(context, { certificateAuthority });
  await bed.client.create(resources.namespaces, undefined, namespace);
  await bed.clock.settle();
  return bed;
}

async function isThere(bed: WorkloadsBed): Promise<boolean> {
  try {
    await bed.client.get(resources.namespaces, undefined, "shop");
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.kind === "notFound") return false;
    throw error;
  }
}

async function accounts(bed: WorkloadsBed): Promise<readonly string[]> {
  const { items } = await bed.client.list<KubernetesObject>(resources.serviceAccounts, { namespace: "shop" });
  return items.map(({ metadata }) => metadata.name);
}

test("gives every namespace its default ServiceAccount, and again when somebody deletes it", async (context) => {
  const bed = await bedWithNamespace(context);
  assert.deepEqual(await accounts(bed), ["default"]);
  await bed.client.delete(resources.serviceAccounts, "shop", "default");
  await bed.clock.settle();
  assert.deepEqual(await accounts(bed), ["default"]);
});

test("gives every namespace the API server's certificate authority, and again when somebody changes or deletes it", async (context) => {
  const bed = await bedWithNamespace(context);
  const content = async () =>
    (
      await bed.client.get<KubernetesObject & { data: object }>(
        resources.configMaps,
        "shop",
        "kube-root-ca.crt",
      )
    ).data;
  assert.deepEqual(await content(), { "ca.crt": certificateAuthority });
  const body = { data: { "ca.crt": "another", more: "of it" } };
  await bed.client.patch(resources.configMaps, "shop", "kube-root-ca.crt", { type: "merge", body });
  await bed.clock.settle();
  assert.deepEqual(await content(), { "ca.crt": certificateAuthority });
  await bed.client.delete(resources.configMaps, "shop", "kube-root-ca.crt");
  await bed.clock.settle();
  assert.deepEqual(await content(), { "ca.crt": certificateAuthority });
  bed.transport.writes.length = 0;
  await bed.clock.advance(3600);
  assert.deepEqual(bed.transport.writes, []);
});

test("empties a namespace that is deleted, and then lets it go", async (context) => {
  const bed = await bedWithNamespace(context);
  const configMap = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "settings" } };
  await bed.client.create(resources.configMaps, "shop", configMap);
  await bed.client.delete(resources.namespaces, undefined, "shop");
  await bed.clock.settle();
  assert.equal(await isThere(bed), false);
  const { items } = await bed.client.list(resources.configMaps, { namespace: "shop" });
  assert.deepEqual(items, []);
  assert.deepEqual(bed.problems, []);
});

test("keeps a namespace until the last of its pods has ended", async (context) => {
  const bed = await bedWithNamespace(context);
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "slow", finalizers: ["test/hold"] },
    spec: { containers: [{ name: "app", image: "web:1" }] },
  };
  await bed.client.create<Pod>(resources.pods, "shop", pod);
  await bed.client.delete(resources.namespaces, undefined, "shop");
  await bed.clock.advance(60);
  assert.equal(await isThere(bed), true);
  const body = { metadata: { finalizers: null } };
  await bed.client.patch(resources.pods, "shop", "slow", { type: "merge", body });
  await bed.clock.settle();
  assert.equal(await isThere(bed), false);
});
