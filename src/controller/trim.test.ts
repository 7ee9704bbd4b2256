import assert from "node:assert/strict";
import { test } from "node:test";
import {
  lastAppliedAnnotation,
  podTemplateHashLabel,
  revisionAnnotation,
  revisionHistoryAnnotation,
  scaleDownDeadlineAnnotation,
} from "../api/names.ts";
import { templateIdentity } from "../rollout/template.ts";
import { replicaSet, rollout } from "./small-cluster.fixture.ts";
import { trimReplicaSet, trimRollout } from "./trim.ts";

test("forgets the applied manifest and keeps all other annotations", () => {
  const web = rollout("web");
  const annotations = { [lastAppliedAnnotation]: "{}", team: "blue" };
  const trimmed = trimRollout({ ...web, metadata: { ...web.metadata, annotations } });
  assert.deepEqual(trimmed, { ...web, metadata: { ...web.metadata, annotations: { team: "blue" } } });
});

test("keeps of a ReplicaSet what it says of its version, and of its template only which one it is", () => {
  const web = replicaSet("web-1", rollout("web"), "web-uid");
  const { metadata, spec } = web;
  const kept = {
    labels: { [podTemplateHashLabel]: "1" },
    annotations: {
      [revisionAnnotation]: "2",
      [revisionHistoryAnnotation]: "1",
      [scaleDownDeadlineAnnotation]: "2026-01-01T00:00:00Z",
    },
  };
  const trimmed = trimReplicaSet({
    ...web,
    metadata: {
      ...metadata,
      labels: { ...kept.labels, app: "web" },
      annotations: { ...kept.annotations, [lastAppliedAnnotation]: "{}", other: "x" },
    },
    status: { replicas: 2, availableReplicas: 1 },
  });
  const { template, ...others } = spec;
  assert.deepEqual(trimmed, {
    ...web,
    metadata: { ...metadata, ...kept },
    spec: others,
    status: { replicas: 2, availableReplicas: 1 },
    templates: [templateIdentity(template)],
  });
});

test("keeps of an ownerless ReplicaSet its labels, which say whose it is, and its other owners", () => {
  const web = replicaSet("web-1", rollout("web"), "web-uid");
  const labels = { [podTemplateHashLabel]: "1", app: "web" };
  const other = { apiVersion: "v1", kind: "ConfigMap", name: "c", uid: "c" };
  const { metadata } = trimReplicaSet({
    ...web,
    metadata: { ...web.metadata, labels, ownerReferences: [other] },
  });
  assert.deepEqual([metadata.labels, metadata.ownerReferences], [labels, [other]]);
});
