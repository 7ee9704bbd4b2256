import type { KubernetesObject } from "../api/core.ts";
import { type Resource, resources } from "../api/resources.ts";
import type { AnalysisTemplate, Rollout } from "../api/rollout.ts";
import type { WatchCache } from "../kubernetes/watch-cache.ts";
import type { AnalysisTemplates } from "../rollout/plan-types.ts";

/** The kinds that are read from the moment on when some Rollout asks for an analysis: most clusters have no such kinds. */
export const templateKinds: readonly Resource[] = [
  resources.analysisTemplates,
  resources.clusterAnalysisTemplates,
];

/** Whether the Rollout asks for an analysis before or after its switch. */
export function asksForAnalysis({ spec }: Partial<Rollout>): boolean {
  const { prePromotionAnalysis, postPromotionAnalysis } = spec?.strategy?.blueGreen ?? {};
  return prePromotionAnalysis !== undefined || postPromotionAnalysis !== undefined;
}

type Cache = Pick<WatchCache<AnalysisTemplate>, "get" | "isMissing" | "unknownBecause">;

/** A kind that is not served has no objects; of one that may not be read nothing is known. */
export function analysisTemplates(own: Cache, cluster: Cache): AnalysisTemplates {
  return {
    find: ({ templateName = "", clusterScope = false }, namespace) => {
      const cache = clusterScope ? cluster : own;
      if (cache.isMissing) return undefined;
      if (cache.unknownBecause !== undefined) return "unknown";
      return cache.get(clusterScope ? "" : namespace, templateName);
    },
  };
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
