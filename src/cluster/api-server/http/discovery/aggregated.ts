import type { ResourceInfo, Subresource } from "../../resource-info.ts";
import type { ApiGroup, GroupVersion } from "./api-groups.ts";

/** The versions of aggregated discovery: the same content under two names. */
export type AggregatedVersion = "v2" | "v2beta1";

/** All groups in one answer, as clients ask for at `/api` (the core group) and `/apis` (all others). */
export function aggregatedDiscovery(groups: readonly ApiGroup[], version: AggregatedVersion): object {
  return {
    kind: "APIGroupDiscoveryList",
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: groups.map(({ name, versions }) => ({
      metadata: name === "" ? {} : { name },
      versions: versions.map(versionEntry),
    })),
  };
}

function versionEntry({ version, resources }: GroupVersion): object {
  return { version, freshness: "Current", resources: resources.map(resourceEntry) };
}

function resourceEntry(resource: ResourceInfo): object {
  const { plural, singular, namespaced, verbs, shortNames, categories, subresources } = resource;
  return {
    resource: plural,
    responseKind: responseKind(resource, resource),
    scope: namespaced ? "Namespaced" : "Cluster",
    singularResource: singular,
    verbs,
    ...(shortNames.length === 0 ? {} : { shortNames }),
    ...(categories.length === 0 ? {} : { categories }),
    ...(subresources.length === 0
      ? {}
      : {
          subresources: subresources.map((subresource) => ({
            subresource: subresource.name,
            responseKind: responseKind(resource, subresource),
            verbs: subresource.verbs,
          })),
        }),
  };
}

function responseKind(resource: ResourceInfo, { kind, group, version }: ResourceInfo | Subresource): object {
  return { group: group ?? resource.group, version: version ?? resource.version, kind };
}
