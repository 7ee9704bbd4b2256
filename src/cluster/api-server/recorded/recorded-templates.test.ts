// What a real kube-apiserver v1.34.4 says of pod templates and pods, most of them bad: each was sent as a new ReplicaSet,
// or where `pod` is given as a new Pod.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { startApi } from "../api-server.fixture.ts";
import type { Fields } from "../json.ts";
import templates from "./data/templates.json" with { type: "json" };

interface Recorded {
  readonly case: string;
  readonly template?: Fields;
  readonly pod?: Fields;
  readonly code: number;
  readonly causes?: readonly (readonly [field: string, reason: string, message: string])[];
  readonly warnings?: readonly string[];
}

const api = startApi();

describe("what the real server says of a pod template", () => {
  for (const recorded of templates as unknown as readonly Recorded[]) {
    it(recorded.case, async () => {
      const answer = await send(recorded);
      const { causes = [] } = fieldsOfDetails(answer.body);
      assert.deepEqual(causes.map(textOf), (recorded.causes ?? []).map(recordedText));
      assert.equal(answer.code, recorded.code, JSON.stringify(answer.body));
      assert.deepEqual(answer.warnings ?? [], recorded.warnings ?? []);
    });
  }
});

it("refuses what is wrong in a Deployment's template, too", async () => {
  const template = {
    metadata: { labels: { app: "web" }, annotations: { "prometheus.io/scrape/path": "/metrics" } },
    spec: { containers: [{ name: "c", image: "web:1" }] },
  };
  const answer = await api.post("/apis/apps/v1/namespaces/default/deployments", workload(template));
  assert.equal(answer.code, 422);
  assert.equal(fieldsOfDetails(answer.body).causes?.[0]?.field, "spec.template.annotations");
});

it("refuses annotations of more than 256 KiB", async () => {
  const annotations = Object.fromEntries(["a", "b", "c"].map((key) => [key, "x".repeat(100 * 1024)]));
  const template = {
    metadata: { labels: { app: "web" }, annotations },
    spec: { containers: [{ name: "c", image: "web:1" }] },
  };
  const answer = await api.post("/apis/apps/v1/namespaces/default/replicasets", workload(template));
  assert.deepEqual(fieldsOfDetails(answer.body).causes?.map(textOf), [
    "spec.template.annotations: FieldValueTooLong: Too long: may not be more than 262144 bytes",
  ]);
});

function send({ template, pod }: Recorded) {
  return pod === undefined
    ? api.post("/apis/apps/v1/namespaces/default/replicasets?dryRun=All", workload(template))
    : api.post("/api/v1/namespaces/default/pods?dryRun=All", {
        ...pod,
        metadata: { ...(pod["metadata"] as object), name: "web" },
      });
}

function workload(template: unknown) {
  return {
    metadata: { name: "web" },
    spec: { replicas: 0, selector: { matchLabels: { app: "web" } }, template },
  };
}

interface Cause {
  readonly field: string;
  readonly reason: string;
  readonly message: string;
}

function fieldsOfDetails(body: unknown): { readonly causes?: readonly Cause[] } {
  return (body as { readonly details?: { readonly causes?: readonly Cause[] } }).details ?? {};
}

function recordedText([field, reason, message]: readonly [string, string, string]): string {
  return textOf({ field, reason: `FieldValue${reason}`, message });
}

// The real server shows whole objects in the form of its own memory (`{"RunAsUser":null,…`), which is nobody's concern.
function textOf({ field, reason, message }: Cause): string {
  return `${field}: ${reason}: ${message.replace(/^Invalid value: \{.*\}: /, "Invalid value: {…}: ")}`;
}
