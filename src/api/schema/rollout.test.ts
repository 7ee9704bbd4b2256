import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { rolloutCustomResourceDefinition } from "./rollout.ts";
import type { Schema } from "./schema.ts";

interface Definition {
  readonly spec: {
    readonly versions: readonly [{ readonly schema: { readonly openAPIV3Schema: Schema } }];
  };
}

const definition = rolloutCustomResourceDefinition();
const schema = (definition as Definition).spec.versions[0].schema.openAPIV3Schema;

describe("the Rollout's custom resource definition", () => {
  it("fits into the annotation in which kubectl apply keeps it", () => {
    assert.ok(JSON.stringify(definition).length < 200 * 1024);
  });

  it("is structural: every field has one type, every required field and list key exists", () => {
    const problems = [...walk("", schema)].flatMap(([path, node]) => structuralProblems(path, node));
    assert.deepEqual(problems, []);
  });

  it("explains every field of spec, strategy and blueGreen, and what people read of the status", () => {
    const { spec, status } = schema.properties ?? {};
    const strategy = spec?.properties?.["strategy"];
    const unexplained = [spec, strategy, strategy?.properties?.["blueGreen"], status].flatMap((node) =>
      Object.entries(node?.properties ?? {}).flatMap(([name, field]) =>
        field.description === undefined ? [name] : [],
      ),
    );
    // The status of canaries and of other controllers' traffic routing.
    assert.deepEqual(unexplained, [
      "alb",
      "albs",
      "canary",
      "currentStepHash",
      "currentStepIndex",
      "duration",
      "workloadObservedGeneration",
    ]);
  });

  const paths = [
    "spec.strategy.blueGreen.prePromotionAnalysis.args[].valueFrom.fieldRef.fieldPath",
    "spec.strategy.canary.trafficRouting.istio.virtualServices[].tlsRoutes[].sniHosts[]",
    "spec.strategy.canary.steps[].experiment.templates[].selector.matchExpressions[].values[]",
    "spec.template.spec.containers[].readinessProbe.httpGet.port",
    "spec.template.spec.topologySpreadConstraints[].labelSelector.matchLabels{}",
    "status.canary.weights.additional[].podTemplateHash",
    "status.alb.loadBalancer.arn",
    "status.duration.completionStatus",
  ];
  const known = new Map(walk("", schema));
  for (const path of paths) {
    it(`knows .${path}`, () => assert.ok(known.has(`.${path}`)));
  }
});

function* walk(path: string, node: Schema): Generator<[string, Schema]> {
  yield [path, node];
  for (const [name, field] of Object.entries(node.properties ?? {})) yield* walk(`${path}.${name}`, field);
  if (node.items !== undefined) yield* walk(`${path}[]`, node.items);
  if (node.additionalProperties !== undefined) yield* walk(`${path}{}`, node.additionalProperties);
}

function structuralProblems(path: string, node: Schema): string[] {
  const open = node["x-kubernetes-preserve-unknown-fields"] ?? node["x-kubernetes-int-or-string"] ?? false;
  const missing = (node.required ?? []).filter((name) => node.properties?.[name] === undefined);
  const looseKeys = (node["x-kubernetes-list-map-keys"] ?? []).filter(
    (key) =>
      node.items?.required?.includes(key) !== true && node.items?.properties?.[key]?.default === undefined,
  );
  return [
    ...(node.type === undefined && !open ? [`${path} has no type`] : []),
    ...(node.type === "array" && node.items === undefined ? [`${path} has no items`] : []),
    ...missing.map((name) => `${path} requires ${name}, which it does not have`),
    ...looseKeys.map((key) => `${path} is keyed by ${key}, which may be absent`),
  ];
}
