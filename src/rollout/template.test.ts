import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PodTemplateSpec, ReplicaSet } from "../api/core.ts";
import { ephemeralMetadataAnnotation, podTemplateHashLabel, templateAnnotation } from "../api/names.ts";
import { templateHash, templateIdentity, templateRecord, templatesOf } from "./template.ts";

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
    ["a label without text", (t) => Object.assign(t.metadata.labels, { "sidecar.io/off": "" })],
    ["an annotation without text", (t) => Object.assign(t.metadata, { annotations: { a: "" } })],
    ["a finalizer", (t) => Object.assign(t.metadata, { finalizers: ["example.com/wait"] })],
    [
      "a node label without text",
      (t) => Object.assign(t.spec, { nodeSelector: { "node-role.kubernetes.io/worker": "" } }),
    ],
    ["an argument without text", (t) => Object.assign(t.spec.containers[0] ?? {}, { args: [""] })],
    ["a list's order", (t) => Object.assign(t.spec.containers[0] ?? {}, { args: ["b", "a"] })],
  ];
  for (const [what, change] of changes) {
    it(`differs with ${what}`, () => {
      const copy = structuredClone(written);
      change(copy);
      assert.notEqual(identity(copy), identity(stored));
    });
  }

  const empties: readonly [what: string, withField: (field: object) => object, field: object][] = [
    ["a selector of all pods", (field) => ({ affinity: affinityTo(field) }), { labelSelector: {} }],
    ["a selector of all namespaces", (field) => ({ affinity: affinityTo(field) }), { namespaceSelector: {} }],
    [
      "no storage class",
      (field) => ({ volumes: [{ name: "v", ephemeral: { volumeClaimTemplate: { spec: field } } }] }),
      { storageClassName: "" },
    ],
  ];
  for (const [what, withField, field] of empties) {
    it(`differs with ${what}, which is not the same as nothing`, () => {
      const of = (added: object) => identity({ spec: { containers: [], ...withField(added) } });
      assert.notEqual(of(field), of({}));
    });
  }

  const sameAmount: readonly [where: string, template: (amount: unknown) => object][] = [
    ["a container's limits", (memory) => ({ containers: [{ resources: { limits: { memory } } }] })],
    ["a container's requests", (memory) => ({ containers: [{ resources: { requests: { memory } } }] })],
    ["an init container", (memory) => ({ initContainers: [{ resources: { limits: { memory } } }] })],
    [
      "an ephemeral container",
      (memory) => ({ ephemeralContainers: [{ resources: { limits: { memory } } }] }),
    ],
    ["the pod", (memory) => ({ resources: { requests: { memory } } })],
    ["the overhead", (memory) => ({ overhead: { memory } })],
    ["a volume's size", (sizeLimit) => ({ volumes: [{ name: "v", emptyDir: { sizeLimit } }] })],
    [
      "a claim's size",
      (storage) => ({
        volumes: [
          {
            name: "v",
            ephemeral: { volumeClaimTemplate: { spec: { resources: { requests: { storage } } } } },
          },
        ],
      }),
    ],
    [
      "a divisor",
      (divisor) => ({ containers: [{ env: [{ name: "A", valueFrom: { resourceFieldRef: { divisor } } }] }] }),
    ],
    [
      "a divisor in a volume",
      (divisor) => ({
        volumes: [{ name: "v", downwardAPI: { items: [{ path: "p", resourceFieldRef: { divisor } }] } }],
      }),
    ],
  ];
  for (const [where, specOf] of sameAmount) {
    it(`counts quantities by value in ${where}`, () => {
      const of = (amount: unknown) => identity({ spec: { containers: [], ...specOf(amount) } });
      for (const same of ["128Mi", "131072Ki", 134217728, "134217728.0", "1.34217728e8", "0.125Gi"])
        assert.equal(of(same), of("134217728"), String(same));
      assert.equal(of(0.5), of("500m"));
      for (const other of ["128M", "134217729", "many", "128mi"])
        assert.notEqual(of(other), of("134217728"), other);
      assert.notEqual(of("many"), of("lots"));
    });
  }

  it("takes what only looks like a quantity as text", () => {
    const of = (metadata: object) => identity({ metadata, spec: { containers: [] } });
    for (const key of ["sizeLimit", "divisor", "limits", "requests"]) {
      assert.notEqual(of({ annotations: { [key]: "1k" } }), of({ annotations: { [key]: "1000" } }));
      assert.notEqual(of({ labels: { [key]: "1k" } }), of({ labels: { [key]: "1000" } }));
    }
  });

  it("gives hashes that are valid in names and labels, one per template", () => {
    const hash = templateHash(identity(written));
    assert.match(hash, /^[bcdfghjklmnpqrstvwxz2456789]{10}$/);
    assert.equal(templateHash(identity(stored)), hash);
    assert.notEqual(templateHash(identity(written), 1), hash);
  });
});

function affinityTo(term: object): object {
  const requiredDuringSchedulingIgnoredDuringExecution = [{ topologyKey: "zone", ...term }];
  return { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution } };
}

describe("the templates that a ReplicaSet stands for", () => {
  const replicaSet = (template: object, annotations: Record<string, string> = {}): ReplicaSet => ({
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: { name: "web-abc", namespace: "shop", annotations },
    spec: { selector: {}, template: template as PodTemplateSpec },
  });

  it("are the one that is stored in it, when nobody has changed that", () => {
    assert.deepEqual(templatesOf(replicaSet(stored)), [identity(written)]);
    assert.deepEqual(templatesOf(replicaSet(stored, templateRecord(identity(written)))), [identity(written)]);
  });

  it("are the recorded one, too", () => {
    const recorded = templateRecord(12n);
    assert.deepEqual(recorded, { [templateAnnotation]: "000000000000000c" });
    assert.deepEqual(templatesOf(replicaSet(stored, recorded)), [12n, identity(written)]);
    for (const text of ["", "c", "000000000000000C", "0x0000000000000c", "-00000000000000c"])
      assert.deepEqual(templatesOf(replicaSet(stored, { [templateAnnotation]: text })), [identity(written)]);
  });

  const versionTerm = (operator: string) => ({
    labelSelector: {
      matchExpressions: [{ key: podTemplateHashLabel, operator, values: ["5f4c8d9b7c"] }],
    },
    namespaces: ["shop"],
    topologyKey: "kubernetes.io/hostname",
  });
  const required = (...terms: object[]) => ({
    podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms },
  });
  const preferred = (...terms: object[]) => ({
    podAntiAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: terms.map((podAffinityTerm) => ({
        weight: 1,
        podAffinityTerm,
      })),
    },
  });
  const ownTerm = { labelSelector: { matchLabels: { app: "web" } }, topologyKey: "kubernetes.io/hostname" };
  const nodeAffinity = {
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: [{ matchExpressions: [{ key: "arch", operator: "Exists" }] }],
    },
  };
  const injected: readonly [what: string, inSpec: object | undefined, inReplicaSet: object][] = [
    ["a required term", undefined, required(versionTerm("In"))],
    ["a required term for all others", undefined, required(versionTerm("NotIn"))],
    ["a term without a namespace", undefined, required({ ...versionTerm("In"), namespaces: undefined })],
    ["a preferred term", undefined, preferred(versionTerm("In"))],
    ["a term beside the spec's own", required(ownTerm), required(ownTerm, versionTerm("In"))],
    ["a term before the spec's own", required(ownTerm), required(versionTerm("In"), ownTerm)],
    [
      "a preferred term beside the spec's required one",
      required(ownTerm),
      {
        podAntiAffinity: {
          ...required(ownTerm).podAntiAffinity,
          ...preferred(versionTerm("In")).podAntiAffinity,
        },
      },
    ],
    ["a term beside a node affinity", { nodeAffinity }, { nodeAffinity, ...required(versionTerm("In")) }],
    ["a term in an affinity that was empty", { podAntiAffinity: {} }, required(versionTerm("In"))],
  ];
  const withAffinity = (template: typeof written, affinity: object | undefined) => ({
    ...template,
    spec: { ...template.spec, ...(affinity === undefined ? {} : { affinity }) },
  });
  for (const [what, inSpec, inReplicaSet] of injected) {
    it(`are without what antiAffinity adds: ${what}`, () => {
      const templates = templatesOf(replicaSet(withAffinity(stored as never, inReplicaSet)));
      assert(templates.includes(identity(withAffinity(written, inSpec))));
      assert(
        templates.includes(identity(withAffinity(written, inReplicaSet))),
        "as it is, after an undo with Argo's plugin",
      );
    });
  }

  const own: readonly [what: string, term: object][] = [
    ["other labels", ownTerm],
    ["another topology", { ...versionTerm("In"), topologyKey: "topology.kubernetes.io/zone" }],
    ["another namespace", { ...versionTerm("In"), namespaces: ["other"] }],
    ["more namespaces", { ...versionTerm("In"), namespaces: ["shop", "other"] }],
    ["all namespaces", { ...versionTerm("In"), namespaceSelector: {} }],
    ["any hash", { ...versionTerm("Exists") }],
    [
      "labels beside the hash",
      { ...ownTerm, labelSelector: { ...versionTerm("In").labelSelector, ...ownTerm.labelSelector } },
    ],
  ];
  for (const [what, term] of own) {
    it(`are with a term of the user's own: ${what}`, () => {
      const templates = templatesOf(replicaSet(withAffinity(stored as never, required(term))));
      assert.deepEqual(templates, [identity(withAffinity(written, required(term)))]);
    });
  }

  const labelled = (labels: object, annotations: object = {}) => ({
    ...stored,
    metadata: { labels: { ...stored.metadata.labels, ...labels }, annotations },
  });
  const note = (metadata: unknown) => ({ [ephemeralMetadataAnnotation]: JSON.stringify(metadata) });

  it("are without the labels and annotations of activeMetadata and previewMetadata", () => {
    const metadata = { labels: { role: "preview" }, annotations: { "example.com/role": "preview" } };
    const found = templatesOf(
      replicaSet(labelled({ role: "preview" }, { "example.com/role": "preview" }), note(metadata)),
    );
    assert(found.includes(identity(written)));
  });

  it("are with labels that were changed since, or that nobody noted", () => {
    const found = templatesOf(replicaSet(labelled({ role: "mine" }), note({ labels: { role: "preview" } })));
    assert.deepEqual(found, [identity(labelled({ role: "mine" }))]);
    assert.deepEqual(templatesOf(replicaSet(labelled({ role: "preview" }))), [
      identity(labelled({ role: "preview" })),
    ]);
  });

  it("are with a label that pods are selected by, whatever is noted", () => {
    const web = replicaSet(stored, note({ labels: { app: "web" } }));
    const spec = { ...web.spec, selector: { matchLabels: { app: "web" } } };
    assert.deepEqual(templatesOf({ ...web, spec }), [identity(written)]);
  });

  it("are with a label that the spec has, too, whatever is noted", () => {
    const found = templatesOf(replicaSet(labelled({ role: "x" }), note({ labels: { role: "x" } })));
    assert(found.includes(identity(labelled({ role: "x" }))));
  });

  it("do not depend on a note that says nothing", () => {
    for (const text of [
      "",
      "{",
      "null",
      "[]",
      '"x"',
      '{"labels":null}',
      '{"labels":["a"]}',
      '{"labels":{"app":1}}',
    ])
      assert.deepEqual(templatesOf(replicaSet(stored, { [ephemeralMetadataAnnotation]: text })), [
        identity(written),
      ]);
  });
});
