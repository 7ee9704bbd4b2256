import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { definitionsPath, objectIn, startApi } from "../api-server.fixture.ts";
import { type Fields, fieldsIn, fieldsOf } from "../json.ts";

const widgets = "/apis/example.com/v1/namespaces/default/widgets";

const schema = {
  type: "object",
  properties: {
    spec: {
      type: "object",
      required: ["size"],
      properties: {
        size: { type: "integer", minimum: 1, maximum: 9 },
        color: { type: "string", enum: ["blue", "green"], default: "blue" },
        code: { type: "string", pattern: "^[a-z]+$", minLength: 2, maxLength: 4 },
        port: { "x-kubernetes-int-or-string": true },
        when: { type: "object", properties: { seconds: { type: "integer", default: 30 } } },
        open: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
        labels: { type: "object", additionalProperties: { type: "string" } },
        parts: {
          type: "array",
          maxItems: 2,
          "x-kubernetes-list-type": "map",
          "x-kubernetes-list-map-keys": ["name"],
          items: { type: "object", required: ["name"], properties: { name: { type: "string" } } },
        },
        maybe: { type: "string", nullable: true },
        replicas: { type: "integer" },
      },
    },
    status: { type: "object", properties: { replicas: { type: "integer" }, selector: { type: "string" } } },
  },
};

const definition = (more: Fields = {}): Fields => ({
  metadata: { name: "widgets.example.com" },
  spec: {
    group: "example.com",
    scope: "Namespaced",
    names: { plural: "widgets", kind: "Widget", shortNames: ["wd"], categories: ["all"] },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        schema: { openAPIV3Schema: schema },
        subresources: {
          status: {},
          scale: {
            specReplicasPath: ".spec.replicas",
            statusReplicasPath: ".status.replicas",
            labelSelectorPath: ".status.selector",
          },
        },
        additionalPrinterColumns: [{ name: "Size", type: "integer", jsonPath: ".spec.size" }],
        ...more,
      },
    ],
  },
});

const widget = (name: string, spec: Fields): Fields => ({
  apiVersion: "example.com/v1",
  kind: "Widget",
  metadata: { name },
  spec,
});

async function startWithWidgets(more?: Fields) {
  const api = startApi();
  objectIn(await api.post(definitionsPath, definition(more)));
  return api;
}

const definitionIn = (group: string, plural: string, annotations: Fields = {}): Fields => ({
  metadata: { name: `${plural}.${group}`, annotations },
  spec: {
    ...fieldsOf(definition().spec),
    group,
    names: { plural, kind: "Thing" },
  },
});

describe("a CustomResourceDefinition", () => {
  it("takes the place of nothing that the server has itself", async () => {
    const { post, get } = startApi();
    const approved = { "api-approved.kubernetes.io": "unapproved" };
    const refused = await post(definitionsPath, definitionIn("discovery.k8s.io", "endpointslices", approved));
    assert.equal(refused.code, 422);
    assert.match(
      (refused.body as { message: string }).message,
      /metadata\.name: .*is a resource of this server/,
    );
    const slices = await get("/apis/discovery.k8s.io/v1/endpointslices");
    assert.equal((slices.body as Fields).kind, "EndpointSliceList");
  });

  it("needs an approval in a group of Kubernetes' own", async () => {
    const { post } = startApi();
    const group = "gateway.networking.k8s.io";
    const refused = await post(definitionsPath, definitionIn(group, "things"));
    assert.match(
      (refused.body as { message: string }).message,
      /metadata\.annotations\[api-approved\.kubernetes\.io\]: Required value: protected groups must have approval/,
    );
    const approved = { "api-approved.kubernetes.io": "https://example.com/approval" };
    assert.equal((await post(definitionsPath, definitionIn(group, "things", approved))).code, 201);
  });

  it("is refused when its objects would be converted by a webhook", async () => {
    const { post } = startApi();
    const { metadata, spec } = definition();
    const webhook = {
      conversionReviewVersions: ["v1"],
      clientConfig: { url: "https://example.com/convert" },
    };
    const conversion = { strategy: "Webhook", webhook };
    const refused = await post(definitionsPath, { metadata, spec: { ...fieldsOf(spec), conversion } });
    assert.equal(refused.code, 422);
    assert.match(
      (refused.body as { message: string }).message,
      /spec\.conversion\.strategy: Forbidden: conversion by a webhook is not offered by the embedded cluster; use "None"$/,
    );
  });

  it("is established and served at once, and says what discovery needs", async () => {
    const { api, get } = await startWithWidgets();
    const stored = objectIn(await get(`${definitionsPath}/widgets.example.com`));
    const conditions = fieldsIn(fieldsOf(stored.status).conditions).map(({ type, status }) => [type, status]);
    assert.deepEqual(conditions, [
      ["NamesAccepted", "True"],
      ["Established", "True"],
    ]);
    const info = api.resources().find(({ plural }) => plural === "widgets");
    assert.deepEqual(
      [info?.listKind, info?.singular, info?.shortNames, info?.categories, info?.custom],
      ["WidgetList", "widget", ["wd"], ["all"], true],
    );
    assert.deepEqual(
      info?.subresources.map(({ name }) => name),
      ["status", "scale"],
    );
    assert.deepEqual(
      info?.columns.map(({ name, jsonPath }) => [name, jsonPath]),
      [
        ["Name", undefined],
        ["Size", ".spec.size"],
      ],
    );
    assert.equal((await get(widgets)).code, 200);
  });

  it("is served again by a server that finds it in the store", async () => {
    const { api, store } = await startWithWidgets();
    const before = api.resources();
    assert.equal(api.resources(), before, "the same list until it changes");
    const names = before.map(({ plural }) => plural);
    const { ApiServer } = await import("../api-server.ts");
    const { addressesOf } = await import("../../addresses.ts");
    const { ManualClock } = await import("../../../time/manual-clock.ts");
    const again = new ApiServer({ store, clock: new ManualClock(), addresses: addressesOf(194) });
    assert.deepEqual(
      again.resources().map(({ plural }) => plural),
      names,
    );
  });

  it("takes its objects along when it is deleted, ends their watches, and waits for finalizers", async () => {
    const { post, get, patch, delete: remove, watch, clock, api } = await startWithWidgets();
    await post(widgets, widget("a", { size: 1 }));
    await post(widgets, { ...widget("b", { size: 1 }), metadata: { name: "b", finalizers: ["x.io/hold"] } });
    const watched = watch(widgets);
    const marked = objectIn(await remove(`${definitionsPath}/widgets.example.com`));
    assert.ok(marked.metadata.deletionTimestamp);
    assert.equal((await get(`${widgets}/a`)).code, 404);
    assert.equal((await get(`${widgets}/b`)).code, 200);
    await patch(`${widgets}/b`, { metadata: { finalizers: null } });
    assert.equal((await get(`${definitionsPath}/widgets.example.com`)).code, 404);
    assert.equal((await get(widgets)).code, 404);
    assert.ok(!api.resources().some(({ plural }) => plural === "widgets"));
    await clock.settle();
    assert.deepEqual(watched.told().slice(-1), ["DELETED b"]);
    assert.ok(watched.state().ended);
    objectIn(await post(definitionsPath, definition()));
    assert.equal((await get(`${widgets}/b`)).code, 404);
  });

  it("shows its objects in every served version", async () => {
    const { post, get, patch } = startApi();
    const versions = ["v1", "v2"].map((name) => ({
      name,
      served: true,
      storage: name === "v2",
      schema: { openAPIV3Schema: schema },
    }));
    const { metadata, spec } = definition();
    objectIn(await post(definitionsPath, { metadata, spec: { ...fieldsOf(spec), versions } }));
    await post(widgets, widget("a", { size: 1 }));
    const other = widgets.replace("/v1/", "/v2/");
    assert.equal(objectIn(await get(`${widgets}/a`)).apiVersion, "example.com/v1");
    assert.equal(objectIn(await get(`${other}/a`)).apiVersion, "example.com/v2");
    await patch(`${widgets}/a`, { spec: { size: 2 } });
    assert.equal(objectIn(await get(`${other}/a`)).spec?.size, 2);
  });
});

describe("a custom resource", () => {
  it("is pruned and given its defaults, also inside what is there", async () => {
    const { post } = await startWithWidgets();
    const sent = widget("a", {
      size: 1,
      nope: 1,
      when: {},
      open: { any: { thing: 1 } },
      labels: { x: "1" },
      color: null,
    });
    const answer = await post(widgets, sent);
    assert.deepEqual(objectIn(answer).spec, {
      size: 1,
      color: "blue",
      when: { seconds: 30 },
      open: { any: { thing: 1 } },
      labels: { x: "1" },
    });
    assert.deepEqual(answer.warnings, ['unknown field "spec.nope"']);
  });

  const broken: readonly [what: string, spec: Fields, message: string][] = [
    ["a required field that is missing", {}, "spec.size: Required value"],
    [
      "a number below its minimum",
      { size: 0 },
      "spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1",
    ],
    [
      "a number above its maximum",
      { size: 10 },
      "spec.size: Invalid value: 10: spec.size in body should be less than or equal to 9",
    ],
    [
      "a value outside its enum",
      { size: 1, color: "red" },
      'spec.color: Unsupported value: "red": supported values: "blue", "green"',
    ],
    [
      "a text that does not match",
      { size: 1, code: "AB" },
      "spec.code: Invalid value: \"AB\": spec.code in body should match '^[a-z]+$'",
    ],
    [
      "a text that is too short",
      { size: 1, code: "a" },
      'spec.code: Invalid value: "a": spec.code in body should be at least 2 chars long',
    ],
    [
      "a text that is too long",
      { size: 1, code: "abcde" },
      "spec.code: Too long: may not be more than 4 bytes",
    ],
    [
      "a wrong type",
      { size: "x" },
      'spec.size: Invalid value: "string": spec.size in body must be of type integer: "string"',
    ],
    [
      "neither integer nor text",
      { size: 1, port: true },
      'spec.port: Invalid value: "boolean": spec.port in body must be of type integer,string: "boolean"',
    ],
    [
      "a list that is too long",
      { size: 1, parts: [{ name: "a" }, { name: "b" }, { name: "c" }] },
      "spec.parts: Too many: 3: must have at most 2 items",
    ],
    [
      "an element twice",
      { size: 1, parts: [{ name: "a" }, { name: "a" }] },
      'spec.parts[1]: Duplicate value: {"name":"a"}',
    ],
    ["a part of an element that is missing", { size: 1, parts: [{}] }, "spec.parts[0].name: Required value"],
  ];
  for (const [what, spec, message] of broken) {
    it(`is refused for ${what}`, async () => {
      const { post } = await startWithWidgets();
      const answer = await post(widgets, widget("a", spec));
      assert.equal(answer.code, 422);
      assert.equal(
        (answer.body as { message: string }).message,
        `Widget.example.com "a" is invalid: ${message}`,
      );
    });
  }

  it("may have null where its schema says so, and an integer or a text for int-or-string", async () => {
    const { post } = await startWithWidgets();
    const spec = { size: 1, maybe: null, port: "http" };
    assert.deepEqual(objectIn(await post(widgets, widget("a", spec))).spec, { ...spec, color: "blue" });
    assert.equal((await post(widgets, widget("b", { size: 1, port: 80 }))).code, 201);
  });

  it("keeps spec, status and metadata apart, and counts generations of the spec", async () => {
    const { post, patch, get } = await startWithWidgets();
    const created = objectIn(await post(widgets, { ...widget("a", { size: 1 }), status: { replicas: 9 } }));
    assert.equal(created.status, undefined);
    assert.equal(created.metadata.generation, 1);
    await patch(`${widgets}/a/status`, {
      metadata: { labels: { x: "1" } },
      spec: { size: 5 },
      status: { replicas: 2 },
    });
    const stored = objectIn(await get(`${widgets}/a`));
    assert.deepEqual(
      [stored.spec?.size, stored.status, stored.metadata.labels],
      [1, { replicas: 2 }, undefined],
    );
    assert.equal(stored.metadata.generation, 1);
    await patch(`${widgets}/a`, { spec: { size: 5 }, status: { replicas: 7 } });
    const changed = objectIn(await get(`${widgets}/a`));
    assert.deepEqual(
      [changed.spec?.size, changed.status, changed.metadata.generation],
      [5, { replicas: 2 }, 2],
    );
  });

  it("without a status subresource is one whole", async () => {
    const { post, patch } = await startWithWidgets({ subresources: undefined });
    await post(widgets, widget("a", { size: 1 }));
    const changed = objectIn(await patch(`${widgets}/a`, { status: { replicas: 7 } }));
    assert.deepEqual([changed.status, changed.metadata.generation], [{ replicas: 7 }, 2]);
  });

  it("scales where its definition says", async () => {
    const { post, get, patch } = await startWithWidgets();
    await post(widgets, widget("a", { size: 1, replicas: 2 }));
    await patch(`${widgets}/a/status`, { status: { replicas: 1, selector: "app=a" } });
    const scale = objectIn(await get(`${widgets}/a/scale`));
    assert.deepEqual([scale.spec, scale.status], [{ replicas: 2 }, { replicas: 1, selector: "app=a" }]);
    await patch(`${widgets}/a/scale`, { spec: { replicas: 4 } });
    assert.equal(objectIn(await get(`${widgets}/a`)).spec?.replicas, 4);
  });

  it("has no fields that are only inherited, and keeps any key where all are kept", async () => {
    const { post } = await startWithWidgets();
    const spec = JSON.parse(
      '{"size":1,"constructor":"x","open":{"__proto__":{"a":1}},"labels":{"__proto__":"y"}}',
    );
    const answer = await post(widgets, widget("a", spec));
    assert.deepEqual(answer.warnings, ['unknown field "spec.constructor"']);
    const { constructor: _, ...kept } = spec;
    assert.equal(JSON.stringify(objectIn(answer).spec), JSON.stringify({ ...kept, color: "blue" }));
  });
});
