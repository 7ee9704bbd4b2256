import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ResourceInfo } from "../../resource-info.ts";
import { compareVersions } from "./api-groups.ts";
import { Discovery } from "./discovery.ts";

const resource = (
  group: string,
  version: string,
  plural: string,
  kind: string,
  custom = false,
): ResourceInfo => ({
  group,
  version,
  plural,
  kind,
  namespaced: true,
  singular: kind.toLowerCase(),
  listKind: `${kind}List`,
  shortNames: kind === "Pod" ? ["po"] : [],
  categories: kind === "Pod" ? ["all"] : [],
  verbs: ["get", "list"],
  subresources:
    kind === "Deployment"
      ? [{ name: "scale", kind: "Scale", group: "autoscaling", version: "v1", verbs: ["get"] }]
      : [],
  columns: [],
  schema: undefined,
  custom,
});
const builtIn = [resource("", "v1", "pods", "Pod"), resource("apps", "v1", "deployments", "Deployment")];
const aggregated = (version: string) =>
  `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
const discovery = (resources = builtIn) => new Discovery(() => resources, "127.0.0.1:7443");

describe("Discovery", () => {
  it("answers everything at once to clients that ask for it, in the version they ask for", () => {
    for (const version of ["v2", "v2beta1"]) {
      const answer = discovery().answer("/apis", `${aggregated(version)},application/json`);
      assert.equal(answer?.contentType, aggregated(version));
      assert.deepEqual(answer?.body, {
        kind: "APIGroupDiscoveryList",
        apiVersion: `apidiscovery.k8s.io/${version}`,
        metadata: {},
        items: [
          {
            metadata: { name: "apps" },
            versions: [
              {
                version: "v1",
                freshness: "Current",
                resources: [
                  {
                    resource: "deployments",
                    responseKind: { group: "apps", version: "v1", kind: "Deployment" },
                    scope: "Namespaced",
                    singularResource: "deployment",
                    verbs: ["get", "list"],
                    subresources: [
                      {
                        subresource: "scale",
                        responseKind: { group: "autoscaling", version: "v1", kind: "Scale" },
                        verbs: ["get"],
                      },
                    ],
                  },
                ],
              },
            ],
          },
        ],
      });
    }
  });

  it("takes the first version in the header", () =>
    assert.equal(
      discovery().answer("/api", `${aggregated("v2")},${aggregated("v2beta1")}`)?.contentType,
      aggregated("v2"),
    ));

  it("answers the classic lists to others", () => {
    const bodyAt = (path: string) =>
      discovery().answer(path, "application/json")?.body as Record<string, unknown> | undefined;
    assert.deepEqual(bodyAt("/api")?.versions, ["v1"]);
    assert.deepEqual(bodyAt("/apis")?.groups, [
      {
        name: "apps",
        versions: [{ groupVersion: "apps/v1", version: "v1" }],
        preferredVersion: { groupVersion: "apps/v1", version: "v1" },
      },
    ]);
    assert.equal(bodyAt("/apis/apps")?.kind, "APIGroup");
    assert.deepEqual(bodyAt("/api/v1/")?.resources, [
      {
        name: "pods",
        singularName: "pod",
        namespaced: true,
        kind: "Pod",
        verbs: ["get", "list"],
        shortNames: ["po"],
        categories: ["all"],
      },
    ]);
    assert.deepEqual((bodyAt("/apis/apps/v1")?.resources as object[] | undefined)?.[1], {
      name: "deployments/scale",
      singularName: "",
      namespaced: true,
      group: "autoscaling",
      version: "v1",
      kind: "Scale",
      verbs: ["get"],
    });
  });

  it("leaves every other path to others", () => {
    for (const path of [
      "/",
      "/api/v2",
      "/api/v1/pods",
      "/apis/other",
      "/apis/apps/v2",
      "/apis/apps/v1/deployments",
      "/version",
    ])
      assert.equal(discovery().answer(path, undefined), undefined, path);
  });

  it("gives a new ETag when a custom resource comes, and the old one when it goes", () => {
    let resources = builtIn;
    const subject = new Discovery(() => resources, "127.0.0.1:7443");
    const etag = () => subject.answer("/apis", aggregated("v2"))?.etag;
    const before = etag();
    assert.match(before ?? "", /^"[0-9A-F]{64}"$/);
    assert.equal(etag(), before);
    resources = [...builtIn, resource("example.com", "v1", "widgets", "Widget", true)];
    assert.notEqual(etag(), before);
    resources = builtIn;
    assert.equal(etag(), before);
  });

  it("lists custom groups after built-in ones, by name, preferred version first", () => {
    const custom = (group: string, version: string) => resource(group, version, "things", "Thing", true);
    const all = [custom("b.io", "v1beta1"), custom("a.io", "v1"), custom("b.io", "v1"), ...builtIn];
    const { body } = discovery(all).answer("/apis", undefined) ?? { body: {} };
    const groups = (body as { groups: { name: string; preferredVersion: { version: string } }[] }).groups;
    assert.deepEqual(
      groups.map(({ name, preferredVersion }) => `${name} ${preferredVersion.version}`),
      ["apps v1", "a.io v1", "b.io v1"],
    );
  });
});

describe("compareVersions", () => {
  it("puts what is stable and new first", () => {
    const order = ["v10", "v2", "v1", "v2beta1", "v1beta2", "v1beta1", "v3alpha1", "bar", "foo"];
    assert.deepEqual(order.toReversed().sort(compareVersions), order);
  });
});
