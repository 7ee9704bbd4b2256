import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { describe, it } from "node:test";
import { ManualClock } from "../../time/manual-clock.ts";
import { addressesOf } from "../addresses.ts";
import { noJournal, WriteFailed } from "../store/journal.ts";
import { Store } from "../store/store.ts";
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
import { ApiServer } from "./api-server.ts";
import { type Fields, fieldsIn, fieldsOf } from "./json.ts";
import { qualified } from "./refusal.ts";

const slices = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";
const status = (answer: { body: unknown }): { message: string; reason: string } => answer.body as never;

describe("writing objects", () => {
  it("makes names that are free for generateName", async () => {
    const { post } = startApi();
    const names = new Set<string>();
    for (let round = 0; round < 20; round += 1) {
      names.add(objectIn(await post(pods, { ...pod(""), metadata: { generateName: "web-" } })).metadata.name);
    }
    assert.equal(names.size, 20);
    for (const name of names) assert.match(name, /^web-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  });

  it("stores nothing that the client can still change", async () => {
    const { post, get } = startApi();
    const body = { metadata: { name: "a", labels: { k: "1" } }, data: { a: "1" } };
    await post(configMaps, body);
    body.data.a = "2";
    body.metadata.labels.k = "2";
    const stored = objectIn(await get(`${configMaps}/a`));
    assert.deepEqual(stored.data, { a: "1" });
    assert.deepEqual(stored.metadata.labels, { k: "1" });
  });

  it("gives no new version to a write that changes nothing", async () => {
    const { post, put, patch, store } = startApi();
    const created = objectIn(await post(deployments, deployment("d")));
    const before = store.version;
    assert.deepEqual((await put(`${deployments}/d`, created)).body, created);
    assert.deepEqual((await put(`${deployments}/d`, deployment("d"))).body, created);
    assert.deepEqual((await patch(`${deployments}/d`, { spec: { replicas: 1 } })).body, created);
    assert.equal(store.version, before);
  });

  it("refuses a write to a version that is no longer current", async () => {
    const { post, put, patch } = startApi();
    const first = objectIn(await post(configMaps, { metadata: { name: "a" } }));
    await patch(`${configMaps}/a`, { data: { k: "1" } });
    const { resourceVersion } = first.metadata;
    assert.equal((await put(`${configMaps}/a`, first)).code, 409);
    const patched = await patch(`${configMaps}/a`, { metadata: { resourceVersion }, data: { k: "2" } });
    assert.equal(patched.code, 409);
    assert.equal(
      status(patched).message,
      'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again',
    );
  });

  it("refuses a write that means another object of that name", async () => {
    const { post, put, patch } = startApi();
    await post(configMaps, { metadata: { name: "a" } });
    const uid = "11111111-1111-4111-8111-111111111111";
    assert.equal((await put(`${configMaps}/a`, { metadata: { name: "a", uid } })).code, 409);
    assert.equal((await patch(`${configMaps}/a`, { metadata: { uid } })).code, 422);
  });

  it("counts generations: changes of the spec, and of a Deployment's annotations", async () => {
    const { post, patch } = startApi();
    const generation = async (answer: ReturnType<typeof post>): Promise<number | undefined> =>
      objectIn(await answer).metadata.generation;
    assert.equal(await generation(post(deployments, deployment("d"))), 1);
    assert.equal(await generation(patch(`${deployments}/d`, { metadata: { labels: { a: "1" } } })), 1);
    assert.equal(await generation(patch(`${deployments}/d/status`, { status: { replicas: 1 } })), 1);
    assert.equal(await generation(patch(`${deployments}/d`, { spec: { replicas: 3 } })), 2);
    assert.equal(await generation(patch(`${deployments}/d`, { metadata: { generation: 77 } })), 2);
    const annotated = { metadata: { annotations: { note: "a" } } };
    assert.equal(await generation(patch(`${deployments}/d`, annotated)), 3);
    const other = { metadata: { annotations: { note: "b" } } };
    assert.equal(await generation(patch(`${deployments}/d/status`, other)), 3);
    assert.equal(await generation(post(configMaps, { metadata: { name: "a" } })), undefined);
  });

  it("counts generations of EndpointSlices: everything but metadata", async () => {
    const { post, patch } = startApi();
    const slice = { metadata: { name: "s" }, addressType: "IPv4", endpoints: [{ addresses: ["127.1.0.2"] }] };
    assert.equal(objectIn(await post(slices, slice)).metadata.generation, 1);
    const routed = await patch(`${slices}/s`, {
      metadata: { annotations: { "teal.dev/routed-generation": "1" } },
    });
    assert.equal(objectIn(routed).metadata.generation, 1);
    const changed = await patch(`${slices}/s`, { endpoints: [{ addresses: ["127.1.0.3"] }] });
    assert.equal(objectIn(changed).metadata.generation, 2);
  });

  it("keeps spec and status apart", async () => {
    const { post, patch, get } = startApi();
    await post(deployments, { ...deployment("d"), status: { replicas: 9 } });
    await patch(`${deployments}/d`, { spec: { replicas: 2 }, status: { replicas: 9 } });
    assert.deepEqual(objectIn(await get(`${deployments}/d`)).status, {});
    await patch(`${deployments}/d/status`, { spec: { replicas: 7 }, status: { replicas: 2 } });
    const stored = objectIn(await get(`${deployments}/d/status`));
    assert.deepEqual(stored.status, { replicas: 2 });
    assert.equal(stored.spec?.replicas, 2);
  });

  it("lets a pod's status write neither its spec nor its owners, and completes its addresses", async () => {
    const { post, patch } = startApi();
    const ownerReferences = [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: "r", uid: "1" }];
    await post(pods, { ...pod("p"), metadata: { name: "p", ownerReferences } });
    const written = await patch(`${pods}/p/status`, {
      metadata: { ownerReferences: null, annotations: { a: "1" } },
      spec: { nodeName: "n9" },
      status: { podIP: "127.194.0.2" },
    });
    const { metadata, spec, status } = objectIn(written);
    assert.deepEqual(metadata.ownerReferences, ownerReferences);
    assert.deepEqual(metadata.annotations, { a: "1" });
    assert.equal(spec?.nodeName, undefined);
    assert.deepEqual(status?.podIPs, [{ ip: "127.194.0.2" }]);
    assert.equal(status?.qosClass, "BestEffort");
  });

  it("lets an object be changed that came in before the rules were so strict, but not with a new fault", async () => {
    const { store, patch, post, get } = startApi();
    const sets = "/apis/apps/v1/namespaces/default/replicasets";
    await post(sets, { ...deployment("old"), kind: "ReplicaSet" });
    const stored = fieldsOf((await get(`${sets}/old`)).body);
    const spec = fieldsOf(stored["spec"]);
    const annotations = { "a/b/c": "x" };
    const template = { ...fieldsOf(spec["template"]), metadata: { labels: { app: "old" }, annotations } };
    store.put("replicasets.apps", { ...stored, spec: { ...spec, template } } as never);
    assert.equal((await patch(`${sets}/old`, { spec: { replicas: 0 } })).code, 200);
    assert.equal((await patch(`${sets}/old/status`, { status: { replicas: 0 } })).code, 200);
    const worse = { spec: { template: { metadata: { annotations: { "d/e/f": "x" } } } } };
    const refused = await patch(`${sets}/old`, worse);
    assert.equal(refused.code, 422);
    assert.match(status(refused).message, /"d\/e\/f"/);
    assert.doesNotMatch(status(refused).message, /"a\/b\/c"/);
  });

  it("with dryRun answers what would be, and stores nothing", async () => {
    const { post, patch, get, store } = startApi();
    await post(deployments, deployment("d"));
    const before = store.version;
    assert.equal((await post(`${deployments}?dryRun=All`, deployment("e"))).code, 201);
    const patched = objectIn(await patch(`${deployments}/d?dryRun=All`, { spec: { replicas: 5 } }));
    assert.equal(patched.spec?.replicas, 5);
    assert.equal(objectIn(await get(`${deployments}/d`)).spec?.replicas, 1);
    assert.equal((await get(`${deployments}/e`)).code, 404);
    assert.equal(store.version, before);
  });

  it("takes Secrets' stringData as data, and creates by PUT what may be so created", async () => {
    const { post, put } = startApi();
    const secret = objectIn(
      await post("/api/v1/namespaces/default/secrets", { metadata: { name: "s" }, stringData: { a: "ä" } }),
    );
    assert.deepEqual(secret.data, { a: Buffer.from("ä").toString("base64") });
    assert.equal((await put(`${configMaps}/new`, { metadata: { name: "new" } })).code, 404);
    const lease = "/apis/coordination.k8s.io/v1/namespaces/default/leases/l";
    assert.equal((await put(lease, { metadata: { name: "l" }, spec: { holderIdentity: "me" } })).code, 201);
  });

  it("answers 507 on a full disk and 500 on one that fails, and changes nothing", async () => {
    let cause: Error | undefined;
    const journal = {
      ...noJournal,
      append: () => {
        if (cause !== undefined) throw new WriteFailed(cause);
        return 0;
      },
    };
    const store = new Store({ journal });
    const api = new ApiServer({ store, clock: new ManualClock(), addresses: addressesOf(194) });
    const post = () => api.request({ method: "POST", path: configMaps, body: { metadata: { name: "a" } } });
    cause = Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
    const full = await post();
    assert.equal(full.code, 507);
    assert.match(
      status(full).message,
      /^the cluster's data cannot be written: no space left on device: nothing was changed; free some space/,
    );
    cause = Object.assign(new Error("i/o error"), { code: "EIO" });
    const failed = await post();
    assert.equal(failed.code, 500);
    assert.match(
      status(failed).message,
      /^Internal error occurred: the cluster's data cannot be written: i\/o/,
    );
    assert.equal(store.get("configmaps", "default", "a"), undefined);
  });
});

describe("reading lists", () => {
  const named = (body: unknown): string[] =>
    (body as { items: { metadata: { name: string } }[] }).items.map(({ metadata }) => metadata.name);

  it("gives pages of one moment, though objects come and go meanwhile", async () => {
    const { post, get, delete: remove } = startApi();
    for (const name of ["a", "b", "c", "d", "e"]) await post(configMaps, { metadata: { name } });
    const first = (await get(`${configMaps}?limit=2`)).body as {
      metadata: { continue: string; remainingItemCount: number; resourceVersion: string };
    };
    assert.deepEqual(named(first), ["a", "b"]);
    assert.equal(first.metadata.remainingItemCount, 3);
    await post(configMaps, { metadata: { name: "bb" } });
    await remove(`${configMaps}/d`);
    const second = (await get(`${configMaps}?limit=2&continue=${first.metadata.continue}`))
      .body as typeof first;
    assert.deepEqual(named(second), ["c", "d"]);
    assert.equal(second.metadata.resourceVersion, first.metadata.resourceVersion);
    const third = (await get(`${configMaps}?limit=2&continue=${second.metadata.continue}`))
      .body as typeof first;
    assert.deepEqual(named(third), ["e"]);
    assert.equal(third.metadata.continue, undefined);
  });

  it("answers 410 with a way on when that moment is too long ago", async () => {
    const { post, get } = startApi({ historyLength: 1 });
    for (const name of ["a", "b", "c"]) await post(configMaps, { metadata: { name } });
    const first = (await get(`${configMaps}?limit=1`)).body as { metadata: { continue: string } };
    await post(configMaps, { metadata: { name: "d" } });
    await post(configMaps, { metadata: { name: "e" } });
    const late = await get(`${configMaps}?limit=1&continue=${first.metadata.continue}`);
    assert.equal(late.code, 410);
    const token = (late.body as typeof first).metadata.continue;
    assert.deepEqual(named((await get(`${configMaps}?continue=${token}`)).body), ["b", "c", "d", "e"]);
  });

  it("reads across namespaces, and selects by label and field", async () => {
    const { post, get } = startApi();
    await post(pods, { ...pod("a"), metadata: { name: "a", labels: { app: "web", tier: "1" } } });
    await post("/api/v1/namespaces/kube-system/pods", {
      ...pod("b"),
      metadata: { name: "b", labels: { app: "db" } },
    });
    await post(`${pods}/a/binding`, { metadata: { name: "a" }, target: { name: "n1" } });
    const select = async (query: string): Promise<string[]> =>
      named((await get(`/api/v1/pods?${query}`)).body);
    assert.deepEqual(await select(""), ["a", "b"]);
    assert.deepEqual(
      await select(new URLSearchParams({ labelSelector: "app in (web, x),tier" }).toString()),
      ["a"],
    );
    assert.deepEqual(await select(new URLSearchParams({ labelSelector: "app!=web" }).toString()), ["b"]);
    assert.deepEqual(await select(new URLSearchParams({ labelSelector: "!tier" }).toString()), ["b"]);
    assert.deepEqual(await select(new URLSearchParams({ labelSelector: "app notin (db)" }).toString()), [
      "a",
    ]);
    assert.deepEqual(await select(new URLSearchParams({ fieldSelector: "spec.nodeName=n1" }).toString()), [
      "a",
    ]);
    assert.deepEqual(
      await select(
        new URLSearchParams({ fieldSelector: "metadata.namespace!=default,status.phase=Pending" }).toString(),
      ),
      ["b"],
    );
  });

  it("shows an event in both of its groups", async () => {
    const { post, get } = startApi();
    const core = "/api/v1/namespaces/default/events";
    const group = "/apis/events.k8s.io/v1/namespaces/default/events";
    const involvedObject = { kind: "Pod", name: "p", namespace: "default" };
    await post(core, { metadata: { name: "e" }, involvedObject, reason: "Started", message: "m", count: 2 });
    const shown = objectIn(await get(`${group}/e`));
    assert.equal(shown.apiVersion, "events.k8s.io/v1");
    assert.deepEqual([shown.note, shown.regarding, shown.deprecatedCount], ["m", involvedObject, 2]);
    const found = await get(`${core}?fieldSelector=involvedObject.name%3Dp%2Creason%3DStarted`);
    assert.deepEqual(named(found.body), ["e"]);
  });
});

describe("Services", () => {
  const specOf = async (answer: ReturnType<ReturnType<typeof startApi>["post"]>) =>
    fieldsOf(objectIn(await answer).spec);
  const service = (name: string, spec: object): object => ({
    metadata: { name },
    spec: { ports: [{ port: 80 }], ...spec },
  });

  it("get addresses of this cluster's block, given back when they are deleted", async () => {
    const { post, delete: remove } = startApi();
    const first = await specOf(post(services, service("a", {})));
    const second = await specOf(post(services, service("b", {})));
    assert.match(String(first.clusterIP), /^127\.194\.64\.\d+$/);
    assert.notEqual(first.clusterIP, second.clusterIP);
    const taken = await post(services, service("c", { clusterIP: first.clusterIP }));
    assert.match(status(taken).message, /provided IP is already allocated/);
    await remove(`${services}/a`);
    assert.equal(
      (await specOf(post(services, service("c", { clusterIP: first.clusterIP })))).clusterIP,
      first.clusterIP,
    );
  });

  it("keep their address and node port when an update leaves them out", async () => {
    const { post, put } = startApi();
    const before = await specOf(post(services, service("a", { type: "NodePort" })));
    const after = await specOf(
      put(`${services}/a`, service("a", { type: "NodePort", selector: { app: "web" } })),
    );
    assert.equal(after.clusterIP, before.clusterIP);
    assert.deepEqual(after.ports, before.ports);
    assert.deepEqual(after.selector, { app: "web" });
    const { nodePort } = fieldsIn(before.ports)[0] ?? {};
    const taken = await post(services, service("b", { type: "NodePort", ports: [{ port: 80, nodePort }] }));
    assert.match(
      status(taken).message,
      /spec\.ports\[0\]\.nodePort: Invalid value: \d+: provided port is already allocated/,
    );
  });

  it("gives away no node port on which somebody else listens", async () => {
    const isPortInUse = (port: number): boolean => port % 2 === 0;
    const addresses = addressesOf(194);
    const api = new ApiServer({ store: new Store(), clock: new ManualClock(), addresses, isPortInUse });
    for (const name of ["a", "b", "c"]) {
      const body = service(name, { type: "NodePort" });
      const answer = await api.request({ method: "POST", path: services, body });
      const spec = fieldsOf((answer.body as Fields)["spec"]);
      assert.equal(Number(fieldsIn(spec.ports)[0]?.nodePort) % 2, 1);
    }
  });

  it("never get a node port twice within one Service", async () => {
    const { post, delete: remove } = startApi();
    const nodePortOf = (spec: Fields): number => Number(fieldsIn(spec.ports)[0]?.nodePort);
    const next = nodePortOf(await specOf(post(services, service("a", { type: "NodePort" })))) + 1;
    const mixed = await specOf(
      post(
        services,
        service("b", {
          type: "NodePort",
          ports: [
            { name: "any", port: 80 },
            { name: "this", port: 81, nodePort: next },
          ],
        }),
      ),
    );
    assert.notEqual(nodePortOf(mixed), next);
    await remove(`${services}/b`);
    const ports = [80, 81].map((port) => ({ name: `p${port}`, port, nodePort: next }));
    const twice = await post(services, service("c", { type: "NodePort", ports }));
    assert.match(status(twice).message, /spec\.ports\[1\]\.nodePort: Duplicate value: \d+/);
  });

  it("take no address for a dry run", async () => {
    const { post, store } = startApi();
    await post(`${services}?dryRun=All`, service("a", { clusterIP: "127.194.64.9" }));
    assert.equal((await post(services, service("b", { clusterIP: "127.194.64.9" }))).code, 201);
    assert.equal(store.size("services"), 1);
  });

  it("know what is taken after a start", async () => {
    const { post, store, clock } = startApi();
    const { clusterIP } = await specOf(post(services, service("a", {})));
    const again = new ApiServer({ store, clock, addresses: addressesOf(194) });
    const other = await again.request({ method: "POST", path: services, body: service("b", {}) });
    assert.notEqual(fieldsOf(objectIn(other).spec).clusterIP, clusterIP);
  });

  it("lose their ingress when they are no longer of type LoadBalancer", async () => {
    const { post, patch } = startApi();
    await post(services, service("a", { type: "LoadBalancer" }));
    await patch(`${services}/a/status`, { status: { loadBalancer: { ingress: [{ ip: "127.194.128.2" }] } } });
    const kept = objectIn(await patch(`${services}/a`, { metadata: { labels: { a: "1" } } }));
    assert.deepEqual(kept.status, { loadBalancer: { ingress: [{ ip: "127.194.128.2" }] } });
    const changed = objectIn(await patch(`${services}/a`, { spec: { type: "ClusterIP" } }));
    assert.deepEqual(changed.status, { loadBalancer: {} });
  });
});

describe("subresources", () => {
  it("scale a Deployment", async () => {
    const { post, get, patch, put } = startApi();
    await post(deployments, deployment("d", { replicas: 3 }));
    const scale = objectIn(await get(`${deployments}/d/scale`));
    assert.deepEqual([scale.spec, scale.status], [{ replicas: 3 }, { replicas: 0, selector: "app=d" }]);
    await patch(`${deployments}/d/scale`, { spec: { replicas: 5 } });
    assert.equal(objectIn(await get(`${deployments}/d`)).spec?.replicas, 5);
    const stale = {
      metadata: { name: "d", resourceVersion: scale.metadata.resourceVersion },
      spec: { replicas: 1 },
    };
    assert.equal((await put(`${deployments}/d/scale`, stale)).code, 409);
    await put(`${deployments}/d/scale`, { metadata: { name: "d" }, spec: { replicas: 0 } });
    const after = objectIn(await get(`${deployments}/d`));
    assert.equal(after.spec?.replicas, 0);
    assert.equal(after.metadata.generation, 3);
  });

  it("read logs where they are", async () => {
    const asked: unknown[] = [];
    const { post, get, api } = startApi({
      podLogs: async (logged, options) => {
        asked.push([logged.metadata.name, options.container, options.tailLines, options.follow]);
        return Readable.from([Buffer.from("one\n"), Buffer.from("two\n")]);
      },
    });
    await post(pods, pod("p"));
    assert.equal((await get(`${pods}/p/log`)).code, 204);
    await post(`${pods}/p/binding`, { metadata: { name: "p" }, target: { name: "n1" } });
    assert.deepEqual(await get(`${pods}/p/log?tailLines=2`), { code: 200, body: "one\ntwo\n" });
    assert.deepEqual(asked, [["p", "c", 2, false]]);
    const { signal } = new AbortController();
    const stream = await api.podLog(
      { method: "GET", path: `${pods}/p/log`, query: { follow: "true" } },
      signal,
    );
    assert.ok(Symbol.asyncIterator in stream);
    const pieces: string[] = [];
    for await (const piece of stream) pieces.push(String(piece));
    assert.deepEqual(pieces, ["one\n", "two\n"]);
    const missing = await api.podLog({ method: "GET", path: `${pods}/nope/log` }, signal);
    assert.equal((missing as { code: number }).code, 404);
  });
});

describe("what Kubernetes has and this cluster does not", () => {
  const cases = [
    ["GET", "/apis/networking.k8s.io/v1/servicecidrs", "servicecidrs.networking.k8s.io"],
    ["POST", "/apis/networking.k8s.io/v1/ipaddresses", "ipaddresses.networking.k8s.io"],
    ["GET", "/apis/networking.k8s.io/v1/servicecidrs/x/status", "servicecidrs.networking.k8s.io"],
    [
      "PATCH",
      "/apis/resource.k8s.io/v1beta1/namespaces/default/resourceclaims/x",
      "resourceclaims.resource.k8s.io",
    ],
    [
      "POST",
      "/apis/certificates.k8s.io/v1/certificatesigningrequests",
      "certificatesigningrequests.certificates.k8s.io",
    ],
    ...[
      "mutatingwebhookconfigurations",
      "validatingadmissionpolicies",
      "mutatingadmissionpolicies",
      "mutatingadmissionpolicybindings",
    ].map(
      (plural) =>
        [
          "POST",
          `/apis/admissionregistration.k8s.io/v1/${plural}`,
          `${plural}.admissionregistration.k8s.io`,
        ] as const,
    ),
    ["GET", "/api/v1/componentstatuses", "componentstatuses"],
    ["GET", "/apis/storage.k8s.io/v1/csidrivers", "csidrivers.storage.k8s.io"],
    ["GET", "/api/v1/namespaces/default/pods/p/proxy", "pods/proxy"],
    ["GET", "/apis/metrics.k8s.io/v1beta1/nodes", "nodes.metrics.k8s.io"],
  ] as const;
  const { api } = startApi();
  for (const [method, path, name] of cases) {
    it(`is refused by name: ${method} ${path}`, async () => {
      const { code, body } = await api.request({ method, path, query: {}, body: {} });
      const { message, reason } = body as { message: string; reason: string };
      assert.deepEqual(
        [code, reason, message],
        [404, "NotFound", `${name} is not offered by the embedded cluster`],
      );
    });
  }

  it("is in no discovery", () => {
    const served = new Set(api.resources().map(({ group, plural }) => qualified({ group, plural })));
    for (const [, , name] of cases) assert.equal(served.has(name), false, name);
  });

  it("is not what nobody has", async () => {
    const refused = await api.request({ method: "GET", path: "/apis/no.such/v1/jobs", query: {} });
    assert.equal(refused.body, "404 page not found\n");
  });
});
