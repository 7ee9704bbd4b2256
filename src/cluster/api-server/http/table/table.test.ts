import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { instant } from "../../../../time/clock.ts";
import type { Column, ResourceInfo } from "../../resource-info.ts";
import { type IncludeObject, TableRenderer } from "./table.ts";

const now = instant(Date.parse("2026-11-21T12:00:47Z"));
const nameColumn: Column = { name: "Name", type: "string", format: "name", priority: 0 };

const widgets = (...columns: readonly Column[]): ResourceInfo => ({
  group: "example.com",
  version: "v1",
  plural: "widgets",
  kind: "Widget",
  namespaced: true,
  singular: "widget",
  listKind: "WidgetList",
  shortNames: [],
  categories: [],
  verbs: [],
  subresources: [],
  columns: [nameColumn, ...columns],
  schema: undefined,
  custom: true,
});
const widget = {
  apiVersion: "example.com/v1",
  kind: "Widget",
  metadata: { name: "w", resourceVersion: "7", creationTimestamp: "2026-11-21T12:00:00Z" },
  spec: {
    replicas: 4,
    ratio: 0.5,
    on: true,
    ports: [1, 2],
    nothing: null,
    text: "t",
    since: "2026-11-21T11:58:00Z",
  },
};
const options = (includeObject: IncludeObject = "None") => ({
  apiVersion: "meta.k8s.io/v1",
  includeObject,
  now,
});

describe("TableRenderer", () => {
  it("prints a custom resource by its columns, with null for what is absent or of another type", () => {
    const column = (type: string, jsonPath: string): Column => ({
      name: jsonPath,
      type,
      jsonPath,
      priority: 1,
    });
    const renderer = new TableRenderer(
      widgets(
        column("integer", ".spec.replicas"),
        column("integer", ".spec.text"),
        column("number", ".spec.ratio"),
        column("boolean", ".spec.on"),
        column("string", ".spec.text"),
        column("string", ".spec.ports[*]"),
        column("string", ".spec.nothing"),
        column("string", ".spec.absent"),
        column("date", ".spec.since"),
        column("date", ".metadata.creationTimestamp"),
        column("string", "not a path"),
      ),
    );
    const [row] = renderer.render([widget], {}, options()).rows;
    assert.deepEqual(row?.cells, ["w", 4, null, 0.5, true, "t", "1 2", null, null, "2m47s", "47s", null]);
  });

  it("describes columns without their paths", () => {
    const replicas = { name: "Replicas", type: "integer", jsonPath: ".spec.replicas", priority: 0 };
    const { columnDefinitions } = new TableRenderer(widgets(replicas)).render([], {}, options());
    assert.deepEqual(columnDefinitions, [
      { name: "Name", type: "string", format: "name", description: "", priority: 0 },
      { name: "Replicas", type: "integer", format: "", description: "", priority: 0 },
    ]);
  });

  it("carries nothing, the metadata or the whole object with a row", () => {
    const objectOf = (include: IncludeObject) =>
      new TableRenderer(widgets()).render([widget], {}, options(include)).rows[0]?.object;
    assert.equal(objectOf("None"), null);
    assert.deepEqual(objectOf("Metadata"), {
      kind: "PartialObjectMetadata",
      apiVersion: "meta.k8s.io/v1",
      metadata: widget.metadata,
    });
    assert.deepEqual(objectOf("Object"), widget);
  });

  it("shows name and time of creation where nothing else is known", () => {
    const table = new TableRenderer(undefined).render([widget], { resourceVersion: "9" }, options());
    assert.deepEqual(table.rows[0]?.cells, ["w", "2026-11-21T12:00:00Z"]);
    assert.deepEqual(table.metadata, { resourceVersion: "9" });
  });
});
