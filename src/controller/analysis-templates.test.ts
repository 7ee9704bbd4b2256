import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Resource, resources } from "../api/resources.ts";
import type { Rollout, TemplateReference } from "../api/rollout.ts";
import { KubernetesClient } from "../kubernetes/client.ts";
import type { ApiRequest, ApiResponse, Transport, WatchSink } from "../kubernetes/transport.ts";
import { findTemplate } from "../rollout/analysis-references.ts";
import { ManualClock } from "../time/manual-clock.ts";
import { Caches } from "./caches.ts";
import { rollout } from "./small-cluster.fixture.ts";

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
    const answer = this.#answers.get(path.split("/").at(-1) ?? "");
    if (answer !== undefined) this.asked.push(path);
    return answer ?? list();
  }

  watch({ path }: ApiRequest, sink: WatchSink): () => void {
    if (path.endsWith(resources.analysisTemplates.plural)) this.sinks.push(sink);
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
  const changed = (): void => {
    changes += 1;
  };
  const caches = new Caches({
    client: new KubernetesClient(transport),
    clock,
    namespace: undefined,
    instanceId: undefined,
    onProblem: ({ kind }: Resource) => problems.push(kind),
    onKnowledge: changed,
  });
  const find = (reference: TemplateReference, namespace = "shop") =>
    findTemplate(reference, namespace, caches.objects);
  const unknown = (): readonly string[] => caches.unknownFor(asking).map(({ plural }) => plural);
  /** Whether a Rollout that asks for an analysis can be decided about; begins to read what that needs. */
  const isReady = (): boolean => caches.isReadFor(asking);
  return { clock, transport, caches, problems, find, unknown, isReady, changes: () => changes };
}

const web = rollout("web");
const blueGreen = { activeService: "web", prePromotionAnalysis: { templates: [] } };
const asking: Rollout = { ...web, spec: { ...web.spec, strategy: { blueGreen } } };
const own = { templateName: "smoke" };
const cluster = { templateName: "smoke", clusterScope: true };

describe("templates of analyses", () => {
  it("are not asked for before somebody wants to know", async () => {
    const { transport, clock, caches } = scene(list(), list());
    await caches.begin();
    caches.isReadFor(web);
    await clock.settle();
    assert.deepEqual(transport.asked, []);
    caches.stop();
  });

  it("are known once both kinds have been read, without what nobody needs", async () => {
    const { clock, changes, find, isReady, unknown } = scene(list(template), list());
    assert.equal(isReady(), false);
    assert.ok(unknown().includes("analysistemplates"));
    await clock.settle();
    assert.equal(isReady(), true);
    assert.ok(changes() > 0, "those who wait are told");
    assert.deepEqual(unknown(), []);
    assert.deepEqual(find(own)?.spec, { templates: [{ templateName: "inner" }] });
    assert.equal(find(own, "other"), undefined);
    assert.equal(find(cluster), undefined);
  });

  it("follow what happens", async () => {
    const { clock, transport, find, isReady } = scene(list(), list());
    isReady();
    await clock.settle();
    const object = { apiVersion: "argoproj.io/v1alpha1", kind: "AnalysisTemplate", ...template };
    const newer = { ...object, metadata: { ...object.metadata, resourceVersion: "9" } };
    transport.sinks[0]?.event({ type: "ADDED", object: newer });
    assert.notEqual(find(own), undefined);
  });

  it("are not there where the kind is not served", async () => {
    const { clock, problems, find, isReady, unknown } = scene(failure(404, "NotFound"), list());
    isReady();
    await clock.settle();
    assert.equal(isReady(), true);
    assert.deepEqual([find(own), unknown()], [undefined, []]);
    assert.deepEqual(problems, [], "no cluster has to have them");
  });

  for (const [code, reason, seconds] of [
    [403, "Forbidden", 0],
    [500, "InternalError", 30],
  ] as const) {
    it(`of a kind that cannot be read (${code}) are unknown, and waited for ${seconds} s`, async () => {
      const { clock, problems, find, isReady, unknown } = scene(list(template), failure(code, reason));
      isReady();
      await clock.settle();
      assert.equal(isReady(), seconds === 0);
      await clock.advance(seconds);
      assert.equal(isReady(), true);
      assert.deepEqual(unknown(), ["clusteranalysistemplates"]);
      assert.notEqual(find(own), undefined);
      assert.equal(find(cluster), undefined);
      assert.deepEqual(problems, ["ClusterAnalysisTemplate"]);
    });
  }

  it("are asked for no more after the end", async () => {
    const { caches, clock, transport, isReady } = scene(failure(403, "Forbidden"), failure(404, "NotFound"));
    isReady();
    await clock.settle();
    caches.stop();
    const asked = transport.asked.length;
    await clock.advance(600);
    assert.deepEqual([transport.asked.length, clock.pending], [asked, 0]);
  });
});
