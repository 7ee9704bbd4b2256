import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Resource, resources } from "../api/resources.ts";
import { KubernetesClient } from "../kubernetes/client.ts";
import type { ApiRequest, ApiResponse, Transport, WatchSink } from "../kubernetes/transport.ts";
import { ManualClock } from "../time/manual-clock.ts";
import { TemplateCaches } from "./template-caches.ts";

const template = {
  metadata: { name: "smoke", namespace: "shop", uid: "t", resourceVersion: "3" },
  spec: { metrics: [{ name: "large" }], templates: [{ templateName: "inner" }] },
};

/** A server that answers the lists of each kind so, and says what was asked. */
class Lists implements Transport {
  readonly asked: string[] = [];
  readonly sinks: WatchSink[] = [];
  readonly #answers: ReadonlyMap<string, ApiResponse>;

  constructor(own: ApiResponse, cluster: ApiResponse) {
    this.#answers = new Map([
      [resources.analysisTemplates.plural, own],
      [resources.clusterAnalysisTemplates.plural, cluster],
    ]);
  }

  async request({ path }: ApiRequest): Promise<ApiResponse> {
    this.asked.push(path);
    return this.#answers.get(path.split("/").at(-1) ?? "") ?? assert.fail(path);
  }

  watch(_: ApiRequest, sink: WatchSink): () => void {
    this.sinks.push(sink);
    return () => {};
  }
}

const list = (...items: readonly object[]): ApiResponse => ({
  code: 200,
  body: { metadata: { resourceVersion: "5" }, items },
});
const failure = (code: number, reason: string): ApiResponse => ({
  code,
  body: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", code, reason, message: reason },
});

function scene(own: ApiResponse, cluster: ApiResponse) {
  const clock = new ManualClock();
  const transport = new Lists(own, cluster);
  const problems: string[] = [];
  let changes = 0;
  const caches = new TemplateCaches(
    {
      client: new KubernetesClient(transport),
      clock,
      namespace: undefined,
      onProblem: (resource: Resource) => problems.push(resource.kind),
    },
    () => {
      changes += 1;
    },
  );
  return { clock, transport, caches, problems, changes: () => changes };
}

const own = { templateName: "smoke" };
const cluster = { templateName: "smoke", clusterScope: true };

describe("templates of analyses", () => {
  it("are not asked for before somebody wants to know", () => {
    const { transport, clock } = scene(list(), list());
    assert.deepEqual([transport.asked, clock.pending], [[], 0]);
  });

  it("are known once both kinds have been read, without what nobody needs", async () => {
    const { caches, clock, changes } = scene(list(template), list());
    assert.equal(caches.isReady(), false);
    assert.equal(caches.find(own, "shop"), "unknown");
    await clock.settle();
    assert.equal(caches.isReady(), true);
    assert.ok(changes() > 0, "those who wait are told");
    const found = caches.find(own, "shop");
    assert.deepEqual(found === "unknown" ? found : found?.spec, { templates: [{ templateName: "inner" }] });
    assert.equal(caches.find(own, "other"), undefined);
    assert.equal(caches.find(cluster, "shop"), undefined);
  });

  it("follow what happens", async () => {
    const { caches, clock, transport, changes } = scene(list(), list());
    caches.isReady();
    await clock.settle();
    const before = changes();
    const object = { apiVersion: "argoproj.io/v1alpha1", kind: "AnalysisTemplate", ...template };
    const newer = { ...object, metadata: { ...object.metadata, resourceVersion: "9" } };
    transport.sinks[0]?.event({ type: "ADDED", object: newer });
    assert.equal(changes(), before + 1);
    assert.notEqual(caches.find(own, "shop"), undefined);
  });

  it("are not there where the kind is not served", async () => {
    const { caches, clock, problems } = scene(failure(404, "NotFound"), list());
    caches.isReady();
    await clock.settle();
    assert.equal(caches.isReady(), true);
    assert.equal(caches.find(own, "shop"), undefined);
    assert.deepEqual(problems, [], "no cluster has to have them");
  });

  for (const [code, reason] of [
    [403, "Forbidden"],
    [500, "InternalError"],
  ] as const) {
    it(`of a kind that cannot be read (${code}) are unknown, and nobody waits for them`, async () => {
      const { caches, clock, problems } = scene(list(template), failure(code, reason));
      caches.isReady();
      await clock.settle();
      assert.equal(caches.isReady(), true);
      assert.equal(caches.find(cluster, "shop"), "unknown");
      assert.notEqual(caches.find(own, "shop"), "unknown");
      assert.deepEqual(problems, ["ClusterAnalysisTemplate"]);
    });
  }

  it("are asked for no more after the end", async () => {
    const { caches, clock, transport } = scene(failure(403, "Forbidden"), failure(404, "NotFound"));
    caches.isReady();
    await clock.settle();
    caches.stop();
    const asked = transport.asked.length;
    await clock.advance(600);
    assert.deepEqual([transport.asked.length, clock.pending], [asked, 0]);
  });
});
