import { group, version } from "../names.ts";

// Argo's kubectl plugin lists these kinds beside Rollouts and does not start where an API server does not serve them. Teal
// does not act on them yet, so their content is kept as it is sent.
const openKinds = [
  { kind: "AnalysisRun", plural: "analysisruns", shortName: "ar" },
  { kind: "Experiment", plural: "experiments", shortName: "exp" },
] as const;

/** The CustomResourceDefinitions of the kinds that are served but not acted on. */
export function openCustomResourceDefinitions(): readonly object[] {
  return openKinds.map(({ kind, plural, shortName }) => ({
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      names: { kind, listKind: `${kind}List`, plural, shortNames: [shortName], singular: kind.toLowerCase() },
      scope: "Namespaced",
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          additionalPrinterColumns: [
            { name: "Status", type: "string", jsonPath: ".status.phase" },
            { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
          ],
          schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
        },
      ],
    },
  }));
}
