/** Where the objects of one kind live in the API. */
export interface Resource {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

const namespaced = (group: string, version: string, plural: string, kind: string): Resource => ({
  group,
  version,
  plural,
  kind,
  namespaced: true,
});
const clusterWide = (group: string, version: string, plural: string, kind: string): Resource => ({
  ...namespaced(group, version, plural, kind),
  namespaced: false,
});

/** The kinds that Teal itself reads and writes. */
export const resources = {
  namespaces: clusterWide("", "v1", "namespaces", "Namespace"),
  nodes: clusterWide("", "v1", "nodes", "Node"),
  pods: namespaced("", "v1", "pods", "Pod"),
  services: namespaced("", "v1", "services", "Service"),
  events: namespaced("", "v1", "events", "Event"),
  configMaps: namespaced("", "v1", "configmaps", "ConfigMap"),
  secrets: namespaced("", "v1", "secrets", "Secret"),
  serviceAccounts: namespaced("", "v1", "serviceaccounts", "ServiceAccount"),
  replicaSets: namespaced("apps", "v1", "replicasets", "ReplicaSet"),
  deployments: namespaced("apps", "v1", "deployments", "Deployment"),
  statefulSets: namespaced("apps", "v1", "statefulsets", "StatefulSet"),
  daemonSets: namespaced("apps", "v1", "daemonsets", "DaemonSet"),
  controllerRevisions: namespaced("apps", "v1", "controllerrevisions", "ControllerRevision"),
  persistentVolumeClaims: namespaced("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim"),
  jobs: namespaced("batch", "v1", "jobs", "Job"),
  cronJobs: namespaced("batch", "v1", "cronjobs", "CronJob"),
  podDisruptionBudgets: namespaced("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget"),
  horizontalPodAutoscalers: namespaced(
    "autoscaling",
    "v2",
    "horizontalpodautoscalers",
    "HorizontalPodAutoscaler",
  ),
  endpoints: namespaced("", "v1", "endpoints", "Endpoints"),
  endpointSlices: namespaced("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice"),
  leases: namespaced("coordination.k8s.io", "v1", "leases", "Lease"),
  customResourceDefinitions: clusterWide(
    "apiextensions.k8s.io",
    "v1",
    "customresourcedefinitions",
    "CustomResourceDefinition",
  ),
  rollouts: namespaced("argoproj.io", "v1alpha1", "rollouts", "Rollout"),
  analysisTemplates: namespaced("argoproj.io", "v1alpha1", "analysistemplates", "AnalysisTemplate"),
  clusterAnalysisTemplates: clusterWide(
    "argoproj.io",
    "v1alpha1",
    "clusteranalysistemplates",
    "ClusterAnalysisTemplate",
  ),
} as const satisfies Record<string, Resource>;

/** `services`, `rollouts.argoproj.io`: the same for all versions of a kind, and for no other kind. */
export function kindKeyOf({ group, plural }: Pick<Resource, "group" | "plural">): string {
  return group === "" ? plural : `${plural}.${group}`;
}

/** `services shop/web`: one object of the cluster, whatever its kind. */
export function objectKeyOf(resource: Resource, namespace: string, name: string): string {
  return `${kindKeyOf(resource)} ${namespace}/${name}`;
}

/** `v1`, `apps/v1`. */
export function apiVersionOf(resource: Pick<Resource, "group" | "version">): string {
  return resource.group === "" ? resource.version : `${resource.group}/${resource.version}`;
}

/** The URL path of a collection, an object, or a subresource of it. */
export function pathOf(resource: Resource, namespace?: string, name?: string, subresource?: string): string {
  const root =
    resource.group === "" ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  const parts = [root];
  if (resource.namespaced && namespace !== undefined) parts.push("namespaces", encodeURIComponent(namespace));
  parts.push(resource.plural);
  if (name !== undefined) parts.push(encodeURIComponent(name));
  if (subresource !== undefined) parts.push(subresource);
  return parts.join("/");
}
