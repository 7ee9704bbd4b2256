import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Pod } from "../../../api/core.ts";
import { resources } from "../../../api/resources.ts";
import { KubernetesClient } from "../../../kubernetes/client.ts";
import { ManualClock } from "../../../time/manual-clock.ts";
import { PodApi } from "../testing/pod-api.ts";
import { ignoredFields } from "./ignored-fields.ts";

/** As the API server has it, with all its defaults. */
async function ignoredIn(spec: object, container: object = {}): Promise<readonly string[]> {
  const client = new KubernetesClient(new PodApi(new ManualClock()));
  const pod = await client.create<Pod>(resources.pods, "default", {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web" },
    spec: { containers: [{ name: "web", image: "web:1", ...container }], ...spec },
  });
  return ignoredFields(pod, false, { cpu: "2", memory: String(2 ** 30) });
}

describe("what is ignored of a pod", () => {
  it("is nothing for one that asks for nothing particular", async () => {
    const probe = { httpGet: { path: "/", port: 80 } };
    assert.deepEqual(
      await ignoredIn(
        { terminationGracePeriodSeconds: 5, tolerations: [{ operator: "Exists" }], securityContext: {} },
        {
          command: ["a"],
          env: [{ name: "A", value: "b" }],
          envFrom: [{ configMapRef: { name: "c" } }],
          ports: [{ containerPort: 80 }],
          resources: { requests: { cpu: "1" } },
          readinessProbe: probe,
          livenessProbe: probe,
          startupProbe: probe,
          lifecycle: { preStop: { sleep: { seconds: 1 } } },
        },
      ),
      [],
    );
  });

  const cases: readonly [what: string, spec: object, container: object, told: RegExp][] = [
    [
      "a volume in memory",
      {
        volumes: [
          { name: "config", configMap: { name: "x" } },
          { name: "data", emptyDir: { medium: "Memory" } },
        ],
      },
      { volumeMounts: [{ name: "config", mountPath: "/etc" }] },
      /^medium of volume data: its files are on the disk$/,
    ],
    ["limits", {}, { resources: { limits: { memory: "1Gi" } } }, /^limits of web: /],
    [
      "a pod's securityContext",
      { securityContext: { runAsUser: 1000 } },
      {},
      /^securityContext: processes run/,
    ],
    [
      "a container's securityContext",
      {},
      { securityContext: { readOnlyRootFilesystem: true } },
      /^securityContext/,
    ],
    ["a UDP port", {}, { ports: [{ containerPort: 53, protocol: "UDP" }] }, /^port 53\/UDP: no Service/],
    [
      "a host port",
      {},
      { ports: [{ containerPort: 80, hostPort: 8080 }] },
      /^hostPort 8080: nothing listens/,
    ],
    ["a node selector", { nodeSelector: { disk: "ssd" } }, {}, /^nodeSelector: there is one node/],
    [
      "a volume's size",
      { volumes: [{ name: "cache", emptyDir: { sizeLimit: "1Mi" } }] },
      {},
      /^sizeLimit of volume cache: .* not evicted$/,
    ],
    ["host aliases", { hostAliases: [{ ip: "127.0.0.1", hostnames: ["a"] }] }, {}, /^hostAliases: /],
    ["a terminal", {}, { tty: true }, /^tty: no effect$/],
    [
      "what nobody here has heard of",
      { shareProcessNamespace: true },
      {},
      /^shareProcessNamespace: no effect$/,
    ],
  ];
  for (const [what, spec, container, told] of cases) {
    it(`is named: ${what}`, async () => {
      const ignored = await ignoredIn(spec, container);
      assert.equal(ignored.length, 1, ignored.join("; "));
      assert.match(ignored[0] ?? "", told);
    });
  }

  it("is a request for more than there is, of all containers together", async () => {
    const asking = async (requests: object) => ignoredIn({}, { resources: { requests } });
    assert.deepEqual(await asking({ cpu: "2", memory: "1Gi" }), []);
    assert.match(
      (await asking({ cpu: "2001m" })).join(),
      /^requests of cpu: more than this machine has \(2\)/,
    );
    assert.match((await asking({ memory: "1025Mi" })).join(), /^requests of memory: more than/);
  });
});
