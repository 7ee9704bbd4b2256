import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { applyPatch, lastApplied, withLastApplied } from "./apply-patch.ts";

const note = "kubectl.kubernetes.io/last-applied-configuration";

describe("the patch of an apply", () => {
  it("takes away what was applied before and is no longer written, and nothing else", () => {
    const applied = { spec: { replicas: 2, paused: true, template: { a: 1, b: 2 } } };
    const wanted = { spec: { replicas: 3, template: { a: 1 } } };
    assert.deepEqual(applyPatch(applied, wanted, "merge"), {
      spec: { replicas: 3, paused: null, template: { a: 1, b: null } },
    });
  });

  it("takes nothing away from an object that was never applied", () => {
    assert.deepEqual(applyPatch(undefined, { spec: { replicas: 1 } }, "merge"), { spec: { replicas: 1 } });
  });

  it("replaces lists whole in a merge patch", () => {
    const applied = { spec: { containers: [{ name: "a", image: "1" }] } };
    const wanted = { spec: { containers: [{ name: "b" }] } };
    assert.deepEqual(applyPatch(applied, wanted, "merge"), wanted);
  });

  it("names the members that go, and the fields that go in members that stay, in a strategic patch", () => {
    const applied = {
      spec: {
        containers: [
          { name: "a", image: "1", env: [{ name: "X", value: "1" }] },
          { name: "gone", image: "2" },
        ],
      },
    };
    const wanted = { spec: { containers: [{ name: "a", image: "3" }, { name: "new" }] } };
    assert.deepEqual(applyPatch(applied, wanted, "strategic"), {
      spec: {
        containers: [
          { name: "a", image: "3", env: null },
          { name: "new" },
          { $patch: "delete", name: "gone" },
        ],
      },
    });
  });

  it("tells ports of a Service apart by port, and of a container by containerPort", () => {
    const service = applyPatch(
      { spec: { ports: [{ port: 80 }] } },
      { spec: { ports: [{ port: 81 }] } },
      "strategic",
    );
    assert.deepEqual(service, { spec: { ports: [{ port: 81 }, { $patch: "delete", port: 80 }] } });
    const container = applyPatch(
      { spec: { containers: [{ name: "a", ports: [{ containerPort: 80 }] }] } },
      { spec: { containers: [{ name: "a", ports: [{ containerPort: 81 }] }] } },
      "strategic",
    );
    assert.deepEqual(container, {
      spec: {
        containers: [{ name: "a", ports: [{ containerPort: 81 }, { $patch: "delete", containerPort: 80 }] }],
      },
    });
  });
});

describe("the note of what was applied", () => {
  const manifest = {
    kind: "ConfigMap",
    apiVersion: "v1",
    metadata: { namespace: "default", name: "web" },
    data: { page: "<a>&" },
  };

  it("is what kubectl writes, to the byte", () => {
    const annotations = withLastApplied(manifest).metadata.annotations;
    assert.deepEqual(annotations, {
      [note]:
        '{"apiVersion":"v1","data":{"page":"\\u003ca\\u003e\\u0026"},"kind":"ConfigMap",' +
        '"metadata":{"annotations":{},"name":"web","namespace":"default"}}\n',
    });
  });

  it("does not hold an older note of itself", () => {
    const once = withLastApplied(manifest);
    assert.deepEqual(withLastApplied(once), once);
  });

  it("is read back, and left alone where somebody else has spoiled it", () => {
    assert.deepEqual(lastApplied(withLastApplied(manifest)), {
      ...manifest,
      metadata: { ...manifest.metadata, annotations: {} },
    });
    assert.equal(lastApplied({ metadata: { annotations: { [note]: "{" } } }), undefined);
    assert.equal(lastApplied({ metadata: {} }), undefined);
  });
});
