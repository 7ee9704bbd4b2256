import { resources } from "../api/resources.ts";
import type { AnalysisTemplate, TemplateReference } from "../api/rollout.ts";
import type { AskedAnalysis } from "../api/strategy.ts";
import { type FieldError, invalid } from "../api/validation.ts";
import type { Objects } from "../traffic/objects.ts";
import { objectsOf, type Snapshot } from "./snapshot.ts";

/** Which templates of the analyses that the Rollout asks for are not there, in Argo's words. */
export function validateAnalyses(
  snapshot: Snapshot,
  analyses: readonly AskedAnalysis[],
): readonly FieldError[] {
  return analyses.flatMap(({ field, templates }) =>
    missingTemplates(snapshot, `${field}.templates`, templates),
  );
}

export function findTemplate(
  reference: TemplateReference,
  namespace: string,
  objects: Objects,
): AnalysisTemplate | undefined {
  const { templateName = "", clusterScope = false } = reference;
  return objects.get<AnalysisTemplate>(kindOf(reference), clusterScope ? "" : namespace, templateName);
}

/** Templates name further templates; `seen` are those that have been looked into. */
function missingTemplates(
  snapshot: Snapshot,
  field: string,
  references: readonly TemplateReference[],
  seen: ReadonlySet<unknown> = new Set(),
): readonly FieldError[] {
  const objects = objectsOf(snapshot);
  return references.flatMap((reference) => {
    const found = findTemplate(reference, snapshot.rollout.metadata.namespace ?? "", objects);
    if (seen.has(found)) return [];
    if (found === undefined) {
      const { kind, plural } = kindOf(reference);
      // Of a kind that may not be read nothing can be said.
      if (snapshot.unknown.some((unknown) => unknown.plural === plural)) return [];
      const { templateName = "" } = reference;
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

function kindOf({ clusterScope = false }: TemplateReference) {
  return clusterScope ? resources.clusterAnalysisTemplates : resources.analysisTemplates;
}
