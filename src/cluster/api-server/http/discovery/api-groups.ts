import type { ResourceInfo } from "../../resource-info.ts";

/** One version of a group and what it serves. */
export interface GroupVersion {
  readonly group: string;
  readonly version: string;
  /** `v1`, `apps/v1`. */
  readonly name: string;
  readonly resources: readonly ResourceInfo[];
}

export interface ApiGroup {
  /** Empty for the core group. */
  readonly name: string;
  /** Preferred version first. */
  readonly versions: readonly [GroupVersion, ...GroupVersion[]];
}

/** Everything served, by group: built-in groups in the order of the resources, then those of CRDs by name. */
export function groupsOf(resources: readonly ResourceInfo[]): readonly ApiGroup[] {
  const byGroup = Map.groupBy(resources, ({ group }) => group);
  const builtIn = [...byGroup].filter(([, all]) => all.some(({ custom }) => !custom));
  const custom = [...byGroup].filter(([, all]) => all.every((each) => each.custom));
  const sorted = [...builtIn, ...custom.sort(([a], [b]) => (a < b ? -1 : 1))];
  return sorted.flatMap(([name, all]) => {
    const [preferred, ...others] = versionsOf(name, all);
    return preferred === undefined ? [] : [{ name, versions: [preferred, ...others] as const }];
  });
}

function versionsOf(group: string, resources: readonly ResourceInfo[]): readonly GroupVersion[] {
  return [...Map.groupBy(resources, ({ version }) => version)]
    .map(([version, all]) => ({
      group,
      version,
      name: group === "" ? version : `${group}/${version}`,
      resources: all.toSorted((a, b) => (a.plural < b.plural ? -1 : 1)),
    }))
    .sort((a, b) => compareVersions(a.version, b.version));
}

/** Orders versions as Kubernetes prefers them: v2, v1, v2beta1, v1beta2, v1alpha1, then other names by alphabet. */
export function compareVersions(a: string, b: string): number {
  const left = rankOf(a);
  const right = rankOf(b);
  for (const [index, rank] of left.entries()) {
    const difference = (right[index] ?? 0) - rank;
    if (difference !== 0) return difference;
  }
  return a < b ? -1 : a > b ? 1 : 0;
}

function rankOf(version: string): readonly number[] {
  const parts = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version);
  if (parts === null) return [0, 0, 0];
  const stability = parts[2] === "alpha" ? 1 : parts[2] === "beta" ? 2 : 3;
  return [stability, Number(parts[1]), Number(parts[3] ?? 0)];
}
