import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseJsonPath, valuesAt } from "./json-path.ts";

const object = {
  metadata: { labels: { "app.kubernetes.io/name": "web" } },
  spec: {
    replicas: 3,
    ports: [
      { name: "http", port: 80 },
      { name: "https", port: 443 },
    ],
  },
  status: {
    conditions: [
      { type: "Ready", status: "True" },
      { type: "Progressing", status: "False", reason: "a) b" },
    ],
  },
};

describe("a printer column's JSONPath", () => {
  const cases: readonly (readonly [string, readonly unknown[]])[] = [
    [".spec.replicas", [3]],
    ["$.spec.replicas", [3]],
    [".spec.nothing.here", []],
    [".metadata.labels.app\\.kubernetes\\.io/name", ["web"]],
    [".metadata.labels['app.kubernetes.io/name']", ["web"]],
    [".spec.ports[0].port", [80]],
    [".spec.ports[-1].port", [443]],
    [".spec.ports[7].port", []],
    [".spec.ports[*].name", ["http", "https"]],
    ['.status.conditions[?(@.type=="Ready")].status', ["True"]],
    [".status.conditions[?(@.type == 'Progressing')].status", ["False"]],
    ['.status.conditions[?(@.reason=="a) b")].type', ["Progressing"]],
    ['.status.conditions[?(@.type!="Ready")].type', ["Progressing"]],
    [".status.conditions[?(@.reason)].type", ["Progressing"]],
    [".spec.ports[?(@.port>=443)].name", ["https"]],
    [".spec.ports[?(@.port<443)].name", ["http"]],
    [".toString", []],
  ];
  for (const [path, values] of cases)
    it(`finds ${JSON.stringify(values)} at ${path}`, () => {
      const parsed = parseJsonPath(path);
      assert.ok(parsed);
      assert.deepEqual(valuesAt(parsed, object), values);
    });

  for (const path of ["spec", ".spec[", ".spec[?(@.a==b)]", ".spec[x]", ".a..b"])
    it(`does not read ${path}`, () => assert.equal(parseJsonPath(path), undefined));
});
