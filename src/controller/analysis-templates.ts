import type { KubernetesObject } from "../api/core.ts";
import { type Resource, resources } from "../api/resources.ts";
import type { AnalysisTemplate, Rollout } from "../api/rollout.ts";
import { analysesOf } from "../api/strategy.ts";
import { findTemplate } from "../rollout/analysis-references.ts";
import type { Objects } from "../traffic/objects.ts";

/** The kinds that are read from the moment on when some Rollout asks for an analysis: most clusters have no such kinds. */
export const templateKinds: readonly Resource[] = [
  resources.analysisTemplates,
  resources.clusterAnalysisTemplates,
];

/** Whether the Rollout asks for an analysis of its updates. */
export function asksForAnalysis(rollout: Rollout): boolean {
  return analysesOf(rollout).length > 0;
}

/** The templates that the Rollout's analyses name, and those that these name, as far as they are there. */
export function templatesOf(rollout: Rollout, objects: Objects): readonly AnalysisTemplate[] {
  const found = new Set<AnalysisTemplate>();
  const pending = analysesOf(rollout).flatMap(({ templates }) => templates);
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const template = findTemplate(next, rollout.metadata.namespace ?? "", objects);
    if (template === undefined || found.has(template)) continue;
    found.add(template);
    pending.push(...(template.spec?.templates ?? []));
  }
  return [...found];
}

/** All that is needed of a template. */
export function trimTemplate({
  apiVersion,
  kind,
  metadata: { name, namespace, uid, resourceVersion },
  spec,
}: AnalysisTemplate & KubernetesObject): AnalysisTemplate {
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    },
    spec: spec?.templates === undefined ? {} : { templates: spec.templates },
  };
}
