import { group, version } from "../names.ts";

// Argo's kubectl plugin lists runs and experiments beside Rollouts and does not start where an API server does not serve
// them; Rollouts name templates. Teal does not act on any of them yet, so their content is kept as it is sent.
const openKinds = [
  { kind: "AnalysisRun", plural: "analysisruns", shortName: "ar", scope: "Namespaced", hasPhase: true },
  {
    kind: "AnalysisTemplate",
    plural: "analysistemplates",
    shortName: "at",
    scope: "Namespaced",
    hasPhase: false,
  },
  {
    kind: "ClusterAnalysisTemplate",
    plural: "clusteranalysistemplates",
    shortName: "cat",
    scope: "Cluster",
    hasPhase: false,
  },
  { kind: "Experiment", plural: "experiments", shortName: "exp", scope: "Namespaced", hasPhase: true },
] as const;

/** The CustomResourceDefinitions of the kinds that are served but not acted on. */
export function openCustomResourceDefinitions(): readonly object[] {
  return openKinds.map(({ kind, plural, shortName, scope, hasPhase }) => ({
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      names: { kind, listKind: `${kind}List`, plural, shortNames: [shortName], singular: kind.toLowerCase() },
      scope,
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          additionalPrinterColumns: [
            ...(hasPhase ? [{ name: "Status", type: "string", jsonPath: ".status.phase" }] : []),
            { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
          ],
          schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
        },
      ],
    },
  }));
}
