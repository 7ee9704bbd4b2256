import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { isDeeperThan } from "../json.ts";
import { Refusal } from "../refusal.ts";
import { builtInType } from "../type/built-in-type.ts";
import { applyJsonPatch, PatchFailed } from "./json-patch.ts";
import { applyMergePatch } from "./merge-patch.ts";
import { applyStrategicMergePatch } from "./strategic-merge-patch.ts";

describe("a merge patch (RFC 7386)", () => {
  const cases: readonly [what: string, target: unknown, patch: unknown, result: unknown][] = [
    ["changes a field", { a: "b" }, { a: "c" }, { a: "c" }],
    ["adds a field", { a: "b" }, { b: "c" }, { a: "b", b: "c" }],
    ["takes a field away with null", { a: "b", b: "c" }, { a: null }, { b: "c" }],
    ["replaces a list", { a: ["b"] }, { a: ["c"] }, { a: ["c"] }],
    ["goes into objects", { a: { b: "c", d: 1 } }, { a: { b: "d", x: null } }, { a: { b: "d", d: 1 } }],
    ["puts an object in the place of a value", { a: 1 }, { a: { b: 2 } }, { a: { b: 2 } }],
    ["leaves out nulls of what it adds", {}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
    ["replaces everything when it is no object", { a: "b" }, ["c"], ["c"]],
    ["with nothing in it changes nothing", { a: "b" }, {}, { a: "b" }],
    [
      "takes any key for a key",
      { a: 1 },
      JSON.parse('{"__proto__":{"b":2}}'),
      JSON.parse('{"a":1,"__proto__":{"b":2}}'),
    ],
  ];
  for (const [what, target, patch, result] of cases) {
    it(what, () => assert.deepEqual(applyMergePatch(target, patch), result));
  }
});

describe("a JSON patch (RFC 6902)", () => {
  const document = { a: 1, list: ["x", "y"], "a/b": { "~c": 1 }, inner: { z: null } };
  const cases: readonly [what: string, operations: readonly object[], result: object | "fails"][] = [
    ["adds a field", [{ op: "add", path: "/b", value: 2 }], { ...document, b: 2 }],
    ["replaces by adding", [{ op: "add", path: "/a", value: 2 }], { ...document, a: 2 }],
    [
      "inserts into a list",
      [{ op: "add", path: "/list/1", value: "n" }],
      { ...document, list: ["x", "n", "y"] },
    ],
    [
      "appends to a list",
      [{ op: "add", path: "/list/-", value: "n" }],
      { ...document, list: ["x", "y", "n"] },
    ],
    ["removes from a list", [{ op: "remove", path: "/list/0" }], { ...document, list: ["y"] }],
    [
      "replaces in a list",
      [{ op: "replace", path: "/list/1", value: "n" }],
      { ...document, list: ["x", "n"] },
    ],
    [
      "reads escaped names",
      [{ op: "replace", path: "/a~1b/~0c", value: 2 }],
      { ...document, "a/b": { "~c": 2 } },
    ],
    [
      "moves",
      [{ op: "move", from: "/a", path: "/inner/a" }],
      { list: ["x", "y"], "a/b": { "~c": 1 }, inner: { z: null, a: 1 } },
    ],
    [
      "copies",
      [{ op: "copy", from: "/list", path: "/inner/l" }],
      { ...document, inner: { z: null, l: ["x", "y"] } },
    ],
    [
      "tests, and goes on",
      [
        { op: "test", path: "/list", value: ["x", "y"] },
        { op: "replace", path: "/a", value: 2 },
      ],
      { ...document, a: 2 },
    ],
    ["tests null", [{ op: "test", path: "/inner/z", value: null }], document],
    ["fails at a test that does not hold", [{ op: "test", path: "/a", value: 2 }], "fails"],
    ["fails to remove what is not there", [{ op: "remove", path: "/nope" }], "fails"],
    ["fails to replace what is not there", [{ op: "replace", path: "/nope", value: 1 }], "fails"],
    ["fails to add under what is not there", [{ op: "add", path: "/nope/x", value: 1 }], "fails"],
    ["fails beyond the end of a list", [{ op: "add", path: "/list/3", value: 1 }], "fails"],
    ["fails at an index with a leading zero", [{ op: "remove", path: "/list/01" }], "fails"],
    ["fails at an unknown operation", [{ op: "jump", path: "/a" }], "fails"],
    ["fails at a path that is none", [{ op: "remove", path: "a" }], "fails"],
  ];
  for (const [what, operations, result] of cases) {
    it(what, () => {
      const before = structuredClone(document);
      if (result === "fails") assert.throws(() => applyJsonPatch(document, operations), PatchFailed);
      else assert.deepEqual(applyJsonPatch(document, operations), result);
      assert.deepEqual(document, before, "the document is left as it is");
    });
  }

  it("takes any key for a key", () => {
    const document = JSON.parse('{"labels":{"a":"1"},"__proto__":{"b":1}}') as object;
    for (const key of ["__proto__", "constructor", "toString", "hasOwnProperty", "0"]) {
      const added = applyJsonPatch(document, [
        { op: "add", path: `/labels/${key}`, value: { x: 1 } },
        { op: "add", path: `/labels/${key}/y`, value: 2 },
      ]);
      assert.deepEqual(added, JSON.parse(`{"labels":{"a":"1","${key}":{"x":1,"y":2}},"__proto__":{"b":1}}`));
      const removal = [{ op: "remove", path: `/labels/${key}` }];
      assert.deepEqual(applyJsonPatch(added, removal), document);
      assert.throws(() => applyJsonPatch(document, removal), PatchFailed);
    }
    assert.deepEqual(applyJsonPatch(document, [{ op: "remove", path: "/__proto__/b" }]), {
      labels: { a: "1" },
      ["__proto__"]: {},
    });
  });

  it("keeps the order of a list of any length", () => {
    const place = fc.record({ op: fc.constantFrom("add", "remove", "replace"), at: fc.nat(4000) });
    fc.assert(
      fc.property(fc.nat(3000), fc.array(place, { maxLength: 60 }), (length, places) => {
        const list = Array.from({ length }, (_, index) => index);
        const expected = [...list];
        const operations = places.flatMap(({ op, at }, value) => {
          const index = op === "add" ? at % (expected.length + 1) : at % Math.max(1, expected.length);
          if (op !== "add" && expected.length === 0) return [];
          expected.splice(index, op === "add" ? 0 : 1, ...(op === "remove" ? [] : [-value]));
          return [{ op, path: `/list/${index}`, value: -value }];
        });
        assert.deepEqual(applyJsonPatch({ list }, operations), { list: expected });
      }),
    );
  });

  it("moves elements of a long list from piece to piece", () => {
    const list = Array.from({ length: 5000 }, (_, index) => index);
    const operations = Array.from({ length: 3000 }, () => ({ op: "move", from: "/4999", path: "/1" }));
    assert.deepEqual(applyJsonPatch(list, operations), [0, ...list.slice(2000), ...list.slice(1, 2000)]);
  });

  it("does not share what was copied", () => {
    const operations = [
      { op: "copy", from: "/a", path: "/b" },
      { op: "add", path: "/b/x", value: 1 },
      { op: "move", from: "/b", path: "/a/y" },
    ];
    assert.deepEqual(applyJsonPatch({ a: {} }, operations), { a: { y: { x: 1 } } });
  });

  it("does not move anything into itself", () => {
    assert.throws(
      () => applyJsonPatch({ a: { b: {} } }, [{ op: "move", from: "/a", path: "/a/b/c" }]),
      PatchFailed,
    );
    assert.deepEqual(applyJsonPatch({ a: 1 }, [{ op: "move", from: "/a", path: "/a" }]), { a: 1 });
  });

  it("builds nothing that is too deep to be walked", () => {
    const nested = Array.from({ length: 2000 }, () => ({ op: "copy", from: "", path: "/a" }));
    assert.throws(() => applyJsonPatch({ a: {} }, nested), PatchFailed);
    const wrapped = Array.from({ length: 3000 }, () => [
      { op: "add", path: "/b", value: {} },
      { op: "move", from: "/a", path: "/b/a" },
      { op: "move", from: "/b", path: "/a" },
    ]).flat();
    const result = applyJsonPatch({ a: {} }, wrapped);
    assert.equal(isDeeperThan(result), true);
  });

  it("refuses copies of copies, which would fill the memory", () => {
    const bomb = Array.from({ length: 40 }, (_, n) => ({ op: "copy", from: "", path: `/c${n}` }));
    assert.throws(() => applyJsonPatch({ text: "x".repeat(1000) }, bomb), PatchFailed);
  });
});

describe("a strategic merge patch of a pod", () => {
  const type = builtInType("io.k8s.api.core.v1.Pod");
  const container = (name: string, more: object = {}): object => ({ name, image: `${name}:1`, ...more });
  const spec = (fields: object): object => ({ spec: fields });
  const cases: readonly [what: string, original: object, patch: object, result: object][] = [
    [
      "changes the container of that name",
      spec({ containers: [container("a"), container("b")] }),
      spec({ containers: [{ name: "b", image: "b:2" }] }),
      spec({ containers: [container("a"), { name: "b", image: "b:2" }] }),
    ],
    [
      "puts a new container before those that it does not name",
      spec({ containers: [container("a")] }),
      spec({ containers: [container("n")] }),
      spec({ containers: [container("n"), container("a")] }),
    ],
    [
      "keeps an unnamed container before the one that it stood before",
      spec({ containers: [container("a"), container("b"), container("c")] }),
      spec({
        containers: [
          { name: "c", image: "c:2" },
          { name: "b", image: "b:2" },
        ],
      }),
      spec({ containers: [container("a"), { name: "c", image: "c:2" }, { name: "b", image: "b:2" }] }),
    ],
    [
      "deletes a container",
      spec({ containers: [container("a"), container("b")] }),
      spec({ containers: [{ name: "a", $patch: "delete" }] }),
      spec({ containers: [container("b")] }),
    ],
    [
      "replaces the list of containers",
      spec({ containers: [container("a"), container("b")] }),
      spec({ containers: [container("n"), { $patch: "replace" }] }),
      spec({ containers: [container("n")] }),
    ],
    [
      "orders containers",
      spec({ containers: [container("a"), container("b")] }),
      spec({
        "$setElementOrder/containers": [{ name: "b" }, { name: "a" }],
        containers: [{ name: "a", image: "a:2" }],
      }),
      spec({ containers: [container("b"), { name: "a", image: "a:2" }] }),
    ],
    [
      "orders without changing",
      spec({ containers: [container("a"), container("b")] }),
      spec({ "$setElementOrder/containers": [{ name: "b" }, { name: "a" }] }),
      spec({ containers: [container("b"), container("a")] }),
    ],
    [
      "merges variables by name, and takes one away",
      spec({
        containers: [
          container("a", {
            env: [
              { name: "X", value: "1" },
              { name: "Y", value: "1" },
            ],
          }),
        ],
      }),
      spec({
        containers: [
          {
            name: "a",
            env: [
              { name: "X", value: "2" },
              { name: "Y", $patch: "delete" },
            ],
          },
        ],
      }),
      spec({ containers: [container("a", { env: [{ name: "X", value: "2" }] })] }),
    ],
    [
      "replaces a list without merge key",
      spec({ containers: [container("a", { command: ["x", "y"] })] }),
      spec({ containers: [{ name: "a", command: ["z"] }] }),
      spec({ containers: [container("a", { command: ["z"] })] }),
    ],
    [
      "keeps only the named source of a volume",
      spec({ volumes: [{ name: "v", emptyDir: {} }] }),
      spec({ volumes: [{ name: "v", $retainKeys: ["name", "secret"], secret: { secretName: "s" } }] }),
      spec({ volumes: [{ name: "v", secret: { secretName: "s" } }] }),
    ],
    [
      "adds to a list of texts that is a set",
      { metadata: { finalizers: ["a"] } },
      { metadata: { finalizers: ["b"] } },
      { metadata: { finalizers: ["b", "a"] } },
    ],
    [
      "takes from a list of texts",
      { metadata: { finalizers: ["a", "b", "c"] } },
      { metadata: { "$deleteFromPrimitiveList/finalizers": ["b"] } },
      { metadata: { finalizers: ["a", "c"] } },
    ],
    [
      "merges labels and takes one away with null",
      { metadata: { labels: { a: "1", b: "1" } } },
      { metadata: { labels: { a: null, c: "1" } } },
      { metadata: { labels: { b: "1", c: "1" } } },
    ],
    [
      "replaces an object",
      spec({ nodeSelector: { a: "1" }, hostname: "h" }),
      spec({ nodeSelector: { b: "1", $patch: "replace" } }),
      spec({ nodeSelector: { b: "1" }, hostname: "h" }),
    ],
    [
      "empties an object",
      spec({ securityContext: { runAsUser: 1 } }),
      spec({ securityContext: { $patch: "delete" } }),
      spec({ securityContext: {} }),
    ],
    [
      "merges owners by uid",
      {
        metadata: {
          ownerReferences: [
            { uid: "1", name: "a" },
            { uid: "2", name: "b" },
          ],
        },
      },
      { metadata: { ownerReferences: [{ uid: "1", $patch: "delete" }] } },
      { metadata: { ownerReferences: [{ uid: "2", name: "b" }] } },
    ],
  ];
  for (const [what, original, patch, result] of cases) {
    it(what, () => {
      const before = structuredClone(original);
      assert.deepEqual(applyStrategicMergePatch(original, patch, type), result);
      assert.deepEqual(original, before, "the original is left as it is");
    });
  }

  it("merges the ports of a Service by port", () => {
    const service = builtInType("io.k8s.api.core.v1.Service");
    const original = spec({
      ports: [
        { port: 80, name: "a" },
        { port: 81, name: "b" },
      ],
    });
    const patch = spec({ ports: [{ port: 81, targetPort: 5000 }] });
    assert.deepEqual(
      applyStrategicMergePatch(original, patch, service),
      spec({
        ports: [
          { port: 80, name: "a" },
          { port: 81, name: "b", targetPort: 5000 },
        ],
      }),
    );
  });

  it("takes any key for a key", () => {
    const configMap = builtInType("io.k8s.api.core.v1.ConfigMap");
    const patch = JSON.parse('{"data":{"__proto__":"x"}}');
    assert.deepEqual(
      applyStrategicMergePatch({ data: { a: "1" } }, patch, configMap),
      JSON.parse('{"data":{"a":"1","__proto__":"x"}}'),
    );
  });

  it("refuses an element without its key", () => {
    const patch = spec({ containers: [{ image: "b" }] });
    assert.throws(() => applyStrategicMergePatch({}, patch, type), Refusal);
  });
});
