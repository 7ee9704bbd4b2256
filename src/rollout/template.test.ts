import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PodTemplateSpec } from "../api/core.ts";
import { podTemplateHashLabel } from "../api/names.ts";
import { templateHash, templateIdentity } from "./template.ts";

const written = {
  metadata: { labels: { app: "web" } },
  spec: {
    containers: [
      {
        name: "web",
        image: "web:1",
        ports: [{ containerPort: 80 }],
        resources: { limits: { cpu: "0.5", memory: "1024Mi" } },
        readinessProbe: { httpGet: { port: 80 } },
      },
    ],
  },
};

/** The same template as an API server gives it back in a ReplicaSet. */
const stored = {
  metadata: { creationTimestamp: null, labels: { app: "web", [podTemplateHashLabel]: "abc" } },
  spec: {
    containers: [
      {
        name: "web",
        image: "web:1",
        imagePullPolicy: "IfNotPresent",
        ports: [{ containerPort: 80, protocol: "TCP" }],
        resources: { limits: { cpu: "500m", memory: "1Gi" } },
        readinessProbe: {
          httpGet: { path: "/", port: 80, scheme: "HTTP" },
          timeoutSeconds: 1,
          periodSeconds: 10,
          successThreshold: 1,
          failureThreshold: 3,
        },
        terminationMessagePath: "/dev/termination-log",
        terminationMessagePolicy: "File",
      },
    ],
    restartPolicy: "Always",
    terminationGracePeriodSeconds: 30,
    dnsPolicy: "ClusterFirst",
    securityContext: {},
    schedulerName: "default-scheduler",
  },
};

const identity = (template: object): bigint => templateIdentity(template as PodTemplateSpec);

describe("the identity of a pod template", () => {
  it("is the same for what was written and what the API server made of it", () => {
    assert.equal(identity(stored), identity(written));
  });

  const changes: readonly [string, (copy: typeof written) => unknown][] = [
    ["an image", (t) => Object.assign(t.spec.containers[0] ?? {}, { image: "web:2" })],
    [
      "an environment variable",
      (t) => Object.assign(t.spec.containers[0] ?? {}, { env: [{ name: "A", value: "1" }] }),
    ],
    ["a label", (t) => Object.assign(t.metadata.labels, { tier: "x" })],
    ["an annotation", (t) => Object.assign(t.metadata, { annotations: { a: "b" } })],
    ["a quantity", (t) => Object.assign(t.spec.containers[0]?.resources.limits ?? {}, { cpu: "0.6" })],
    [
      "a probe's path",
      (t) => Object.assign(t.spec.containers[0]?.readinessProbe.httpGet ?? {}, { path: "/ready" }),
    ],
    ["the grace period", (t) => Object.assign(t.spec, { terminationGracePeriodSeconds: 31 })],
    ["a list's order", (t) => Object.assign(t.spec.containers[0] ?? {}, { args: ["b", "a"] })],
  ];
  for (const [what, change] of changes) {
    it(`differs with ${what}`, () => {
      const copy = structuredClone(written);
      change(copy);
      assert.notEqual(identity(copy), identity(stored));
    });
  }

  it("gives hashes that are valid in names and labels, one per template", () => {
    const hash = templateHash(identity(written));
    assert.match(hash, /^[bcdfghjklmnpqrstvwxz2456789]{10}$/);
    assert.equal(templateHash(identity(stored)), hash);
    assert.notEqual(templateHash(identity(written), 1), hash);
  });
});
