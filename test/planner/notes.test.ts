import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Condition } from "../../src/api/core.ts";
import type { Rollout } from "../../src/api/rollout.ts";
import { rolloutCustomResourceDefinition } from "../../src/api/schema/rollout.ts";
import type { Schema } from "../../src/api/schema/schema.ts";
import { plan } from "../../src/rollout/plan.ts";
import { ignoredFields } from "../../src/rollout/status/ignored-fields.ts";
import { type Note, withNotes } from "../../src/rollout/status/notes.ts";
import { instant } from "../../src/time/clock.ts";
import { World } from "./world.ts";

const now = instant(Date.UTC(2026, 0, 1));
const paused: Condition = { type: "Paused", status: "True", reason: "RolloutPaused", message: "" };

describe("notes", () => {
  const foreign: Note = { reason: "ForeignEndpoints", message: "Service web has 10.0.0.1" };
  const ignored: Note = { reason: "IgnoredFields", message: "spec.restartAt has no effect" };

  it("are conditions of their own type, each told of once", () => {
    const first = withNotes([paused], [foreign, ignored], now);
    assert.deepEqual(
      first.conditions.map(({ type, status, reason }) => [type, status, reason]),
      [
        ["Paused", "True", "RolloutPaused"],
        ["IgnoredFields", "True", "IgnoredFields"],
        ["ForeignEndpoints", "True", "ForeignEndpoints"],
      ],
    );
    assert.deepEqual(
      first.events.map(({ type, reason, message }) => [type, reason, message]),
      [
        ["Warning", "IgnoredFields", ignored.message],
        ["Warning", "ForeignEndpoints", foreign.message],
      ],
    );
    const second = withNotes(first.conditions, [ignored, foreign], now);
    assert.deepEqual(second, { conditions: first.conditions, events: [] });
  });

  it("are told of again when they say something else, and go with their cause", () => {
    const first = withNotes([paused], [foreign, ignored], now);
    const other = { ...foreign, message: "Service web has 10.0.0.2" };
    const second = withNotes(first.conditions, [other], now);
    assert.deepEqual(
      second.conditions.map(({ type, message }) => [type, message]),
      [
        ["Paused", ""],
        ["ForeignEndpoints", other.message],
      ],
    );
    assert.deepEqual(second.events, [
      { type: "Warning", reason: "ForeignEndpoints", message: other.message },
    ]);
    assert.deepEqual(withNotes(second.conditions, [], now).conditions, [paused]);
  });

  it("of one type share a condition, in whatever order they come", () => {
    const [a, b]: Note[] = [foreign, { ...foreign, message: "Service preview has a VM" }];
    assert(a !== undefined && b !== undefined);
    const { conditions } = withNotes([], [a, b, a], now);
    assert.equal(conditions[0]?.message, "Service preview has a VM; Service web has 10.0.0.1");
    assert.deepEqual(withNotes(conditions, [b, a], now).events, []);
  });
});

describe("what a router notes of a Service", () => {
  it("is a condition of the Rollout for as long as it is so", () => {
    const world = new World().settle();
    const [own] = world.slices("web");
    assert(own !== undefined);
    const labels = { "kubernetes.io/service-name": "web", "endpointslice.kubernetes.io/managed-by": "mesh" };
    const foreign = { ...own, metadata: { ...own.metadata, name: "web-mesh", labels } };
    world.lagging.set("web", [own, foreign]);
    world.settle();
    assert.equal(world.condition("ForeignEndpoints"), "True ForeignEndpoints");
    assert.match(
      world.news.at(-1) ?? "",
      /^Warning ForeignEndpoints: Service web .*web-mesh \(managed by mesh\)/,
    );
    world.lagging.clear();
    assert.equal(world.settle().condition("ForeignEndpoints"), "undefined undefined");
  });
});

describe("a field without effect", () => {
  const cases: readonly [string, object, object][] = [
    ["spec.analysis", { analysis: { successfulRunHistoryLimit: 2 } }, {}],
    ["spec.restartAt", { restartAt: "2026-01-01T00:00:00Z" }, {}],
    ["spec.strategy.blueGreen.activeMetadata", {}, { activeMetadata: { labels: { role: "active" } } }],
    [
      "spec.strategy.blueGreen.antiAffinity",
      {},
      { antiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: {} } },
    ],
    ["spec.strategy.blueGreen.maxUnavailable", {}, { maxUnavailable: 1 }],
    ["spec.strategy.blueGreen.previewMetadata", {}, { previewMetadata: { labels: { role: "preview" } } }],
    [
      "spec.strategy.blueGreen.autoPromotionSeconds (autoPromotionEnabled is false)",
      {},
      { autoPromotionEnabled: false, autoPromotionSeconds: 30 },
    ],
  ];
  for (const [field, spec, strategy] of cases) {
    it(`is said on the object: ${field}`, () => {
      const world = new World(strategy, spec).settle();
      assert.equal(world.status.phase, "Healthy");
      assert.equal(world.condition("IgnoredFields"), "True IgnoredFields");
      const message = `${field} has no effect`;
      assert.deepEqual(
        world.news.filter((line) => line.includes("IgnoredFields")),
        [`Warning IgnoredFields: ${message}`],
      );
      world.edit({ strategy: { blueGreen: { activeService: "web" } } });
      for (const name of Object.keys(spec)) world.edit({ [name]: undefined });
      world.rollout = JSON.parse(JSON.stringify(world.rollout)) as Rollout;
      world.settle();
      assert.equal(world.condition("IgnoredFields"), "undefined undefined");
    });
  }

  it("names all of them at once", () => {
    const world = new World({ maxUnavailable: 1 }, { restartAt: "2026-01-01T00:00:00Z" }).settle();
    const { message } = world.status.conditions?.find(({ type }) => type === "IgnoredFields") ?? {};
    assert.equal(message, "spec.restartAt, spec.strategy.blueGreen.maxUnavailable have no effect");
  });

  it("is every field of the schema whose value nothing reads", () => {
    const known = new Set(fieldsOf("spec", schemaOfSpec()));
    const read = new Set<string>();
    // Every field has a value, so that nothing is left unread because it is not there.
    for (const world of [new World(everything.strategy, everything.spec), new World({}, everything.spec)]) {
      for (const image of ["web:1", "web:2", "web:1"]) {
        world.deploy(image);
        for (let pass = 0; pass < 8; pass += 1) {
          const rollout = watched(world.rollout, "", read);
          world.carryOut(plan({ ...world.snapshot, rollout }, world.now));
        }
      }
    }
    const unread = [...known].filter((field) => !read.has(field));
    assert.deepEqual(unread, ignoredFields);
  });
});

const analysis = { templates: [{ templateName: "smoke" }] };
const everything = {
  spec: {
    analysis: {},
    minReadySeconds: 1,
    paused: false,
    progressDeadlineAbort: true,
    progressDeadlineSeconds: 60,
    restartAt: "2026-01-01T00:00:00Z",
    revisionHistoryLimit: 3,
    rollbackWindow: { revisions: 1 },
  },
  strategy: {
    abortScaleDownDelaySeconds: 5,
    activeMetadata: {},
    antiAffinity: {},
    autoPromotionEnabled: true,
    autoPromotionSeconds: 5,
    maxUnavailable: 1,
    postPromotionAnalysis: analysis,
    prePromotionAnalysis: analysis,
    previewMetadata: {},
    previewReplicaCount: 1,
    scaleDownDelayRevisionLimit: 1,
    scaleDownDelaySeconds: 5,
  },
};

function schemaOfSpec(): Schema {
  const definition = rolloutCustomResourceDefinition() as {
    spec: { versions: [{ schema: { openAPIV3Schema: Schema } }] };
  };
  const spec = definition.spec.versions[0].schema.openAPIV3Schema.properties?.["spec"];
  assert(spec !== undefined);
  return spec;
}

/** The fields that somebody may set; selector, template and the like are one. */
function fieldsOf(path: string, { properties = {} }: Schema): readonly string[] {
  return Object.entries(properties).flatMap(([name, schema]) => {
    const field = `${path}.${name}`;
    const isParent = field === "spec.strategy" || field === "spec.strategy.blueGreen";
    return isParent ? fieldsOf(field, schema) : [field];
  });
}

/** The same object, which notes the path of each field whose value is read. */
function watched<T extends object>(object: T, path: string, read: Set<string>): T {
  return new Proxy(object, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key);
      if (typeof key === "symbol") return value;
      const field = path === "" ? key : `${path}.${key}`;
      read.add(field);
      const isPlain = typeof value === "object" && value !== null && !Array.isArray(value);
      return isPlain && !field.startsWith("spec.template") ? watched(value, field, read) : value;
    },
  });
}
