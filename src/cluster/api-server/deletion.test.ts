import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  configMaps,
  deployment,
  deployments,
  objectIn,
  pod,
  pods,
  services,
  startApi,
} from "./api-server.fixture.ts";
import { fieldsOf } from "./json.ts";

const bind = (name: string): [string, object] => [
  `${pods}/${name}/binding`,
  { metadata: { name }, target: { kind: "Node", name: "n1" } },
];

describe("deleting an object", () => {
  it("answers a Status with its uid, or the object for the kinds that do so", async () => {
    const { post, delete: remove } = startApi();
    const { metadata } = objectIn(await post(configMaps, { metadata: { name: "a" } }));
    assert.deepEqual((await remove(`${configMaps}/a`)).body, {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Success",
      details: { name: "a", kind: "configmaps", uid: metadata.uid },
    });
    await post(services, { metadata: { name: "s" }, spec: { ports: [{ port: 80 }] } });
    assert.equal(objectIn(await remove(`${services}/s`)).kind, "Service");
    assert.equal((await remove(`${services}/s`)).code, 404);
  });

  it("waits for its finalizers, and goes when the last is taken away", async () => {
    const { post, get, patch, delete: remove, watch, clock } = startApi();
    await post(configMaps, { metadata: { name: "a", finalizers: ["x.io/hold"] } });
    const watched = watch(`${configMaps}?fieldSelector=metadata.name%3Da`);
    const marked = objectIn(await remove(`${configMaps}/a`));
    assert.equal(marked.metadata.deletionTimestamp, "2026-01-01T00:00:00Z");
    assert.equal(marked.metadata.deletionGracePeriodSeconds, 0);
    assert.deepEqual((await remove(`${configMaps}/a`)).body, marked, "the second time changes nothing");
    const more = await patch(`${configMaps}/a`, { metadata: { finalizers: ["x.io/hold", "x.io/more"] } });
    assert.match((more.body as { message: string }).message, /no new finalizers can be added/);
    assert.equal((await patch(`${configMaps}/a`, { metadata: { finalizers: null } })).code, 200);
    assert.equal((await get(`${configMaps}/a`)).code, 404);
    await clock.settle();
    assert.deepEqual(watched.told(), ["ADDED a", "MODIFIED a", "DELETED a"]);
    watched.cancel();
  });

  const policies: readonly [policy: string, finalizers: string[] | undefined][] = [
    ["Foreground", ["foregroundDeletion"]],
    ["Orphan", ["orphan"]],
    ["Background", undefined],
  ];
  for (const [propagationPolicy, finalizers] of policies) {
    it(`with ${propagationPolicy} leaves ${finalizers?.join() ?? "nothing"} for the garbage collector`, async () => {
      const { post, get, delete: remove } = startApi();
      await post(deployments, deployment("d"));
      const answer = await remove(`${deployments}/d`, { propagationPolicy });
      if (finalizers === undefined) {
        assert.equal((await get(`${deployments}/d`)).code, 404);
        return;
      }
      const { metadata } = objectIn(answer);
      assert.deepEqual(metadata.finalizers, finalizers);
      assert.equal(metadata.generation, 2);
    });
  }

  it("is refused with a grace period that is no number of seconds, and takes any that is", async () => {
    const { post, delete: remove } = startApi();
    await post(pods, pod("p", { nodeName: "n" }));
    const refused = await remove(`${pods}/p?gracePeriodSeconds=soon`);
    assert.equal(refused.code, 400);
    assert.match((refused.body as { message: string }).message, /parsing "soon": invalid syntax/);
    // A real server takes options that it cannot read for a failure of its own.
    assert.equal((await remove(`${pods}/p`, { gracePeriodSeconds: "5" })).code, 500);
    assert.equal((await remove(`${pods}/p`, { gracePeriodSeconds: 1e15 })).code, 200);
  });

  it("is refused when its uid or version is not the one meant", async () => {
    const { post, delete: remove, get } = startApi();
    await post(configMaps, { metadata: { name: "a" } });
    const byUid = await remove(`${configMaps}/a`, { preconditions: { uid: "other" } });
    assert.equal(byUid.code, 409);
    assert.match(
      (byUid.body as { message: string }).message,
      /^Operation cannot be fulfilled on ConfigMap "a": the UID/,
    );
    const byVersion = await remove(`${configMaps}/a`, { preconditions: { resourceVersion: "1" } });
    assert.equal(byVersion.code, 409);
    const { metadata } = objectIn(await get(`${configMaps}/a`));
    const { uid, resourceVersion } = metadata;
    assert.equal((await remove(`${configMaps}/a`, { preconditions: { uid, resourceVersion } })).code, 200);
  });

  it("with dryRun deletes nothing", async () => {
    const { post, delete: remove, get, store } = startApi();
    await post(configMaps, { metadata: { name: "a" } });
    const before = store.version;
    assert.equal((await remove(`${configMaps}/a?dryRun=All`)).code, 200);
    assert.equal((await get(`${configMaps}/a`)).code, 200);
    assert.equal(store.version, before);
  });

  it("of a whole selection takes only that", async () => {
    const { post, delete: remove, get } = startApi();
    for (const [name, s] of [
      ["a", "1"],
      ["b", "2"],
      ["c", "1"],
    ]) {
      await post(configMaps, { metadata: { name, labels: { s } } });
    }
    const gone = (await remove(`${configMaps}?labelSelector=s%3D1`)).body as {
      kind: string;
      items: object[];
    };
    assert.equal(gone.kind, "ConfigMapList");
    assert.equal(gone.items.length, 2);
    const left = (await get(configMaps)).body as { items: { metadata: { name: string } }[] };
    assert.deepEqual(
      left.items.map(({ metadata }) => metadata.name),
      ["b"],
    );
  });
});

describe("deleting a pod", () => {
  it("that is on no node takes it away at once", async () => {
    const { post, get, delete: remove } = startApi();
    await post(pods, pod("p"));
    const { metadata } = objectIn(await remove(`${pods}/p`));
    assert.equal(metadata.deletionGracePeriodSeconds, 0);
    assert.equal(metadata.generation, 2);
    assert.equal((await get(`${pods}/p`)).code, 404);
  });

  it("on a node gives it its time; later requests can only shorten it; the node takes it away with 0", async () => {
    const { post, get, patch, delete: remove, clock } = startApi();
    await post(pods, pod("p"));
    await post(...bind("p"));
    const first = objectIn(await remove(`${pods}/p`)).metadata;
    assert.deepEqual(
      [first.deletionTimestamp, first.deletionGracePeriodSeconds, first.generation],
      ["2026-01-01T00:00:30Z", 30, 2],
    );
    await clock.advance(3);
    const longer = objectIn(await remove(`${pods}/p`, { gracePeriodSeconds: 60 })).metadata;
    assert.equal(longer.deletionTimestamp, "2026-01-01T00:00:30Z");
    const shorter = objectIn(await remove(`${pods}/p`, { gracePeriodSeconds: 5 })).metadata;
    assert.deepEqual(
      [shorter.deletionTimestamp, shorter.deletionGracePeriodSeconds, shorter.generation],
      ["2026-01-01T00:00:05Z", 5, 2],
    );
    assert.equal((await patch(`${pods}/p/status`, { status: { phase: "Running" } })).code, 200);
    assert.equal((await get(`${pods}/p`)).code, 200, "a change of its status does not take it away");
    await remove(`${pods}/p`, { gracePeriodSeconds: 0 });
    assert.equal((await get(`${pods}/p`)).code, 404);
  });

  it("that has ended takes it away at once", async () => {
    const { post, get, patch, delete: remove } = startApi();
    await post(pods, pod("p"));
    await post(...bind("p"));
    await patch(`${pods}/p/status`, { status: { phase: "Succeeded" } });
    await remove(`${pods}/p`);
    assert.equal((await get(`${pods}/p`)).code, 404);
  });

  it("by eviction is a deletion", async () => {
    const { post, get } = startApi();
    await post(pods, pod("p"));
    assert.equal((await post(`${pods}/p/eviction`, { metadata: { name: "p" } })).code, 201);
    assert.equal((await get(`${pods}/p`)).code, 404);
  });
});

describe("deleting a namespace", () => {
  const namespaces = "/api/v1/namespaces";

  it("makes it take nothing new, until its content is gone and its finalizer taken away", async () => {
    const { post, get, put, delete: remove } = startApi();
    await post(namespaces, { metadata: { name: "gone" } });
    await post(`${namespaces}/gone/configmaps`, { metadata: { name: "old" } });
    const marked = objectIn(await remove(`${namespaces}/gone`));
    assert.deepEqual(fieldsOf(marked.status), { phase: "Terminating" });
    assert.equal(marked.metadata.deletionGracePeriodSeconds, undefined);
    assert.deepEqual((await remove(`${namespaces}/gone`)).body, marked);
    const late = await post(`${namespaces}/gone/configmaps`, { metadata: { name: "late" } });
    assert.equal(late.code, 403);
    assert.equal(
      (late.body as { message: string }).message,
      'configmaps "late" is forbidden: unable to create new content in namespace gone because it is being terminated',
    );
    assert.equal(
      (await put(`${namespaces}/gone/configmaps/old`, { metadata: { name: "old" }, data: { a: "1" } })).code,
      200,
    );
    const finalized = await put(`${namespaces}/gone/finalize`, {
      metadata: { name: "gone" },
      spec: { finalizers: [] },
    });
    assert.deepEqual(fieldsOf(objectIn(finalized).spec), {});
    assert.equal((await get(`${namespaces}/gone`)).code, 404);
  });

  it("that the cluster needs is refused", async () => {
    const { delete: remove } = startApi();
    const answer = await remove(`${namespaces}/kube-system`);
    assert.equal(answer.code, 403);
    assert.equal(
      (answer.body as { message: string }).message,
      'namespaces "kube-system" is forbidden: this namespace may not be deleted',
    );
  });
});
