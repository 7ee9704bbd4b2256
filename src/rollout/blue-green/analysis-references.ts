import type { TemplateReference } from "../../api/rollout.ts";
import type { BlueGreen } from "../../api/strategy.ts";
import { type FieldError, invalid } from "../../api/validation.ts";
import type { Snapshot } from "../snapshot.ts";

/** Which templates of the analyses that the Rollout asks for are not there, in Argo's words. */
export function validateAnalyses(snapshot: Snapshot, strategy: BlueGreen): readonly FieldError[] {
  return (["prePromotionAnalysis", "postPromotionAnalysis"] as const).flatMap((name) =>
    missingTemplates(snapshot, `spec.strategy.blueGreen.${name}.templates`, strategy[name]?.templates ?? []),
  );
}

/** Templates name further templates; `seen` are those that have been looked into. */
function missingTemplates(
  snapshot: Snapshot,
  field: string,
  references: readonly TemplateReference[],
  seen: ReadonlySet<unknown> = new Set(),
): readonly FieldError[] {
  const { analysisTemplates, rollout } = snapshot;
  return references.flatMap((reference) => {
    const found = analysisTemplates?.find(reference, rollout.metadata.namespace ?? "") ?? undefined;
    if (analysisTemplates === undefined || found === "unknown" || seen.has(found)) return [];
    if (found === undefined) {
      const { templateName = "", clusterScope = false } = reference;
      const kind = clusterScope ? "ClusterAnalysisTemplate" : "AnalysisTemplate";
      return [invalid(field, templateName, `${kind} '${templateName}' not found`)];
    }
    return missingTemplates(
      snapshot,
      "spec.templates",
      found.spec?.templates ?? [],
      new Set([...seen, found]),
    );
  });
}
