import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ApiError } from "../../kubernetes/errors.ts";
import { FakeWorld } from "../fake-world.fixture.ts";
import { run } from "../run.ts";

const teal = (line: string, world: FakeWorld): Promise<number> => run(line.split(" "), world);

const core = {
  resources: [
    { name: "pods", singularName: "pod", kind: "Pod", namespaced: true, shortNames: ["po"], verbs: ["list"] },
    { name: "pods/log", singularName: "", kind: "Pod", namespaced: true, verbs: ["get"] },
    { name: "configmaps", singularName: "configmap", kind: "ConfigMap", namespaced: true, verbs: ["list"] },
    { name: "namespaces", singularName: "namespace", kind: "Namespace", namespaced: false, verbs: ["list"] },
  ],
};
const argo = {
  resources: [
    {
      name: "rollouts",
      singularName: "rollout",
      kind: "Rollout",
      namespaced: true,
      shortNames: ["ro"],
      verbs: ["list"],
    },
  ],
};
const discovery = {
  "GET /api/v1": core,
  "GET /apis": { groups: [{ name: "argoproj.io", preferredVersion: { version: "v1alpha1" } }] },
  "GET /apis/argoproj.io/v1alpha1": argo,
};
const configMaps = "/api/v1/namespaces/default/configmaps";
const rollouts = "/apis/argoproj.io/v1alpha1/namespaces/default/rollouts";

const manifest = (name: string, kind = "ConfigMap", apiVersion = "v1"): string =>
  `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata:\n  name: ${name}\n---\n`;
const stored = (name: string, resourceVersion: string) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace: "default", uid: `uid-${name}`, resourceVersion },
});

describe("teal apply", () => {
  it("creates what is not there, changes what is different, and says which was which", async () => {
    const world = new FakeWorld({
      ...discovery,
      [`POST ${configMaps}`]: { code: 201, body: stored("a", "1") },
      [`GET ${configMaps}/b`]: stored("b", "1"),
      [`PATCH ${configMaps}/b`]: stored("b", "2"),
      [`GET ${rollouts}/c`]: stored("c", "1"),
      [`PATCH ${rollouts}/c`]: stored("c", "1"),
    });
    world.standardInput = manifest("a") + manifest("b") + manifest("c", "Rollout", "argoproj.io/v1alpha1");
    assert.equal(await teal("apply -f -", world), 0);
    assert.equal(world.out, "configmap/a created\nconfigmap/b configured\nrollout.argoproj.io/c unchanged\n");
    assert.deepEqual(
      world.requests.filter(({ method }) => method !== "GET").map(({ contentType }) => contentType),
      [undefined, "application/strategic-merge-patch+json", "application/merge-patch+json"],
    );
  });

  it("names the fields that the server does not know, and does not print the whole object as the server does", async () => {
    const status = (message: string) => ({
      code: 422,
      body: { kind: "Status", status: "Failure", reason: "Invalid", code: 422, message },
    });
    const reason = 'strict decoding error: unknown field "spec.strategie", unknown field "spec.replicsa"';
    const printed = JSON.stringify(JSON.stringify({ spec: { strategie: 'a "quoted" \\ text: {}' } }));
    const world = new FakeWorld({
      ...discovery,
      [`GET ${rollouts}/c`]: stored("c", "1"),
      [`PATCH ${rollouts}/c`]: status(`"" is invalid: patch: Invalid value: ${printed}: ${reason}`),
      [`POST ${configMaps}`]: status('ConfigMap "a" is invalid: data: Invalid value: "x": no'),
    });
    world.standardInput = manifest("c", "Rollout", "argoproj.io/v1alpha1") + manifest("a");
    assert.equal(await teal("apply -f -", world), 1);
    assert.equal(
      world.error,
      `Error: standard input: Rollout c: ${reason}\n` +
        'Error: standard input: ConfigMap a: ConfigMap "a" is invalid: data: Invalid value: "x": no\n',
    );
  });

  it("takes the last of fields that are there twice, as kubectl does, and warns", async () => {
    const world = new FakeWorld({
      ...discovery,
      [`POST ${configMaps}`]: { code: 201, body: stored("b", "1") },
    });
    world.standardInput = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  name: b\n";
    assert.equal(await teal("apply -f -", world), 0);
    assert.equal(world.out, "configmap/b created\n");
    assert.equal(
      world.error,
      'Warning: standard input: "name" in line 5 is there already; the last one counts\n',
    );
  });

  it("asks the server to refuse fields that it does not know", async () => {
    const world = new FakeWorld({ ...discovery, [`POST ${configMaps}`]: stored("a", "1") });
    world.standardInput = manifest("a");
    await teal("apply -f -", world);
    assert.equal(world.requests.at(-1)?.query?.["fieldValidation"], "Strict");
  });

  it("tells every problem with its source, goes on with the other documents, and fails", async () => {
    const refusal = {
      kind: "Status",
      reason: "BadRequest",
      message: 'unknown field "spec.replica"',
      code: 400,
    };
    const world = new FakeWorld({
      ...discovery,
      [`POST ${rollouts}`]: { code: 400, body: refusal },
      [`POST ${configMaps}`]: { code: 201, body: stored("good", "1") },
    });
    world.standardInput = [
      manifest("bad", "Rollout", "argoproj.io/v1alpha1"),
      manifest("odd", "Wombat", "zoo.io/v1"),
      "kind: Pod\n---\n",
      manifest("good"),
    ].join("");
    assert.equal(await teal("apply -f -", world), 1);
    assert.equal(world.out, "configmap/good created\n");
    assert.equal(
      world.error,
      [
        'Error: standard input: Rollout bad: unknown field "spec.replica"',
        'Error: standard input: Wombat odd: no matches for kind "Wombat" in version "zoo.io/v1"; is its CustomResourceDefinition installed?',
        "Error: standard input: has an object without apiVersion",
        "",
      ].join("\n"),
    );
  });

  it("sends a merge patch where the server has no strategic one for the kind", async () => {
    const forms: (string | undefined)[] = [];
    const world = new FakeWorld({
      ...discovery,
      [`GET ${configMaps}/b`]: stored("b", "1"),
      [`PATCH ${configMaps}/b`]: ({ contentType }: { contentType?: string }) => {
        forms.push(contentType);
        return contentType?.includes("strategic") ? { code: 415, body: "" } : stored("b", "2");
      },
    });
    world.standardInput = manifest("b");
    assert.equal(await teal("apply -f -", world), 0);
    assert.deepEqual(forms, ["application/strategic-merge-patch+json", "application/merge-patch+json"]);
  });

  it("refuses a manifest of another namespace than the one that is asked for", async () => {
    const world = new FakeWorld(discovery);
    world.standardInput = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: shop}\n";
    assert.equal(await teal("apply -f - -n bank", world), 1);
    assert.match(world.error, /namespace from the manifest "shop" does not match the namespace "bank"/);
  });
});

describe("teal get", () => {
  const table = {
    kind: "Table",
    columnDefinitions: [{ name: "Name" }, { name: "Ready" }, { name: "Node", priority: 1 }],
    rows: [
      { cells: ["a", "1/1", "here"], object: { metadata: { name: "a", namespace: "default" } } },
      { cells: ["bcd", "0/1", null], object: { metadata: { name: "bcd", namespace: "shop" } } },
    ],
  };
  const cases: readonly [line: string, path: string, text: string][] = [
    ["get po", "/api/v1/namespaces/default/pods", "NAME   READY\na      1/1\nbcd    0/1\n"],
    [
      "get pods -o wide",
      "/api/v1/namespaces/default/pods",
      "NAME   READY   NODE\na      1/1     here\nbcd    0/1     <none>\n",
    ],
    [
      "get Pod -A",
      "/api/v1/pods",
      "NAMESPACE   NAME   READY\ndefault     a      1/1\nshop        bcd    0/1\n",
    ],
    ["get ns", "/api/v1/namespaces", "NAME   READY\na      1/1\nbcd    0/1\n"],
    ["get rollouts.argoproj.io", rollouts, "NAME   READY\na      1/1\nbcd    0/1\n"],
  ];
  for (const [line, path, text] of cases) {
    it(`prints the server's table for "teal ${line}"`, async () => {
      const namespaces = {
        ...core,
        resources: core.resources.map((it) => (it.kind === "Namespace" ? { ...it, shortNames: ["ns"] } : it)),
      };
      const world = new FakeWorld({ ...discovery, "GET /api/v1": namespaces, [`GET ${path}`]: table });
      assert.equal(await teal(line, world), 0);
      assert.equal(world.out, text);
      assert.match(world.requests.at(-1)?.accept ?? "", /as=Table/);
    });
  }

  it("lists events in the order in which they happened", async () => {
    const events = "/api/v1/namespaces/default/events";
    const happened = (name: string, lastTimestamp: string) => ({
      cells: [name],
      object: { metadata: { name }, lastTimestamp },
    });
    const world = new FakeWorld({
      ...discovery,
      "GET /api/v1": {
        resources: [{ name: "events", singularName: "event", kind: "Event", namespaced: true, verbs: [] }],
      },
      [`GET ${events}`]: {
        columnDefinitions: [{ name: "Name" }],
        rows: [happened("last", "2026-01-01T10:00:00Z"), happened("first", "2026-01-01T09:00:00Z")],
      },
    });
    assert.equal(await teal("get events", world), 0);
    assert.equal(world.out, "NAME\nfirst\nlast\n");
    assert.equal(world.requests.at(-1)?.query?.["includeObject"], "Object");
  });

  it("says that there is nothing", async () => {
    const world = new FakeWorld({
      ...discovery,
      "GET /api/v1/namespaces/default/pods": { kind: "Table", rows: [] },
    });
    assert.equal(await teal("get pods", world), 0);
    assert.equal(world.error, "No resources found in default namespace.\n");
  });

  it("prints objects as they are, without the book-keeping of fields", async () => {
    const object = { ...stored("a", "1"), metadata: { ...stored("a", "1").metadata, managedFields: [{}] } };
    const world = new FakeWorld({ ...discovery, [`GET ${configMaps}/a`]: object });
    assert.equal(await teal("get configmap a -o yaml", world), 0);
    assert.equal(
      world.out,
      'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  namespace: default\n  resourceVersion: "1"\n  uid: uid-a\n',
    );
  });

  it("prints names that kubectl takes", async () => {
    const world = new FakeWorld({
      ...discovery,
      [`GET ${rollouts}`]: { metadata: {}, items: [stored("a", "1")] },
    });
    assert.equal(await teal("get ro -o name", world), 0);
    assert.equal(world.out, "rollout.argoproj.io/a\n");
  });

  it("names the nearest kind for one that the server does not have", async () => {
    const world = new FakeWorld(discovery);
    assert.equal(await teal("get rollots", world), 1);
    assert.equal(
      world.error,
      'Error: the server doesn\'t have a resource type "rollots", did you mean "rollouts"?\n',
    );
  });

  it("goes on with changes for --watch, until it is interrupted", async () => {
    const world = new FakeWorld(discovery);
    const ended = teal("get pods -w", world);
    await world.clock.settle();
    const [watch] = world.watches;
    for (const type of ["ADDED", "MODIFIED"] as const)
      watch?.sink.event({ type, object: { ...table, apiVersion: "", metadata: { name: "" } } });
    world.interrupt();
    assert.equal(await ended, 0);
    assert.equal(world.out, "NAME   READY\na      1/1\nbcd    0/1\na     1/1\nbcd   0/1\n");
    assert.deepEqual(world.watches, []);
  });
});

describe("teal delete", () => {
  const world = (): FakeWorld =>
    new FakeWorld({
      ...discovery,
      [`GET ${configMaps}/a`]: stored("a", "4"),
      [`DELETE ${configMaps}/a`]: {},
    });

  it("comes back when the object is gone", async () => {
    const it = world();
    const ended = teal("delete configmap a", it);
    await it.clock.settle();
    assert.equal(it.out, "");
    assert.equal(it.watches[0]?.request.query?.["fieldSelector"], "metadata.name=a");
    it.watches[0]?.sink.event({ type: "DELETED", object: stored("a", "5") });
    assert.equal(await ended, 0);
    assert.equal(it.out, 'configmap "a" deleted\n');
    assert.deepEqual(it.watches, []);
  });

  it("does not wait when it is told not to, and watches nothing", async () => {
    const it = world();
    assert.equal(await teal("delete configmap a --wait=false", it), 0);
    assert.deepEqual(it.watches, []);
  });

  it("says that the object is on its way out where nobody may watch its end", async () => {
    const it = world();
    const ended = teal("delete configmap a", it);
    await it.clock.settle();
    it.watches[0]?.sink.ended(new ApiError("forbidden", "configmaps is forbidden", 403));
    assert.equal(await ended, 1);
    assert.equal(
      it.error,
      'Error: configmaps "a" is to be deleted, and nobody can say when it is gone: configmaps is forbidden. ' +
        "With --wait=false nobody waits\n",
    );
    assert.equal(it.writes.length, 1);
  });

  it("goes on after an object that is not there, and fails", async () => {
    const it = world();
    assert.equal(await teal("delete configmap b a --wait=false", it), 1);
    assert.equal(it.out, 'configmap "a" deleted\n');
    assert.match(it.error, /^Error: .*"b" not found\n$/);
    assert.equal(await teal("delete configmap b --ignore-not-found", it), 0);
  });
});

describe("teal logs", () => {
  it("prints what the pod writes as it comes", async () => {
    const world = new FakeWorld();
    assert.equal(await teal("logs web-1 -f", world), 0);
    assert.equal(world.out, "one\ntwo\n");
  });
});
