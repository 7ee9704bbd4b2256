import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PodTemplateSpec } from "./core.ts";
import { withPodOnlyDefaults, withPodTemplateDefaults } from "./pod-defaults.ts";

const defaulted = (template: object): object => withPodTemplateDefaults(template as PodTemplateSpec);
const containerOf = (container: object): object => {
  const { spec } = defaulted({ spec: { containers: [{ name: "c", image: "web:1", ...container }] } }) as {
    spec: { containers: object[] };
  };
  return spec.containers[0] ?? {};
};

const container = {
  name: "c",
  image: "web:1",
  resources: {},
  terminationMessagePath: "/dev/termination-log",
  terminationMessagePolicy: "File",
  imagePullPolicy: "IfNotPresent",
};
const spec = {
  restartPolicy: "Always",
  terminationGracePeriodSeconds: 30,
  dnsPolicy: "ClusterFirst",
  securityContext: {},
  schedulerName: "default-scheduler",
};

describe("the defaults of a pod template", () => {
  it("are those of a real API server", () => {
    const template = {
      metadata: { labels: { app: "a" } },
      spec: { containers: [{ name: "c", image: "web:1" }] },
    };
    assert.deepEqual(defaulted(template), {
      metadata: { labels: { app: "a" } },
      spec: { ...spec, containers: [container] },
    });
  });

  it("change nothing that is there, and are the same when given twice", () => {
    const full = {
      metadata: {},
      spec: {
        ...spec,
        restartPolicy: "Never",
        terminationGracePeriodSeconds: 0,
        containers: [
          { ...container, imagePullPolicy: "Never", ports: [{ containerPort: 1, protocol: "UDP" }] },
        ],
      },
    };
    assert.deepEqual(defaulted(full), full);
    assert.deepEqual(defaulted(defaulted(full)), full);
  });

  it("leave the given template as it is", () => {
    const template = Object.freeze({
      spec: Object.freeze({ containers: Object.freeze([Object.freeze({ name: "c" })]) }),
    });
    assert.doesNotThrow(() => defaulted(template));
  });

  it("mirror the service account's old name", () => {
    const wanted = { serviceAccountName: "robot", serviceAccount: "robot" };
    for (const given of [{ serviceAccountName: "robot" }, { serviceAccount: "robot" }]) {
      const result = defaulted({ spec: { ...given, containers: [] } }) as { spec: object };
      assert.deepEqual({ ...result.spec, ...wanted }, result.spec);
    }
  });

  it("leave to pods what only pods get", () => {
    const limited = { limits: { cpu: "1" } };
    const hosted = {
      hostNetwork: true,
      containers: [{ name: "c", resources: limited, ports: [{ containerPort: 80 }] }],
    };
    const template = defaulted({ spec: hosted }) as {
      spec: { enableServiceLinks?: boolean; containers: object[] };
    };
    assert.equal(template.spec.enableServiceLinks, undefined);
    const inTemplate = template.spec.containers[0] as { resources: object; ports: object[] };
    assert.deepEqual(
      [inTemplate.resources, inTemplate.ports],
      [limited, [{ protocol: "TCP", containerPort: 80 }]],
    );
    const pod = withPodOnlyDefaults(template.spec as unknown as Record<string, unknown>);
    const inPod = (pod.containers as (typeof inTemplate)[])[0];
    assert.equal(pod.enableServiceLinks, true);
    assert.deepEqual(inPod?.resources, { limits: { cpu: "1" }, requests: { cpu: "1" } });
    assert.deepEqual(inPod?.ports, [{ hostPort: 80, protocol: "TCP", containerPort: 80 }]);
  });

  const pullPolicies: readonly [image: string | undefined, policy: string][] = [
    ["nginx", "Always"],
    ["nginx:latest", "Always"],
    ["nginx:1.27", "IfNotPresent"],
    ["registry.io:5000/team/app", "Always"],
    ["registry.io:5000/team/app:v1", "IfNotPresent"],
    [`nginx@sha256:${"a".repeat(64)}`, "IfNotPresent"],
    [`nginx:latest@sha256:${"a".repeat(64)}`, "Always"],
    ["Not An Image", "IfNotPresent"],
    [undefined, "IfNotPresent"],
  ];
  for (const [image, policy] of pullPolicies) {
    it(`pull ${image ?? "no image"} ${policy}`, () => {
      const result = containerOf({ image }) as { imagePullPolicy: string };
      assert.equal(result.imagePullPolicy, policy);
    });
  }

  const parts: readonly [what: string, container: object, added: object][] = [
    ["a port", { ports: [{ containerPort: 80 }] }, { ports: [{ containerPort: 80, protocol: "TCP" }] }],
    [
      "an HTTP probe",
      { readinessProbe: { httpGet: { port: 80 } } },
      {
        readinessProbe: {
          httpGet: { port: 80, path: "/", scheme: "HTTP" },
          timeoutSeconds: 1,
          periodSeconds: 10,
          successThreshold: 1,
          failureThreshold: 3,
        },
      },
    ],
    [
      "a probe whose numbers are zero",
      {
        livenessProbe: {
          tcpSocket: { port: 80 },
          timeoutSeconds: 0,
          initialDelaySeconds: 0,
          periodSeconds: 5,
        },
      },
      {
        livenessProbe: {
          tcpSocket: { port: 80 },
          timeoutSeconds: 1,
          periodSeconds: 5,
          successThreshold: 1,
          failureThreshold: 3,
        },
      },
    ],
    [
      "a hook",
      { lifecycle: { preStop: { httpGet: { port: "http" } } } },
      { lifecycle: { preStop: { httpGet: { port: "http", path: "/", scheme: "HTTP" } } } },
    ],
    [
      "variables",
      {
        env: [
          { name: "A", value: "" },
          { name: "B", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
          { name: "C", valueFrom: { resourceFieldRef: { resource: "limits.cpu" } } },
        ],
      },
      {
        env: [
          { name: "A" },
          { name: "B", valueFrom: { fieldRef: { apiVersion: "v1", fieldPath: "metadata.name" } } },
          { name: "C", valueFrom: { resourceFieldRef: { resource: "limits.cpu", divisor: "0" } } },
        ],
      },
    ],
    [
      "resources, in canonical form",
      { resources: { limits: { cpu: "0.5", memory: "1024Mi" }, requests: {} } },
      { resources: { limits: { cpu: "500m", memory: "1Gi" } } },
    ],
    ["what means nothing", { command: [], args: null, tty: false, workingDir: "" }, {}],
  ];
  for (const [what, given, added] of parts) {
    it(`complete ${what}`, () => assert.deepEqual(containerOf(given), { ...container, ...added }));
  }

  const volumes: readonly [given: object, completed: object][] = [
    [{}, { emptyDir: {} }],
    [{ emptyDir: { sizeLimit: "1024Mi" } }, { emptyDir: { sizeLimit: "1Gi" } }],
    [{ configMap: { name: "x" } }, { configMap: { name: "x", defaultMode: 420 } }],
    [{ secret: { secretName: "x", defaultMode: 256 } }, { secret: { secretName: "x", defaultMode: 256 } }],
    [{ hostPath: { path: "/x" } }, { hostPath: { path: "/x", type: "" } }],
    [
      { downwardAPI: { items: [{ path: "a", fieldRef: { fieldPath: "metadata.name" } }] } },
      {
        downwardAPI: {
          defaultMode: 420,
          items: [{ path: "a", fieldRef: { apiVersion: "v1", fieldPath: "metadata.name" } }],
        },
      },
    ],
    [
      { projected: { sources: [{ serviceAccountToken: { path: "t" } }] } },
      {
        projected: {
          defaultMode: 420,
          sources: [{ serviceAccountToken: { path: "t", expirationSeconds: 3600 } }],
        },
      },
    ],
  ];
  for (const [given, completed] of volumes) {
    it(`complete the volume ${JSON.stringify(given)}`, () => {
      const result = defaulted({ spec: { containers: [], volumes: [{ name: "v", ...given }] } }) as {
        spec: { volumes: object[] };
      };
      assert.deepEqual(result.spec.volumes, [{ name: "v", ...completed }]);
    });
  }
});
