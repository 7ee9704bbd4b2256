import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ResourceInfo, Schema } from "../../resource-info.ts";
import { groupsOf } from "../discovery/api-groups.ts";
import { Version2Document } from "./version-2.ts";

const widgets = (schema: Schema | undefined): ResourceInfo => ({
  group: "example.com",
  version: "v1",
  plural: "widgets",
  kind: "Widget",
  namespaced: true,
  singular: "widget",
  listKind: "WidgetList",
  shortNames: [],
  categories: [],
  verbs: ["create", "get", "patch"],
  subresources: [],
  columns: [],
  schema,
  custom: true,
});

interface Parsed {
  readonly swagger: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>>;
  readonly definitions: Readonly<Record<string, Schema>>;
}

function documentOf(...resources: readonly ResourceInfo[]): Parsed {
  const groups = groupsOf(resources);
  const answer = new Version2Document(() => groups, "v1").answer("application/json, */*");
  return JSON.parse(answer?.body.toString() ?? "");
}

const open = { "x-kubernetes-preserve-unknown-fields": true };
const text = { type: "string" };
const intOrString = { "x-kubernetes-int-or-string": true };

/** Fields of a custom kind, and what a real API server v1.34 says of them in its document. */
const measured: Readonly<Record<string, readonly [Schema, object]>> = {
  default: [
    { ...text, default: "x", enum: ["x", "y"] },
    { ...text, enum: ["x", "y"] },
  ],
  nullableText: [{ ...text, nullable: true, enum: ["x"] }, { enum: ["x"] }],
  nullableList: [{ type: "array", nullable: true, items: text }, {}],
  nullableObject: [{ type: "object", nullable: true, properties: { q: text } }, {}],
  nullableMap: [
    { type: "object", nullable: true, additionalProperties: text },
    { additionalProperties: text },
  ],
  nullableItems: [
    { type: "array", items: { ...text, nullable: true } },
    { type: "array", items: {} },
  ],
  nullableNeeded: [
    { type: "object", required: ["z"], properties: { z: { type: "object", nullable: true } } },
    { type: "object", properties: { z: {} } },
  ],
  needed: [
    { type: "object", required: ["z"], properties: { z: text } },
    { type: "object", required: ["z"], properties: { z: text } },
  ],
  openObject: [{ type: "object", ...open, properties: { k: text } }, open],
  openItems: [
    { type: "array", items: { type: "object", ...open } },
    { type: "array", items: open },
  ],
  port: [
    { ...intOrString, anyOf: [{ type: "integer" }, text], pattern: "^a" },
    { ...intOrString, pattern: "^a" },
  ],
  refused: [
    { ...text, minLength: 2, not: { pattern: "b" } },
    { ...text, minLength: 2 },
  ],
};

describe("the OpenAPI v2 document", () => {
  it("describes the fields of custom kinds as a real API server does", () => {
    const properties = Object.fromEntries(Object.entries(measured).map(([name, [schema]]) => [name, schema]));
    const spec: Schema = { type: "object", anyOf: [{ required: ["port"] }], properties };
    const { definitions } = documentOf(widgets({ type: "object", properties: { spec } }));
    const widget = definitions["com.example.v1.Widget"];
    assert.deepEqual(widget?.properties?.metadata, {
      $ref: "#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta",
    });
    assert.deepEqual(widget?.["x-kubernetes-group-version-kind"], [
      { group: "example.com", version: "v1", kind: "Widget" },
    ]);
    assert.deepEqual(widget?.properties?.spec, {
      type: "object",
      properties: Object.fromEntries(Object.entries(measured).map(([name, [, said]]) => [name, said])),
    });
  });

  it("says of a custom kind that takes anything only that it is an object", () =>
    assert.deepEqual(documentOf(widgets({ type: "object", ...open })).definitions["com.example.v1.Widget"], {
      type: "object",
      "x-kubernetes-group-version-kind": [{ group: "example.com", version: "v1", kind: "Widget" }],
    }));

  it("has each definition that another one refers to, and says nothing that v2 has no words for", () => {
    const { definitions, swagger } = documentOf(widgets({ type: "object" }));
    assert.equal(swagger, "2.0");
    const intOrStringName = "io.k8s.apimachinery.pkg.util.intstr.IntOrString";
    assert.deepEqual(definitions[intOrStringName], { type: "string", format: "int-or-string" });
    const written = JSON.stringify(definitions);
    const referred = [...written.matchAll(/"\$ref":"#\/definitions\/([^"]+)"/g)].map(
      ([, name]) => name ?? "",
    );
    assert.ok(referred.length > 500);
    for (const name of referred) assert.ok(definitions[name], name);
    assert.doesNotMatch(written, /#\/components\//);
  });

  it("writes the parameters of operations beside their names", () => {
    const { paths } = documentOf(widgets({ type: "object" }));
    const patch = paths["/apis/example.com/v1/namespaces/{namespace}/widgets/{name}"]?.patch;
    assert.ok(Array.isArray(patch?.parameters));
    assert.deepEqual(patch.parameters.at(-1), {
      name: "force",
      in: "query",
      type: "boolean",
      uniqueItems: true,
    });
  });

  it("is written once for what is served, and again when that has changed", () => {
    let groups = groupsOf([widgets({ type: "object" })]);
    const document = new Version2Document(() => groups, "v1");
    const first = document.answer(undefined);
    assert.equal(document.answer("*/*"), first);
    groups = groupsOf([widgets({ type: "object", properties: { spec: text } })]);
    assert.notEqual(document.answer("*/*")?.hash, first?.hash);
  });

  it("is given in the first form that is asked for and offered", () => {
    const document = new Version2Document(() => [], "v1");
    const protobuf = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
    const typeFor = (accept: string) => document.answer(accept)?.contentType;
    assert.equal(typeFor(protobuf), "application/com.github.proto-openapi.spec.v2.v1.0+protobuf");
    assert.equal(typeFor("application/vnd.kubernetes.protobuf, application/json"), "application/json");
    assert.equal(typeFor("application/yaml"), undefined);
  });
});
