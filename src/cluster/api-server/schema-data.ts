import notOfferedFile from "./data/not-offered.json" with { type: "json" };
import presenceFile from "./data/presence.json" with { type: "json" };
import resourcesFile from "./data/resources.json" with { type: "json" };
import schemasFile from "./data/schemas.json" with { type: "json" };
import type { Column, Schema, Subresource, Verb } from "./resource-info.ts";

/** Which fields of a type are shown when zero (`always`) and which are left out (`omitted`); others keep what was sent. */
interface Presence {
  readonly always?: readonly string[];
  readonly omitted?: readonly string[];
}

interface ResourceData {
  readonly groupVersion: string;
  readonly resource: string;
  readonly kind: string;
  readonly singular: string;
  readonly namespaced: boolean;
  readonly verbs: readonly Verb[];
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly subresources: readonly Subresource[];
  readonly columns: readonly Column[];
  readonly storageVersionHash?: string;
}

/** Component schemas of all served kinds, by full name (`io.k8s.api.core.v1.Pod`). */
export const components = schemasFile.schemas as unknown as Readonly<Record<string, Schema>>;

export const presence = presenceFile.presence as Readonly<Record<string, Presence>>;

/** The served built-in resources, in the order of discovery. */
export const resourceData = resourcesFile.resources as unknown as readonly ResourceData[];

const elsewhere = new Map(
  Object.entries(notOfferedFile.groups as Readonly<Record<string, readonly string[]>>).map(
    ([group, names]) => [group, new Set(names)],
  ),
);

/** Whether Kubernetes has such a resource or subresource (`pods/exec`), and this cluster does not. */
export function isOnlyElsewhere(group: string, plural: string, subresource: string | undefined): boolean {
  const names = elsewhere.get(group);
  return names?.has(plural) === true || names?.has(`${plural}/${subresource}`) === true;
}

/** Whether the group of an `apiVersion` is one of Kubernetes' own, of which this cluster lacks something. */
export function isGroupOfKubernetes(apiVersion: string): boolean {
  const [version, group] = apiVersion.split("/").reverse();
  return version !== undefined && elsewhere.has(group ?? "");
}

const referencePrefix = "#/components/schemas/";

/** The component's name that a `$ref` points to. */
export function referencedName(schema: Schema): string | undefined {
  return schema.$ref?.slice(referencePrefix.length);
}

const byKind = new Map(
  Object.entries(components).flatMap(([name, schema]) =>
    (schema["x-kubernetes-group-version-kind"] ?? []).map(
      ({ group, version, kind }) => [`${group}/${version}/${kind}`, name] as const,
    ),
  ),
);

/** The component's name of a kind. */
export function schemaNameOf(group: string, version: string, kind: string): string {
  const name = byKind.get(`${group}/${version}/${kind}`);
  if (name === undefined) throw new Error(`schema data has no kind ${group}/${version} ${kind}`);
  return name;
}
