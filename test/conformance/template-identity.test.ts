import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PodTemplateSpec } from "../../src/api/core.ts";
import { withPodTemplateDefaults } from "../../src/api/pod-defaults.ts";
import { Undecodable } from "../../src/cluster/api-server/scalars.ts";
import { builtInType } from "../../src/cluster/api-server/type/built-in-type.ts";
import { decode } from "../../src/cluster/api-server/type/decode.ts";
import { templateIdentity } from "../../src/rollout/template.ts";
import { podTemplateSamples, type Sample } from "./pod-template-samples.ts";

const type = builtInType("io.k8s.api.core.v1.PodTemplateSpec");

/** As an API server answers it after storing it in a ReplicaSet; undefined when it is refused. */
function stored({ template }: Sample): PodTemplateSpec | undefined {
  try {
    return withPodTemplateDefaults(decode(type, template) as PodTemplateSpec);
  } catch (error) {
    if (error instanceof Undecodable) return undefined;
    throw error;
  }
}

const samples = podTemplateSamples().flatMap((sample) => {
  const answer = sample.template === null ? undefined : stored(sample);
  return answer === undefined ? [] : [{ ...sample, stored: answer }];
});

describe("the identity of a template with any field of the Kubernetes API", () => {
  it("is looked at with every field", () => assert(samples.length > 3500, `${samples.length} samples`));

  it("is the same for what was written and what an API server stores", () => {
    for (const { name, template, stored: answer } of samples) {
      assert.equal(
        templateIdentity(template),
        templateIdentity(answer),
        `${name}: ${JSON.stringify(template)} and ${JSON.stringify(answer)}`,
      );
    }
  });

  it("is another one with another value, unless that means the same", () => {
    for (const [name, all] of Map.groupBy(samples, (sample) => sample.name)) {
      // A template's own name, times and owners do not become its pods'.
      if (name.startsWith("metadata.") && !/^metadata\.(labels|annotations|finalizers)/.test(name)) continue;
      const telling = all.filter(
        ({ value }) => (typeof value === "string" && value !== "") || value === true,
      );
      for (const [index, sample] of telling.entries()) {
        for (const other of telling.slice(index + 1)) {
          if (JSON.stringify(sample.stored) === JSON.stringify(other.stored) || isQuantity(sample.name))
            continue;
          assert.notEqual(
            templateIdentity(sample.template),
            templateIdentity(other.template),
            `${name}: ${String(sample.value)} and ${String(other.value)}`,
          );
        }
        const without = all.find(({ value }) => value === null);
        if (without === undefined || JSON.stringify(sample.stored) === JSON.stringify(without.stored))
          continue;
        assert.notEqual(
          templateIdentity(sample.template),
          templateIdentity(without.template),
          `${name}: ${String(sample.value)} and nothing`,
        );
      }
    }
  });
});

function isQuantity(name: string): boolean {
  return /(limits|requests|overhead)\{\}$|sizeLimit$|divisor$/.test(name);
}
