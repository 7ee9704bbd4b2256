import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { withPodTemplateDefaults } from "../../../api/pod-defaults.ts";
import { builtInType } from "./built-in-type.ts";
import { decode } from "./decode.ts";

const pod = builtInType("io.k8s.api.core.v1.Pod");
const podSpec = (spec: object): unknown => (decode(pod, { spec }) as { spec: unknown }).spec;

describe("reading what a client sent", () => {
  it("drops unknown fields and tells where they were", () => {
    const unknown: string[] = [];
    decode(
      pod,
      { spec: { containers: [{ name: "a" }, { name: "b", nope: 1, ports: [{ also: 2 }] }] }, more: 3 },
      unknown,
    );
    assert.deepEqual(unknown, ["spec.containers[1].nope", "spec.containers[1].ports[0].also", "more"]);
  });

  it("drops nulls and what is zero, unless zero says something", () => {
    const spec = {
      containers: [
        { name: "c", tty: false, command: [], env: [{ name: "A", value: "" }], livenessProbe: null },
      ],
      hostname: "",
      terminationGracePeriodSeconds: 0,
      automountServiceAccountToken: false,
    };
    assert.deepEqual(podSpec(spec), {
      containers: [{ name: "c", resources: {}, env: [{ name: "A" }] }],
      terminationGracePeriodSeconds: 0,
      automountServiceAccountToken: false,
    });
  });

  it("makes quantities and times canonical", () => {
    const resources = { limits: { cpu: "0.5", memory: 1024 } };
    assert.deepEqual(podSpec({ containers: [{ name: "c", resources }] }), {
      containers: [{ name: "c", resources: { limits: { cpu: "500m", memory: "1024" } } }],
    });
    const metadata = { creationTimestamp: "2026-01-01T01:00:00.9+01:00" };
    const object = decode(pod, { metadata }) as { metadata: object };
    assert.deepEqual(object.metadata, { creationTimestamp: "2026-01-01T00:00:00Z" });
    const lease = builtInType("io.k8s.api.coordination.v1.Lease");
    const renewed = decode(lease, { spec: { renewTime: "2026-01-01T00:00:00.123456Z" } }) as { spec: object };
    assert.deepEqual(renewed.spec, { renewTime: "2026-01-01T00:00:00.123456Z" });
  });

  it("shares nothing with what was sent", () => {
    const definition = builtInType(
      "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition",
    );
    const openAPIV3Schema = { type: "object", default: { deep: { x: 1 } } };
    const sent = { spec: { versions: [{ name: "v1", schema: { openAPIV3Schema } }] } };
    const read = JSON.stringify(decode(definition, sent));
    const decoded = decode(definition, sent);
    openAPIV3Schema.default.deep.x = 2;
    assert.equal(JSON.stringify(decoded), read);
  });

  const wrong: readonly [what: string, object: unknown, message: string][] = [
    [
      "a text for a number",
      { spec: { priority: "x" } },
      "json: cannot unmarshal string into Go struct field PodSpec.spec.priority of type int32",
    ],
    [
      "a fraction for an integer",
      { spec: { priority: 1.5 } },
      "json: cannot unmarshal number 1.5 into Go struct field PodSpec.spec.priority of type int32",
    ],
    [
      "a number that is too large",
      { spec: { priority: 3e9 } },
      "json: cannot unmarshal number 3000000000 into Go struct field PodSpec.spec.priority of type int32",
    ],
    [
      "a number for a text",
      { spec: { containers: [{ name: 1 }] } },
      "json: cannot unmarshal number into Go struct field Container.spec.containers.name of type string",
    ],
    [
      "an object for a list",
      { spec: { containers: {} } },
      "json: cannot unmarshal object into Go struct field PodSpec.spec.containers of type []v1.Container",
    ],
    [
      "a text for a truth",
      { spec: { hostNetwork: "yes" } },
      "json: cannot unmarshal string into Go struct field PodSpec.spec.hostNetwork of type bool",
    ],
    [
      "a list for an object",
      { spec: [] },
      "json: cannot unmarshal array into Go struct field Pod.spec of type v1.PodSpec",
    ],
  ];
  for (const [what, object, message] of wrong) {
    it(`refuses ${what}`, () => assert.throws(() => decode(pod, object), { message }));
  }

  it("agrees with the planner's defaults about what means nothing", () => {
    const templates = [
      {
        spec: {
          containers: [{ name: "c", image: "", tty: false, env: [{ name: "A", value: "" }], args: [] }],
        },
      },
      {
        metadata: { labels: {}, creationTimestamp: null },
        spec: { containers: [{ name: "c" }], nodeSelector: {}, hostname: "" },
      },
      {
        spec: {
          hostNetwork: false,
          containers: [
            {
              name: "c",
              resources: { limits: { cpu: 2 } },
              livenessProbe: { exec: { command: ["x"] }, timeoutSeconds: 0 },
            },
          ],
          volumes: [{ name: "v", emptyDir: { medium: "", sizeLimit: "0.5Gi" } }],
          tolerations: [{ key: "k", operator: "", effect: "" }],
        },
      },
    ];
    const type = builtInType("io.k8s.api.core.v1.PodTemplateSpec");
    for (const template of templates) {
      const byPlanner = withPodTemplateDefaults(template as never);
      const byServer = withPodTemplateDefaults(decode(type, template) as never);
      assert.deepEqual(byPlanner, byServer);
    }
  });
});
