import type { ApiGroup, GroupVersion } from "./api-groups.ts";

/** `/api` for clients without aggregated discovery. */
export function apiVersions(address: string): object {
  const serverAddressByClientCIDRs = [{ clientCIDR: "0.0.0.0/0", serverAddress: address }];
  return { kind: "APIVersions", versions: ["v1"], serverAddressByClientCIDRs };
}

/** `/apis`. */
export function apiGroupList(groups: readonly ApiGroup[]): object {
  return { kind: "APIGroupList", apiVersion: "v1", groups: groups.map(groupEntry) };
}

/** `/apis/GROUP`. */
export function apiGroup(group: ApiGroup): object {
  return { kind: "APIGroup", apiVersion: "v1", ...groupEntry(group) };
}

function groupEntry({ name, versions }: ApiGroup): object {
  const entries = versions.map((each) => ({ groupVersion: each.name, version: each.version }));
  return { name, versions: entries, preferredVersion: entries[0] };
}

/** `/api/v1`, `/apis/GROUP/VERSION`: resources, each followed by its subresources. */
export function apiResourceList({ name, resources }: GroupVersion): object {
  return {
    kind: "APIResourceList",
    apiVersion: "v1",
    groupVersion: name,
    resources: resources.flatMap((resource) => [
      {
        name: resource.plural,
        singularName: resource.singular,
        namespaced: resource.namespaced,
        kind: resource.kind,
        verbs: resource.verbs,
        ...(resource.shortNames.length === 0 ? {} : { shortNames: resource.shortNames }),
        ...(resource.categories.length === 0 ? {} : { categories: resource.categories }),
        ...(resource.storageVersionHash === undefined
          ? {}
          : { storageVersionHash: resource.storageVersionHash }),
      },
      ...resource.subresources.map(({ name: subresource, kind, group, version, verbs }) => ({
        name: `${resource.plural}/${subresource}`,
        singularName: "",
        namespaced: resource.namespaced,
        ...(group === undefined ? {} : { group }),
        ...(version === undefined ? {} : { version }),
        kind,
        verbs,
      })),
    ]),
  };
}
