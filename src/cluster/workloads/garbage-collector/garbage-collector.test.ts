import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubernetesObject, OwnerReference, ReplicaSet } from "../../../api/core.ts";
import { type Resource, resources } from "../../../api/resources.ts";
import { WorkloadsBed } from "../workloads.fixture.ts";

const gadgets: Resource = {
  group: "test.dev",
  version: "v1",
  plural: "gadgets",
  kind: "Gadget",
  namespaced: true,
};

const gadgetDefinition = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "gadgets.test.dev" },
  spec: {
    group: "test.dev",
    scope: "Namespaced",
    names: { plural: "gadgets", singular: "gadget", kind: "Gadget", listKind: "GadgetList" },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
      },
    ],
  },
};

function ownerReference(
  { apiVersion, kind, metadata }: KubernetesObject,
  more: Partial<OwnerReference> = {},
): OwnerReference {
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid ?? "", ...more };
}

function configMap(bed: WorkloadsBed, name: string, ...ownerReferences: readonly OwnerReference[]) {
  return bed.create<KubernetesObject>(resources.configMaps, {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, ownerReferences },
  });
}

async function namesOf(bed: WorkloadsBed): Promise<readonly string[]> {
  return (await bed.list(resources.configMaps)).map(({ metadata }) => metadata.name);
}

async function existing(bed: WorkloadsBed, resource: Resource): Promise<readonly string[]> {
  return (await bed.list(resource))
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map(({ metadata }) => metadata.name);
}

test("deletes what a deleted object owned, and what that owned in turn", async (context) => {
  const bed = await WorkloadsBed.start(context);
  const top = await configMap(bed, "top");
  const middle = await configMap(bed, "middle", ownerReference(top));
  await configMap(bed, "bottom", ownerReference(middle));
  await configMap(bed, "unrelated");
  await bed.delete(resources.configMaps, "top");
  assert.deepEqual(await namesOf(bed), ["unrelated"]);
});

test("deletes the pods of a deleted ReplicaSet", async (context) => {
  const bed = await WorkloadsBed.start(context);
  await bed.createReplicaSet(2);
  await bed.delete(resources.replicaSets, "web-5f4c");
  assert.deepEqual(await existing(bed, resources.pods), []);
});

test("keeps an object as long as one of its owners is left, and strikes out the others", async (context) => {
  const bed = await WorkloadsBed.start(context);
  const [one, other] = [await configMap(bed, "one"), await configMap(bed, "other")];
  await configMap(bed, "shared", ownerReference(one), ownerReference(other));
  await bed.delete(resources.configMaps, "one");
  const shared = await bed.get(resources.configMaps, "shared");
  assert.deepEqual(shared.metadata.ownerReferences, [ownerReference(other)]);
  await bed.delete(resources.configMaps, "other");
  assert.deepEqual(await namesOf(bed), []);
});

test("takes an object of the same name for another one", async (context) => {
  const bed = await WorkloadsBed.start(context);
  const owner = await configMap(bed, "owner");
  await configMap(bed, "dependent", ownerReference(owner, { uid: "another-one" }));
  assert.deepEqual(await namesOf(bed), ["owner"]);
});

test("leaves an object whose owner's kind is not served: that kind may only be away for a moment", async (context) => {
  const bed = await WorkloadsBed.start(context);
  await configMap(bed, "dependent", {
    apiVersion: "absent.dev/v1",
    kind: "Absent",
    name: "owner",
    uid: "unknown",
  });
  assert.deepEqual(await namesOf(bed), ["dependent"]);
});

test("leaves an object of the whole cluster that names an owner in some namespace", async (context) => {
  const bed = await WorkloadsBed.start(context);
  const owner = await configMap(bed, "owner");
  await bed.create(resources.namespaces, {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: "owned", ownerReferences: [ownerReference(owner)] },
  });
  await bed.delete(resources.configMaps, "owner");
  assert((await existing(bed, resources.namespaces)).includes("owned"));
});

test("follows custom resources, also of kinds that are defined later", async (context) => {
  const bed = await WorkloadsBed.start(context);
  await bed.client.create(resources.customResourceDefinitions, undefined, gadgetDefinition);
  await bed.clock.settle();
  const gadget = await bed.create<KubernetesObject>(gadgets, {
    apiVersion: "test.dev/v1",
    kind: "Gadget",
    metadata: { name: "gadget" },
  });
  await configMap(bed, "dependent", ownerReference(gadget));
  assert.deepEqual(await namesOf(bed), ["dependent"]);
  await bed.delete(gadgets, "gadget");
  assert.deepEqual(await namesOf(bed), []);
});

test("deletes what a custom resource owned when its whole kind goes", async (context) => {
  const bed = await WorkloadsBed.start(context);
  await bed.client.create(resources.customResourceDefinitions, undefined, gadgetDefinition);
  await bed.clock.settle();
  const gadget = await bed.create<KubernetesObject>(gadgets, {
    apiVersion: "test.dev/v1",
    kind: "Gadget",
    metadata: { name: "gadget" },
  });
  await configMap(bed, "dependent", ownerReference(gadget));
  await bed.client.delete(resources.customResourceDefinitions, undefined, "gadgets.test.dev");
  await bed.clock.settle();
  assert.deepEqual(await namesOf(bed), []);
});

test("deletes in the foreground: the owner goes last", async (context) => {
  const bed = await WorkloadsBed.start(context);
  const owner = await configMap(bed, "owner");
  await configMap(bed, "dependent", ownerReference(owner, { blockOwnerDeletion: true }));
  await bed.patch(resources.configMaps, "dependent", { metadata: { finalizers: ["test/hold"] } });
  await bed.delete(resources.configMaps, "owner", "Foreground");
  assert.deepEqual(await namesOf(bed), ["dependent", "owner"]);
  assert.deepEqual(await existing(bed, resources.configMaps), []);
  await bed.patch(resources.configMaps, "dependent", { metadata: { finalizers: null } });
  assert.deepEqual(await namesOf(bed), []);
});

test("deletes an owner in the foreground that has no dependents", async (context) => {
  const bed = await WorkloadsBed.start(context);
  await configMap(bed, "owner");
  await bed.delete(resources.configMaps, "owner", "Foreground");
  assert.deepEqual(await namesOf(bed), []);
});

test("orphans dependents when told to", async (context) => {
  const bed = await WorkloadsBed.start(context);
  await bed.createReplicaSet(2);
  await bed.delete(resources.replicaSets, "web-5f4c", "Orphan");
  assert.deepEqual(await bed.list<ReplicaSet>(resources.replicaSets), []);
  const pods = await bed.pods();
  assert.deepEqual(
    pods.map(({ metadata }) => [metadata.deletionTimestamp, metadata.ownerReferences ?? []]),
    [
      [undefined, []],
      [undefined, []],
    ],
  );
});

test("finds what lost its owner while nobody was watching", async (context) => {
  const bed = await WorkloadsBed.start(context);
  bed.transport.holdEvents("configmaps");
  const owner = await configMap(bed, "owner");
  await configMap(bed, "dependent", ownerReference(owner));
  await bed.delete(resources.configMaps, "owner");
  bed.transport.releaseEvents();
  await bed.clock.settle();
  assert.deepEqual(await namesOf(bed), []);
});

test("asks the API server before it takes an owner for gone that its cache does not show", async (context) => {
  const bed = await WorkloadsBed.start(context);
  bed.transport.holdEvents("configmaps");
  const owner = await configMap(bed, "owner");
  await bed.create(resources.secrets, {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "dependent", ownerReferences: [ownerReference(owner)] },
  });
  assert.deepEqual(await existing(bed, resources.secrets), ["dependent"]);
});
