import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ResourceInfo, Schema } from "../../resource-info.ts";
import { schemaNameOf } from "../../schema-data.ts";
import { groupsOf } from "../discovery/api-groups.ts";
import { OpenApiDocuments } from "./documents.ts";

const deployments: ResourceInfo = {
  group: "apps",
  version: "v1",
  plural: "deployments",
  kind: "Deployment",
  namespaced: true,
  singular: "deployment",
  listKind: "DeploymentList",
  shortNames: [],
  categories: [],
  verbs: ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
  subresources: [{ name: "status", kind: "Deployment", verbs: ["get", "patch", "update"] }],
  columns: [],
  schema: undefined,
  custom: false,
};
const widgets = (schema: Schema | undefined): ResourceInfo => ({
  ...deployments,
  group: "example.com",
  plural: "widgets",
  kind: "Widget",
  schema,
  custom: true,
});

interface Parsed {
  readonly paths: Readonly<
    Record<string, Readonly<Record<string, Record<string, unknown>>> & { serverRelativeURL: string }>
  >;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

function read(documents: OpenApiDocuments, path: string, hash?: string): Parsed {
  const answer = documents.answer(path, hash);
  assert.equal(answer?.is, "document");
  return JSON.parse(answer?.is === "document" ? answer.json : "");
}

describe("OpenApiDocuments", () => {
  it("describes the kinds of a group with everything that they refer to", () => {
    const groups = groupsOf([deployments]);
    const { components } = read(new OpenApiDocuments(() => groups, "v1"), "/openapi/v3/apis/apps/v1");
    const names = Object.keys(components.schemas);
    assert.ok(names.includes(schemaNameOf("apps", "v1", "Deployment")));
    const referred = [...JSON.stringify(components).matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(
      ([, name]) => name ?? "",
    );
    assert.ok(referred.length > 50);
    for (const name of referred) assert.ok(names.includes(name), name);
  });

  it("names kind and parameters of a patch, which kubectl looks for before it asks for field validation", () => {
    const groups = groupsOf([deployments]);
    const { paths } = read(new OpenApiDocuments(() => groups, "v1"), "/openapi/v3/apis/apps/v1");
    const patch = paths["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]?.patch;
    assert.deepEqual(patch?.["x-kubernetes-group-version-kind"], {
      group: "apps",
      version: "v1",
      kind: "Deployment",
    });
    assert.ok(
      (patch?.parameters as { name: string }[] | undefined)?.some(({ name }) => name === "fieldValidation"),
    );
    assert.deepEqual(
      Object.keys(paths["/apis/apps/v1/namespaces/{namespace}/deployments/{name}/status"] ?? {}),
      ["get", "put", "patch"],
    );
  });

  it("gives a custom kind the fields that all objects have", () => {
    const groups = groupsOf([widgets({ type: "object", properties: { spec: { type: "object" } } })]);
    const { components } = read(new OpenApiDocuments(() => groups, "v1"), "/openapi/v3/apis/example.com/v1");
    const widget = components.schemas["com.example.v1.Widget"];
    assert.deepEqual(Object.keys(widget?.properties ?? {}).sort(), [
      "apiVersion",
      "kind",
      "metadata",
      "spec",
    ]);
    assert.deepEqual(widget?.["x-kubernetes-group-version-kind"], [
      { group: "example.com", version: "v1", kind: "Widget" },
    ]);
    assert.ok(components.schemas["io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"]);
  });

  it("links each document with a hash that changes with its content alone, and sends an old link on to the new one", () => {
    let groups = groupsOf([deployments, widgets({ type: "object" })]);
    const documents = new OpenApiDocuments(() => groups, "v1");
    const linksNow = () => {
      const { paths } = read(documents, "/openapi/v3");
      return Object.fromEntries(
        Object.entries(paths).map(([key, { serverRelativeURL }]) => [
          key,
          new URL(serverRelativeURL, "http://s"),
        ]),
      );
    };
    const before = linksNow();
    groups = groupsOf([deployments, widgets({ type: "object", properties: { spec: { type: "string" } } })]);
    const after = linksNow();
    assert.equal(after["apis/apps/v1"]?.href, before["apis/apps/v1"]?.href);
    assert.notEqual(after["apis/example.com/v1"]?.href, before["apis/example.com/v1"]?.href);
    const old = before["apis/example.com/v1"];
    const answer = documents.answer(old?.pathname ?? "", old?.searchParams.get("hash") ?? "");
    assert.deepEqual(answer, {
      is: "moved",
      location: `${after["apis/example.com/v1"]?.pathname}${after["apis/example.com/v1"]?.search}`,
    });
  });

  it("has nothing for a group that is not served", () =>
    assert.equal(
      new OpenApiDocuments(() => [], "v1").answer("/openapi/v3/apis/apps/v1", undefined),
      undefined,
    ));
});
